"""Predictions of videos, as inferencers return and write them."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from mmskelseg.runtime.files.names import file_name
from mmskelseg.runtime.labels import labels_to_segments
from mmskelseg.runtime.messages.logs import print_log
from mmskelseg.runtime.segmenting.exports import (
    prediction_budget,
    write_budgets,
    write_exports,
    write_people,
)
from mmskelseg.runtime.structures.predictions import InputVideo, Prediction
from mmskelseg.runtime.structures.segments import IGNORED, to_segments
from mmskelseg.runtime.structures.time_budget import TimeBudget


def drop_unsure(label: np.ndarray, score: np.ndarray, min_score: float) -> np.ndarray:
    """Return labels (T,), -1 in segments whose mean probability is below a minimum.

    Args:
        label: The labels, shape (T,).
        score: Probability of each class, shape (K, T).
        min_score: The minimum.
    """
    label = label.copy()
    for start, end, k in to_segments(label):
        if score[k, start:end].mean() < min_score:
            label[start:end] = IGNORED
    return label


def drop_absent(video: InputVideo, label: np.ndarray) -> np.ndarray:
    """Return labels (T,), -1 while the person is out of view for over a second.

    Args:
        video: The annotation of one of several people, whom ``person`` names; labels
            of other videos are unchanged.
        label: The labels, shape (T,).
    """
    if 'person' not in video:
        return label
    absent = np.all(video['keypoint_score'] <= 0, axis=(0, 2))
    for start, end, is_absent in to_segments(absent.astype(np.int64)):
        inside = start > 0 and end < len(absent)
        if is_absent and inside and end - start <= video['fps']:
            absent[start:end] = False
    return np.where(absent, IGNORED, label)


def to_prediction(
    video: InputVideo, fields: Mapping[str, np.ndarray], classes: Sequence[str]
) -> Prediction:
    """Return a video's annotation with its predictions and segments.

    Args:
        video: The annotation.
        fields: ``pred_label`` (T,), ``pred_score`` (K, T) and, from further heads,
            ``pred_risk`` and ``pred_boundary`` (T,).
        classes: Names of the K classes.
    """
    label, score = fields['pred_label'], fields['pred_score']
    segments = labels_to_segments(label, video['fps'], classes, score)
    prediction = {
        **video,
        **fields,
        'classes': list(classes),
        'segments': [
            {
                'start_frame': start,
                'end_frame': end,
                'start': segment.start,
                'end': segment.end,
                'label': segment.label,
                'label_id': k,
                'score': segment.score,
            }
            for (start, end, k), segment in zip(
                to_segments(label), segments, strict=True
            )
        ],
    }
    return cast(Prediction, prediction)


class PredictionFiles:
    """A writer of the files of each prediction, and at the end of those of all videos.

    Nothing is written without ``out_dir``.

    Args:
        classes: Names of the K classes.
        out_dir: The folder for the files.
        formats: As for :func:`write_exports`, as are ``codec``,
            ``line_minutes`` and ``show_progress``.
        prefix: Whether file names begin with the video's id.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        out_dir: str | os.PathLike | None = None,
        formats: Sequence[str] = (),
        prefix: bool = False,
        codec: str = 'mp4v',
        line_minutes: float | None = None,
        show_progress: bool = True,
    ) -> None:
        self.classes = classes
        self.out_dir = out_dir
        self.formats = formats
        self.prefix = prefix
        self.options = {
            'codec': codec,
            'line_minutes': line_minutes,
            'show_progress': show_progress,
        }
        self._budgets: dict[str, TimeBudget] = {}
        # The people of the current video so far.
        self._people: list[Prediction] = []

    def add(self, prediction: Prediction) -> None:
        """Write the files of a prediction, and of a video's people once complete."""
        if self.out_dir is None:
            return
        if self._people and prediction.get('video') != self._people[0]['video']:
            self._write_people()
        if 'person' in prediction:
            self._people.append(prediction)
        name = prediction['frame_dir']
        self._budgets[name] = prediction_budget(prediction)
        self._write(write_exports, prediction, name)

    def finish(self) -> None:
        """Write the files of the last people, and the time budgets of all videos."""
        if self.out_dir is None:
            return
        if self._people:
            self._write_people()
        if len(self._budgets) > 1:
            write_budgets(self._budgets, self.classes, self.out_dir, self.formats)

    def _write_people(self) -> None:
        self._write(write_people, self._people, self._people[0]['video'])
        self._people = []

    def _write(
        self,
        write: Callable[..., list[Path]],
        shown: Prediction | Sequence[Prediction],
        name: str,
    ) -> None:
        assert self.out_dir is not None
        prefix = f'{file_name(name)}_' if self.prefix else ''
        files = write(shown, self.out_dir, self.formats, prefix=prefix, **self.options)
        if files:
            names = ', '.join(file.name for file in files)
            print_log(f'{name}: {self.out_dir} has {names}')
