"""Checkpoints to choose from."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mmskelseg.utils.errors import MissingFileError, UserError


def find_checkpoints(place: str | os.PathLike) -> dict[str, Path]:
    """Return checkpoint files by what to call them.

    Args:
        place: A file, or a folder of trainings, such as ``work_dirs``. Of a folder, all
            ``.pth`` files are taken, by training, in each the latest epoch first.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it holds no checkpoint.
    """
    place = Path(place)
    if place.is_file():
        return {place.name: place}
    if not place.is_dir():
        raise MissingFileError(
            f'{place}: there is no such folder of trainings, nor such a checkpoint; '
            'name one, or train a model first (tools/train.py).'
        )
    files = sorted(place.rglob('*.pth'), key=_by_training)
    if not files:
        raise UserError(
            f'{place}: holds no checkpoint (.pth); name a folder that does, or train '
            'a model first (tools/train.py).'
        )
    return {path.relative_to(place).with_suffix('').as_posix(): path for path in files}


def _by_training(path: Path) -> tuple[str, float, str]:
    number = re.search(r'(\d+)$', path.stem)
    return str(path.parent), -float(number[1]) if number else 0.0, path.name
