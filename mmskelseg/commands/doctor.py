"""Prints what is installed, what is needed and what is repaired.

It ends with status 1 and the remedies if a dependency is missing or unsuitable.
"""

import argparse
import platform
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from mmskelseg import compat
from mmskelseg.compat.dependencies import DEPENDENCIES, problems
from mmskelseg.utils.command_line import command
from mmskelseg.version import __version__


def report() -> str:
    """Return the whole report as text."""
    parts = [
        f'mmskelseg {__version__}, Python {platform.python_version()}',
        _table(_versions()),
        _torch(),
        _mmcv(),
        'Repairs of dependencies that are active:\n' + _table(_repairs()),
    ]
    if remedies := list(problems()):
        parts.append('To be mended:\n' + '\n'.join(f'  {line}' for line in remedies))
    return '\n\n'.join(part for part in parts if part)


def _versions() -> Sequence[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [('package', 'found', 'needed', '')]
    for dependency in DEPENDENCIES:
        name, version = dependency.found()
        state = 'UNSUITABLE' if version else 'MISSING'
        rows.append(
            (
                name or dependency.name,
                version or '-',
                dependency.needed,
                state if dependency.problem() else 'ok',
            )
        )
    return rows


def _repairs() -> Sequence[tuple[str, ...]]:
    return [(r.name, r.upstream, r.mends) for r in compat.active()] or [('none',)]


def _torch() -> str:
    try:
        import torch
    except (ImportError, OSError) as error:
        return f'torch cannot be imported: {error}'
    cuda = torch.version.cuda or 'none'
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    devices = ', '.join(names) or 'CPU alone'
    return f'torch build: CUDA {cuda}; devices: {devices}'


def _mmcv() -> str:
    spec = find_spec('mmcv')
    folders = (spec and spec.submodule_search_locations) or ()
    if not folders:
        return ''
    is_full = any(any(Path(folder).glob('_ext*')) for folder in folders)
    kind = 'full, with compiled operators' if is_full else 'lite, without operators'
    return f'mmcv build: {kind}'


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows in aligned columns.

    >>> print(_table([('a', 'bc'), ('def', 'g')]))
      a    bc
      def  g
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return '\n'.join(
        ('  ' + '  '.join(map(str.ljust, row, widths))).rstrip() for row in rows
    )


def _run(_: argparse.Namespace) -> int:
    print(report())
    return int(any(problems()))


main = command(__doc__, lambda parser: None, _run)
