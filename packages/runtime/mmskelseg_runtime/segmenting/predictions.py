"""Predictions of videos, as inferencers return and write them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from mmskelseg_io.files.names import file_name
from mmskelseg_io.inputs import StationFile
from mmskelseg_io.labels import labels_to_segments
from mmskelseg_io.labels.writing import EXPORTS
from mmskelseg_io.messages.dependencies import DependencyError
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.messages.options import Positive, checked, like, option
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.choices import CODECS
from mmskelseg_io.structures.individuals import alone, nearest, without_absences
from mmskelseg_io.structures.predictions import InputVideo, Prediction
from mmskelseg_io.structures.segments import IGNORED, to_segments
from mmskelseg_io.structures.tiers import Tier, label_rows, tiers_of
from mmskelseg_io.structures.time_budget import TimeBudget
from mmskelseg_runtime.segmenting.exports import (
    DEFAULT_EXPORTS,
    prediction_budget,
    write_budgets,
    write_exports,
)


def drop_unsure(
    label: np.ndarray, score: np.ndarray, min_score: float, tiers: Sequence[Tier]
) -> np.ndarray:
    """Return labels (T,), -1 in segments whose mean probability is below a minimum.

    ``score`` is the probability of each class, shape (K, T). Labels of G tiers are
    (G, T).
    """
    label = label.copy()
    for tier, row in zip(tiers, label_rows(label), strict=True):
        for start, end, k in to_segments(row):
            if score[tier.rows][k, start:end].mean() < min_score:
                row[start:end] = IGNORED
    return label


def drop_absent(video: InputVideo, label: np.ndarray) -> np.ndarray:
    """Return labels (T,), -1 while the person is out of view for over a second.

    They change only if the annotation names a ``person``, one of several in a video.
    """
    if 'person' not in video:
        return label
    return without_absences(label, alone(video)['keypoint_score'], video['fps'])


def to_prediction(
    video: InputVideo, fields: Mapping[str, np.ndarray], meta: Metainfo
) -> Prediction:
    """Return the annotation of a video or a person, with predictions and segments.

    ``meta`` has the classes of the model, and its tiers and background if it has any.
    ``fields`` are ``pred_label`` (T,), ``pred_score`` (K, T) and, from further heads,
    ``pred_risk`` and ``pred_boundary`` (T,). If a model sees several people of a video
    that names them, the ``target`` of a segment is who is nearest during most of it.
    """
    found: list[dict[str, Any]] = []
    near, people = None, video.get('people', ())
    if 'individual' in video and len(people) == len(video['keypoint']) > 1:
        near = nearest(video)
    tiers = tiers_of(meta)
    for tier, row in zip(tiers, label_rows(fields['pred_label']), strict=True):
        score = fields['pred_score'][tier.rows]
        segments = labels_to_segments(row, video['fps'], tier.classes, score)
        for (start, end, k), segment in zip(to_segments(row), segments, strict=True):
            target = '' if near is None else _most(near[start:end], people)
            own = replace(segment, tier=tier.name, target=target).fields()
            frames = {'start_frame': start, 'end_frame': end}
            found.append({**frames, **own, 'label_id': k})
    prediction = {
        **alone(video),
        **fields,
        'classes': list(meta['classes']),
        **{
            key: meta[key] for key in ('tiers', 'background', 'colors') if meta.get(key)
        },
        'segments': sorted(found, key=lambda item: item['start_frame']),
    }
    return cast(Prediction, prediction)


def _most(near: np.ndarray, people: Sequence[str]) -> str:
    """Return the name of the most frequent index, '' if all are -1."""
    there = near[near >= 0]
    return people[int(np.bincount(there).argmax())] if there.size else ''


@checked
@dataclass(frozen=True)
class FileOptions:
    """Which files are written of predictions, and how; see :func:`write_exports`.

    Nothing is written without ``out_dir``. With ``prefix``, file names begin with the
    id of their video; by default if there are several.
    """

    out_dir: str | os.PathLike | None = None
    formats: Sequence[str] = option(
        f'formats to write: {", ".join(EXPORTS)} (default: '
        f'{" ".join(DEFAULT_EXPORTS)}, and poses if they were estimated)',
        (),
        choices=EXPORTS,
        metavar='FORMAT',
    )
    codec: str = option(
        'codec of the overlay: mp4v, which every OpenCV can write; avc1 (H.264), which '
        'needs PyAV or a special OpenCV; or vp09 (VP9), which takes long; browsers '
        'play the latter two (default: %(default)s)',
        'mp4v',
        choices=CODECS,
    )
    line_minutes: Positive | None = option(
        'minutes per line of a timeline (default: one line up to 10 minutes, else '
        'lines of 5 minutes, or more if the video lasts for hours)',
        None,
        metavar='M',
    )
    station: Path | None = like(StationFile, 'station')
    prefix: bool | None = None

    def __post_init__(self) -> None:
        formats = {n: EXPORTS[n] for n in self.formats if n in EXPORTS}
        for name, one in formats.items():
            if not one.is_there:
                raise DependencyError(
                    f'--formats {name} needs what is not installed; run pip install '
                    f'{one.package}.'
                )
        if self.station and not any('station' in one.needs for one in formats.values()):
            raise UserError(
                f'--station {self.station} is for the risk; add risk to --formats.'
            )


@dataclass
class PredictionFiles:
    """Writes the files of each prediction and, at the end, those of all videos."""

    meta: Metainfo
    options: FileOptions
    show_progress: bool = True
    _budgets: dict[str, TimeBudget] = field(default_factory=dict, init=False)
    # The people of the current video so far.
    _people: list[Prediction] = field(default_factory=list, init=False)

    def add(self, prediction: Prediction) -> None:
        """Write the files of a prediction, and of a video's people once complete.

        Raises:
            UserError: If they would overwrite those of another video's person.
        """
        if self._people and prediction.get('video') != self._people[0]['video']:
            self._write_people()
        if 'person' in prediction:
            self._people.append(prediction)
        name = prediction['frame_dir']
        out_dir = self.options.out_dir
        if self.options.prefix and out_dir is not None and name in self._budgets:
            raise UserError(
                f'{name}: files of this name are already in {out_dir}, but '
                f'{prediction.get("person", "")!r} of the video '
                f'{prediction.get("video", name)!r} has it as well; rename a video.'
            )
        self._budgets[name] = prediction_budget(prediction)
        self._write(prediction, name)

    def finish(self) -> None:
        """Write the files of the last people, and the time budgets of all videos."""
        if self._people:
            self._write_people()
        out_dir, formats = self.options.out_dir, self.options.formats
        if out_dir is not None and len(self._budgets) > 1:
            write_budgets(self._budgets, self.meta, out_dir, formats)

    def _write_people(self) -> None:
        self._write(self._people, self._people[0]['video'])
        self._people = []

    def _write(self, shown: Prediction | Sequence[Prediction], name: str) -> None:
        options = self.options
        if options.out_dir is None:
            return
        files = write_exports(
            shown,
            options.out_dir,
            options.formats,
            prefix=f'{file_name(name)}_' if options.prefix else '',
            codec=options.codec,
            line_minutes=options.line_minutes,
            station=options.station,
            show_progress=self.show_progress,
        )
        if files:
            names = ', '.join(file.name for file in files)
            print_log(f'{name}: {options.out_dir} has {names}')
