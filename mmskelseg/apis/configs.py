"""Configs by path or by name."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

import mmskelseg

_PACKAGE = Path(mmskelseg.__file__).parent


def find_config(name: str | os.PathLike) -> Path:
    """Return the file of a config.

    Args:
        name: A path, or the name of a config that comes with the package, such as
            ``skelseg/toy_joint_limb``; without its folder, if no other has that name.

    Raises:
        FileNotFoundError: If there is none, or several.
    """
    path = Path(name)
    if path.is_file():
        return path
    known = {}
    for root in (_PACKAGE / '.mim' / 'configs', _PACKAGE.parent / 'configs'):
        files = sorted(root.glob('[!_]*/*.py'))
        known = {f'{file.parent.name}/{file.stem}': file for file in files}
        if known:
            break
    wanted = os.fspath(name).removesuffix('.py')
    if wanted in known:
        return known[wanted]
    found = [key for key in known if key.partition('/')[2] == wanted]
    if len(found) == 1:
        return known[found[0]]
    near = found or get_close_matches(wanted, known, cutoff=0.5)
    raise FileNotFoundError(
        f'{name}: there is no such config file, nor one config of that name'
        + (f'; near are {", ".join(near)}.' if near else '.')
    )
