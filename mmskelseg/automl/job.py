"""The job of training the model that suits some data."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

from mmskelseg.engine.jobs import ConfigRequest, ExecutedJob, SplitRequest
from mmskelseg_io.inputs import LabelInput
from mmskelseg_io.jobs.command_line import (
    positive,
    regular_expression,
    seed,
    whole_from,
)
from mmskelseg_io.jobs.events import Events, PrintedEvents
from mmskelseg_io.messages.options import Positive, argument, like, option
from mmskelseg_runtime.model import Model, load


@dataclass(frozen=True)
class Fitted:
    """The folder of a fit, and the scores in percent of its model.

    They are those of test videos (``test``) and of held-out ones (``held_out``), as far
    as there are any.
    """

    folder: Path
    scores: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Fit(SplitRequest, ExecutedJob[Fitted]):
    """Trains the model that suits your data, and reports how far to trust it.

        %(prog)s data/mine/annotations.pkl --out model

    Compares several configs by cross-validation inside the training videos, holding out
    whole persons; trains the best one on all of them; scores it once on the test
    videos; and writes into the folder --out:

      report.html        how good the model is for counting and timing, for which
                         classes and videos, how sure it is, and what more labels would
                         bring
      report.json        the same for programs
      model.onnx         the model, which runs without PyTorch
      config.py          its config, and model.safetensors its weights, for all commands
      runs/              all trainings

    Who is in a video is known from `person` in the file, from names such as P03_cam1,
    or from --group-by. The test videos are those of --test, `test`, or `val` or
    xsub_val beside `train` or xsub_train. Without any, as in files with folds only, all
    videos are for training, and scores are those of the held-out ones.

    The same command continues a fit that was stopped. Afterwards:

        mmskelseg segment new.mp4 model
    """

    does = 'mmskelseg.automl.fit:fit'
    kept = (
        'finished trainings and saved checkpoints are kept; the same command continues.'
    )
    ann_file: Path = argument('annotation file (annotations.pkl)', metavar='ANN')
    out: Path = option('folder of the model', MISSING, metavar='DIR')
    minutes: float = option(
        'how long it may take; a longer time compares more configs, and trains them '
        'longer (default: %(default)s)',
        15,
        type=positive,
        metavar='M',
    )
    processes: int = option(
        'trainings that run at the same time (default: one per core, at most 4)',
        min(4, os.cpu_count() or 1),
        type=whole_from(1),
        metavar='N',
    )
    #: For somebody who waits: shortens trainings further where the minutes are too few
    #: for a useful one, and measures nothing that a fit beside has just measured.
    always: bool = False
    group_by: re.Pattern[str] | None = option(
        "which part of a video's name tells who is in it (the first group of the "
        'expression, if it has one)',
        None,
        type=regular_expression,
        metavar='REGEX',
    )
    recipe: str | None = like(ConfigRequest, 'recipe')
    objects: bool = like(ConfigRequest, 'objects')
    places: bool = like(ConfigRequest, 'places')
    compare: int | None = option(
        'compare at most N configs; 1 spends all the time on the default (default: as '
        'many as the time allows)',
        None,
        type=whole_from(1),
        metavar='N',
    )
    plan: Path | None = option(
        'the plan.json of an earlier fit to the same data, to repeat it with the same '
        'result on a machine of any speed',
        None,
        metavar='FILE',
    )
    second_observer: Path | None = option(
        'labels of the same recordings by a second observer, in any format or in the '
        'studio, or a folder of such files: the report shows the model beside what '
        'people reach (default: the `observers` of the annotation file, if it has '
        'several)',
        None,
        metavar='FILE',
    )
    label_format: str | None = like(LabelInput, 'label_format')
    label_fps: Positive | None = like(LabelInput, 'label_fps')
    label_option: Sequence[tuple[str, str]] = like(LabelInput, 'label_option')
    seed: int = option('random seed (default: 0)', 0, type=seed)

    def run(self, events: Events) -> Fitted:
        """Fit a model."""
        events.progress(f'Reading {self.ann_file}', 0, None)
        return super().run(events)


def fit(
    ann_file: str | os.PathLike, out: str | os.PathLike = 'model', **options: Any
) -> Model:
    """Train the model that suits some data, and return it; see :class:`Fit`.

    Args:
        ann_file: The annotation file.
        out: The folder of the model. The same call continues what was stopped.
        options: Those of `mmskelseg fit`, such as ``minutes``.

    Raises:
        UserError: If the data cannot be trained.

    Example::

        fit('annotations.pkl', minutes=5).segment('new.csv').plot().show()
    """
    job = Fit(ann_file=Path(ann_file), out=Path(out), **options)
    return load(job.run(PrintedEvents()).folder)
