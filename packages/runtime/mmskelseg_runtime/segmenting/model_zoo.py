"""Trained models by name: those of the package, of a hub, and shared folders."""

import hashlib
import json
import os
from functools import cache
from pathlib import Path

from mmskelseg_io.messages.errors import MissingFileError, UserError, shown
from mmskelseg_runtime.segmenting.hub import hub_file, is_on_hub, parts_of

FOLDER = Path(__file__).parents[1] / 'model_zoo'
# The name of all files of a shared model, and what that of the causal one ends with.
_SHARED, _LIVE = 'model', '_live'


@cache
def zoo() -> dict[str, dict[str, str]]:
    """Return the SHA-256 of each file of the models, by the names that users give."""
    return json.loads((FOLDER / 'models.json').read_text('utf-8'))


def is_named(model: object) -> bool:
    """Return whether a model is named as one of the package or of a hub."""
    return is_on_hub(model) or (isinstance(model, str) and model in zoo())


def check_zoo(name: object) -> None:
    """Raise a UserError if no model of the package or of a hub can have this name."""
    if isinstance(name, str) and is_on_hub(name):
        parts_of(name)
    elif not is_named(name):
        raise UserError(
            f'{shown(name)}: no model that comes with the package, which has '
            f'{", ".join(zoo())}, and none of a hub, hf:USER/NAME; to use a config, '
            'name a checkpoint as well.'
        )


def zoo_file(
    name: str, *, live: bool = False, folder: Path = FOLDER, suffix: str = '.onnx'
) -> Path:
    """Return the file of a model for whole videos, or of the causal one if ``live``.

    ``folder`` has the files of a kind, by default exported models, with a ``suffix``.
    A model of a hub has one checkpoint for both.

    Raises:
        UserError: If it is missing, or differs from the published file.
    """
    if is_on_hub(name):
        return hub_file(
            name, f'{_SHARED}{_LIVE * (live and suffix == ".onnx")}{suffix}'
        )
    path = folder / f'{name}{_LIVE * live}{suffix}'
    if not path.is_file():
        raise UserError(
            f'{path}: is missing, but the model {name!r} needs it; reinstall mmskelseg.'
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != zoo()[name][path.name]:
        raise UserError(
            f'{path}: is not the file that came with mmskelseg; reinstall it.'
        )
    return path


def has_exported(folder: str | os.PathLike, *, live: bool = False) -> bool:
    """Return whether a folder has an exported model, for streams if ``live``."""
    return Path(folder, f'{_SHARED}{_LIVE * live}.onnx').is_file()


def exported_file(model: str | os.PathLike, *, live: bool = False) -> str | os.PathLike:
    """Return the file of an exported model, which may be named or be a folder's.

    Raises:
        MissingFileError: If the model has none for streams.
    """
    if is_named(model):
        return zoo_file(str(model), live=live)
    if not os.path.isdir(model):
        return model
    file = Path(model, f'{_SHARED}{_LIVE * live}.onnx')
    if live and not file.is_file():
        raise MissingFileError(
            f'{model}: has no {file.name}, which labels a stream; name a causal model '
            '(docs/streaming.md).'
        )
    return file
