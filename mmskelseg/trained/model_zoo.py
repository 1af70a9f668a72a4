"""Trained models that are part of the package."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmskelseg.runtime.messages.errors import UserError, shown

FOLDER = Path(__file__).parents[1] / 'model_zoo'


@dataclass(frozen=True)
class ZooModel:
    """A trained model that is part of the package.

    Args:
        name: The name that users give.
        about: The actions that it recognises, in one line.
        whole: File name and SHA-256 of the checkpoint for whole videos.
        live: The same for the causal checkpoint for streams.
    """

    name: str
    about: str
    whole: tuple[str, str]
    live: tuple[str, str]

    def checkpoint(self, *, live: bool = False) -> Path:
        """Return the file of the checkpoint for whole videos, or for streams if live.

        Raises:
            UserError: If it is missing, or differs from the published file.
        """
        name, expected = self.live if live else self.whole
        path = FOLDER / name
        if not path.is_file():
            raise UserError(
                f'{path}: is missing, but the model {self.name!r} needs it; reinstall '
                'mmskelseg.'
            )
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise UserError(
                f'{path}: is not the file that came with mmskelseg; reinstall it.'
            )
        return path


@cache
def zoo() -> dict[str, ZooModel]:
    """Return the models that come with the package, by name."""
    content = json.loads((FOLDER / 'models.json').read_text('utf-8'))
    return {
        name: ZooModel(name, item['about'], tuple(item['whole']), tuple(item['live']))
        for name, item in content.items()
    }


def zoo_model(name: object) -> ZooModel:
    """Return the model with this name.

    Raises:
        UserError: If there is none.
    """
    models = zoo()
    if not isinstance(name, str) or name not in models:
        raise UserError(
            f'{shown(name)}: no model that comes with the package, which has '
            f'{", ".join(models)}; to use a config, name a checkpoint as well.'
        )
    return models[name]
