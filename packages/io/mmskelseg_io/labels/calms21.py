"""Annotations of CalMS21 and MABe; see :mod:`mmskelseg_io.files.calms21`.

They are a class of each frame, or of each class 0 or 1 for each frame, so that several
hold at once.
"""

import numpy as np

from mmskelseg_io.files.calms21 import LabSequence, is_calms21, read_sequences
from mmskelseg_io.files.parsing import FilePath, numbers
from mmskelseg_io.labels.reading import LABEL_FORMATS, needed_rate
from mmskelseg_io.labels.segments import (
    Segment,
    VideoSegments,
    make_segment,
    sorted_videos,
)
from mmskelseg_io.messages.errors import misfit
from mmskelseg_io.structures.segments import to_segments


@LABEL_FORMATS.register('calms21', {'.json': is_calms21})
def read_calms21(path: FilePath, *, fps: float | None = None) -> list[VideoSegments]:
    """Return the labels of the sequences that have annotations.

    Args:
        path: The JSON file.
        fps: Frames per second; by default the 30 of CalMS21. MABe has several rates.
    """
    videos = []
    for name, one in read_sequences(path).items():
        if one.content.annotations:
            rate = needed_rate(fps or one.fps, path, 'MABe')
            label = frame_classes(one)
            segments = _segments(one, label, rate)
            videos.append(VideoSegments(name, segments, rate, label.shape[-1]))
    return sorted_videos(videos, path)


def frame_classes(one: LabSequence) -> np.ndarray:
    """Return the annotations of a recording: ids (T,), or 0 and 1 of classes (K, T)."""
    place, values = f'{one.place}: annotations', one.content.annotations
    is_table = isinstance(values[0], list)
    label = numbers(values, (-1, -1) if is_table else (-1,), place)
    known = (0, 1) if is_table else tuple(one.classes)
    # An empty frame is not labelled.
    wrong = ~(np.isin(label, known) | np.isnan(label))
    if wrong.any() or (is_table and len(label) != len(one.classes)):
        first = np.argwhere(wrong)[:1].tolist()
        found = [label[tuple(at)] for at in first] or [f'{len(label)} rows']
        expected = f'ids of the classes {one.classes}, or a row of 0 and 1 of each'
        frame = first[0][-1] if first else 0
        raise misfit(place, f'frame {frame}', found[0], expected)
    return np.nan_to_num(label, nan=-1).astype(np.int64)


def _segments(one: LabSequence, label: np.ndarray, rate: float) -> list[Segment]:
    runs = []
    if label.ndim == 1:
        runs = [(a, b, one.classes[k]) for a, b, k in to_segments(label) if k != -1]
    else:
        for name, row in zip(one.classes.values(), label, strict=True):
            held = np.where(row == 1, 0, -1)
            runs += [(start, end, name) for start, end, _ in to_segments(held)]
    return [make_segment(one.place, a / rate, b / rate, name) for a, b, name in runs]
