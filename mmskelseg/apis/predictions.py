"""Predictions of videos, as inferencers return and write them."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmskelseg.apis.exports import write_exports
from mmskelseg.fileio.names import file_name
from mmskelseg.interchange import labels_to_segments
from mmskelseg.structures.segments import IGNORED, to_segments
from mmskelseg.utils.logs import print_log


def drop_unsure(label: np.ndarray, score: np.ndarray, min_score: float) -> np.ndarray:
    """Return labels (T,), -1 in segments of less mean probability; score is (K, T)."""
    label = label.copy()
    for start, end, k in to_segments(label):
        if score[k, start:end].mean() < min_score:
            label[start:end] = IGNORED
    return label


def to_prediction(
    video: Mapping[str, Any], fields: Mapping[str, np.ndarray], classes: Sequence[str]
) -> dict[str, Any]:
    """Return a video's annotation with what was predicted, and its segments.

    Args:
        video: The annotation.
        fields: ``pred_label`` (T,), ``pred_score`` (K, T) and, from further heads,
            ``pred_risk`` and ``pred_boundary`` (T,).
        classes: Names of the K classes.
    """
    label, score = fields['pred_label'], fields['pred_score']
    segments = labels_to_segments(label, video['fps'], classes, score)
    return {
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


def write_prediction(
    prediction: Mapping[str, Any],
    out_dir: str | os.PathLike,
    formats: Sequence[str] = (),
    *,
    prefix: bool,
    codec: str,
    show_progress: bool,
) -> None:
    """Write a prediction by :func:`write_exports`, and log the names of the files.

    With ``prefix`` they begin with the video's id.
    """
    name = prediction['frame_dir']
    files = write_exports(
        prediction,
        out_dir,
        formats,
        prefix=f'{file_name(name)}_' if prefix else '',
        codec=codec,
        show_progress=show_progress,
    )
    names = ', '.join(file.name for file in files)
    print_log(f'{name}: {out_dir} has {names}')
