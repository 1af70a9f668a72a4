"""The model in a folder: the last checkpoint of a training, or that of a fit."""

import os
import re
from contextlib import suppress
from pathlib import Path

from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.messages.errors import MissingFileError

#: The model in a folder of `mmskelseg fit`.
FITTED = 'model.safetensors'
# The most characters of a path.
_LONGEST = 4096


def find_latest_checkpoint(path: str | os.PathLike) -> str | None:
    """Return the last checkpoint of a work folder, or None if it has none.

    That is the file that ``last_checkpoint`` names, or, if the folder was moved, the
    one of that name in it. After a kill, ``last_checkpoint`` may be missing or
    outdated: the newest ``epoch_N.pth`` or ``iter_N.pth`` is then the last.
    """
    folder = Path(path)
    steps = {
        file: int(found[2])
        for file in folder.glob('*.pth')
        if (found := re.fullmatch(r'(epoch|iter)_(\d+)', file.stem)) and file.is_file()
    }
    last = None
    with suppress(OSError, ValueError):
        with regular_file(folder / 'last_checkpoint').open(encoding='utf-8') as file:
            named = Path(file.read(_LONGEST).strip())
        own = folder / named.name
        # The original of a copied folder may still be there.
        moved = own.is_file() and not (named.exists() and named.samefile(own))
        last = own if moved else named
    if last is not None and last.is_file():
        # Files of an earlier training in this folder may have higher numbers.
        since, step = last.stat().st_mtime_ns, steps.get(folder / last.name, 0)
        later = [f for f in steps if steps[f] > step and f.stat().st_mtime_ns > since]
        return str(max(later, key=steps.__getitem__, default=last))
    newest = max(steps, key=lambda file: file.stat().st_mtime_ns, default=None)
    return None if newest is None else str(newest)


def checkpoint_file(path: str | os.PathLike) -> str:
    """Return the checkpoint at a path: the file, or the one that a folder stands for.

    That is the model of a fit, or the last checkpoint of a training.

    Raises:
        MissingFileError: If it is a folder without either.
    """
    if not os.path.isdir(path):
        return os.fspath(path)
    fitted = Path(path, FITTED)
    last = str(fitted) if fitted.is_file() else find_latest_checkpoint(path)
    if last is None:
        raise MissingFileError(
            f'{path}: this folder has no checkpoint (epoch_N.pth or iter_N.pth) and no '
            f'{FITTED}; name a checkpoint, or the folder of a training or a fit.'
        )
    return last


def config_in(folder: str | os.PathLike) -> Path | None:
    """Return the config in the folder of a fit or a training; None if it has none."""
    configs = [*Path(folder).glob('*.py')]
    if len(configs) != 1:
        return None
    with suppress(MissingFileError):
        return configs[0] if checkpoint_file(folder) else None
    return None
