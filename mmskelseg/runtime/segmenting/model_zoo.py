"""Trained models that are part of the package."""

import hashlib
import json
import os
from functools import cache
from pathlib import Path

from mmskelseg.runtime.messages.errors import UserError, shown

FOLDER = Path(__file__).parents[1] / 'model_zoo'


@cache
def zoo() -> dict[str, dict[str, str]]:
    """Return the SHA-256 of each file of the models, by the names that users give."""
    return json.loads((FOLDER / 'models.json').read_text('utf-8'))


def check_zoo(name: object) -> None:
    """Raise a UserError if no model that comes with the package has this name."""
    if not isinstance(name, str) or name not in zoo():
        raise UserError(
            f'{shown(name)}: no model that comes with the package, which has '
            f'{", ".join(zoo())}; to use a config, name a checkpoint as well.'
        )


def zoo_file(
    name: str, *, live: bool = False, folder: Path = FOLDER, suffix: str = '.onnx'
) -> Path:
    """Return the file of a model for whole videos, or of the causal one if ``live``.

    ``folder`` has the files of a kind, by default exported models, with a ``suffix``.

    Raises:
        UserError: If it is missing, or differs from the published file.
    """
    path = folder / f'{name}{"_live" * live}{suffix}'
    if not path.is_file():
        raise UserError(
            f'{path}: is missing, but the model {name!r} needs it; reinstall mmskelseg.'
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != zoo()[name][path.name]:
        raise UserError(
            f'{path}: is not the file that came with mmskelseg; reinstall it.'
        )
    return path


def exported_file(model: str | os.PathLike, *, live: bool = False) -> str | os.PathLike:
    """Return the file of an exported model, which may be one of the package's."""
    return zoo_file(str(model), live=live) if model in zoo() else model
