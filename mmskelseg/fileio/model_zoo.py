"""Trained models that come with the package, by name."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmskelseg.utils.errors import UserError, shown

FOLDER = Path(__file__).parents[1] / 'model_zoo'


@dataclass(frozen=True)
class ZooModel:
    """A model by its name.

    Args:
        name: What users call it.
        about: What it tells apart, in a line.
        whole: Name and SHA-256 of the checkpoint for whole videos.
        live: The same of the causal one for streams.
    """

    name: str
    about: str
    whole: tuple[str, str]
    live: tuple[str, str]

    def checkpoint(self, *, live: bool = False) -> Path:
        """Return the file of one of its checkpoints.

        Raises:
            UserError: If it is not there, or is not the one that was published.
        """
        name, expected = self.live if live else self.whole
        path = FOLDER / name
        if not path.is_file():
            raise UserError(
                f'{path}: is missing, which holds the model {self.name!r}; install '
                'mmskelseg again.'
            )
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise UserError(
                f'{path}: is not the file that came with mmskelseg; install it again.'
            )
        return path


@cache
def zoo() -> dict[str, ZooModel]:
    """Return the models that come with the package by their names."""
    content = json.loads((FOLDER / 'models.json').read_text('utf-8'))
    return {
        name: ZooModel(name, item['about'], tuple(item['whole']), tuple(item['live']))
        for name, item in content.items()
    }


def zoo_model(name: object) -> ZooModel:
    """Return the model of a name.

    Raises:
        UserError: If there is none.
    """
    models = zoo()
    if not isinstance(name, str) or name not in models:
        raise UserError(
            f'{shown(name)}: no model that comes with the package, which has '
            f'{", ".join(models)}; name a checkpoint as well.'
        )
    return models[name]
