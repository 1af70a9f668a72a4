"""Lookup of configs by path or by name."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmskelseg_io.files.work_folders import config_in
from mmskelseg_io.messages.errors import MissingFileError, UserError

_PACKAGE = Path(__file__).parent


def annotation_path(dataset: Mapping[str, Any]) -> Path:
    """Return the path of a data set's ``ann_file``, which is in its ``data_root``."""
    return Path(dataset.get('data_root') or '', dataset['ann_file'])


def configs_folder() -> Path:
    """Return the folder of the configs that come with the package, or a clone of it."""
    packaged = _PACKAGE / '.mim' / 'configs'
    return packaged if packaged.is_dir() else _PACKAGE.parent / 'configs'


def find_config(name: str | os.PathLike) -> Path:
    """Return the file of a config.

    Args:
        name: A path, also that of the folder of a fit or a training, or the name of a
            config that comes with the package, such as ``skelseg/toy_joint_limb`` or
            ``configs/skelseg/toy_joint_limb.py``; the folder may be left out if the
            name is unique.

    Raises:
        MissingFileError: If there is no such config, or the path is of something else.
        UserError: If several configs have this name.
    """
    path = Path(name)
    if path.suffix in ('.py', '.yaml', '.yml', '.json') and path.is_file():
        return path
    if own := config_in(path):
        return own
    files = sorted(configs_folder().glob('[!_]*/*.py'))
    known = {f'{file.parent.name}/{file.stem}': file for file in files}
    wanted = path.as_posix().removeprefix('configs/').removesuffix('.py')
    if wanted in known:
        return known[wanted]
    found = [key for key in known if key.partition('/')[2] == wanted]
    if len(found) == 1:
        return known[found[0]]
    if found:
        raise UserError(
            f'{name}: several configs have this name: {", ".join(found)}; name one '
            'with its folder.'
        )
    if path.exists():
        raise MissingFileError(
            f'{name}: is neither a config nor a folder with a checkpoint (epoch_N.pth);'
            f' `mmskelseg doctor {name}` says which commands read it.'
        )
    near = get_close_matches(wanted, known, cutoff=0.5)
    hint = f'; did you mean {" or ".join(near)}?' if near else '.'
    raise MissingFileError(f'{name}: there is no such config{hint}')
