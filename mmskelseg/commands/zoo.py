"""Trains a model of the zoo whose data are not part of the package."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmskelseg.automl.job import Fit
from mmskelseg.commands.share import Share
from mmskelseg.converters.subtle import ConvertSUBTLE
from mmskelseg_io.jobs.command_line import positive
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.messages.options import argument, like, option

EXAMPLES = """examples:
  # only the default config, trained longer
  %(prog)s train mouse3d --compare 1
  # with a copy of the release, the folder dataset/y5a5 of jeakwon/subtle
  %(prog)s train mouse3d --raw y5a5
"""


@dataclass(frozen=True)
class ZooModel:
    """How a model is made: from which data, under which licence, and what for.

    ``converter`` has the fields ``source``, ``out`` and ``download``.
    """

    converter: type[ConvertSUBTLE]
    recipe: str
    licence: str
    about: str


MODELS: Mapping[str, ZooModel] = {
    'mouse3d': ZooModel(
        ConvertSUBTLE,
        'pose3d',
        'gpl-3.0',
        'For walking, rearing, standing and grooming of single mice in an arena, from '
        'nine joints in 3D, as those of SUBTLE (Kwon et al., IJCV 2024). The order of '
        'the joints was inferred, and left and right may be swapped.',
    )
}


@dataclass(frozen=True, kw_only=True)
class TrainZooModel(Job[Path]):
    """Trains a model of the zoo whose data are not part of the package.

        %(prog)s train mouse3d

    mouse3d labels mice in 3D. Its data, the ten mice of SUBTLE, are under GPL-3.0,
    and are downloaded from GitHub unless --raw names a copy. DIR gets:

      data/     the release, and its annotations.pkl
      fit/      what `mmskelseg fit` writes, with report.html
      mouse3d/  the shared model with its card (docs/share.md)

    Then use it, here or on another machine:

        mmskelseg segment data/mine/annotations.pkl DIR/mouse3d

    It is under the licence of its data, which the card states.
    """

    examples = EXAMPLES
    kept = Fit.kept
    action: Literal['train'] = argument('what to do: train')
    name: str = argument('the model: mouse3d', choices=MODELS, metavar='NAME')
    out: Path | None = option(
        'folder to write (default: work_dirs/zoo/NAME)', None, metavar='DIR'
    )
    raw: Path | None = option(
        'a copy of the release of its data, which is not downloaded then',
        None,
        metavar='FOLDER',
    )
    minutes: float = option(
        'how long training may take (default: %(default)s)',
        20,
        type=positive,
        metavar='M',
    )
    processes: int = like(Fit, 'processes')
    compare: int | None = like(Fit, 'compare')
    seed: int = like(Fit, 'seed')

    def run(self, events: Events) -> Path:
        """Convert the data, fit, share, and return the folder of the model."""
        made, out = MODELS[self.name], self.out or Path('work_dirs/zoo', self.name)
        data, fit, model = (out / name for name in ('data', 'fit', self.name))
        try:
            made.converter(
                source=self.raw or data / 'raw', out=data, download=self.raw is None
            ).run(events)
        except MissingFileError as error:
            raise UserError(
                f'{self.raw or data / "raw"}: is no whole copy of the release of the '
                'data; name one by --raw, or leave --raw out to download it.'
            ) from error
        Fit(
            ann_file=data / 'annotations.pkl',
            out=fit,
            recipe=made.recipe,
            minutes=self.minutes,
            processes=self.processes,
            compare=self.compare,
            seed=self.seed,
        ).run(events)
        return Share(
            files=[str(fit), str(model)], licence=made.licence, about=made.about
        ).run(events)


main = TrainZooModel.main
