"""DeepEthogram: a table of 0 and 1 with a row for each frame.

Its columns are a number from 0, ``background``, which holds where nothing else does,
and the behaviors; several may hold at once. A frame that nobody has labelled is -1. The
file of ``take1.mp4`` is ``take1_labels.csv``.
"""

import numpy as np

from mmskelseg_io.files.names import recording_of
from mmskelseg_io.files.parsing import FilePath, headed_rows, whole
from mmskelseg_io.labels.frames import frame_spans, indicator_segments
from mmskelseg_io.labels.reading import LABEL_FORMATS, TABLES, needed_rate
from mmskelseg_io.labels.segments import Classes, VideoSegments, by_tier, sorted_videos
from mmskelseg_io.labels.text import write_rows
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.predictions import Prediction
from mmskelseg_io.structures.tiers import class_name, flat_classes, tiers_of

_BACKGROUND = 'background'


def _is_own(header: list[str]) -> bool:
    return header[:2] == ['', _BACKGROUND]


@LABEL_FORMATS.register('deepethogram', dict.fromkeys(TABLES, _is_own))
def read_deepethogram(
    path: FilePath, *, fps: float | None = None
) -> list[VideoSegments]:
    """Return the labels of a video, among them its background.

    Args:
        path: The table.
        fps: Frames per second of the video, which DeepEthogram does not write.
    """
    rows = headed_rows(path, _is_own, 'one without a name, background, and behaviors')
    rate = needed_rate(fps, path, 'DeepEthogram')
    for frame, (line, row) in enumerate(rows[1:]):
        if whole(row[0], f'{path}: line {line}', 'the frame') != frame:
            raise UserError(f'{path}: line {line} is of frame {row[0]}, not {frame}.')
    edges = np.arange(len(rows)) / rate
    segments = indicator_segments(rows, rows[0][1][1:], edges, path, '-1', '-1.0')
    name = recording_of(path).removesuffix('_labels')
    return sorted_videos([VideoSegments(name, segments, rate, len(rows) - 1)], path)


@register_export('deepethogram', 'deepethogram.csv', 'DeepEthogram', is_of_one=True)
def write_deepethogram(
    path: FilePath,
    video: VideoSegments,
    classes: Classes,
    prediction: Prediction | None = None,
) -> None:
    """Write a video with fps and num_frames as labels of DeepEthogram.

    The backgrounds of a prediction, and a class called ``background``, are the column
    of that name, and frames without a label are then not labelled. If there is no
    background, it holds in these.
    """
    grounds = {_BACKGROUND}
    for tier in [] if prediction is None else tiers_of(prediction):
        if tier.background is not None:
            grounds.add(class_name(tier.classes[tier.background], tier.name))
    everything = flat_classes(by_tier(classes))
    names = [_BACKGROUND, *(name for name in everything if name not in grounds)]
    held = np.full((video.num_frames or 0, len(names)), -1)
    if grounds.isdisjoint(everything):
        held[:] = 0
    for segment, start, end in frame_spans(video):
        held[start:end] = np.maximum(held[start:end], 0)
        if segment.name not in grounds:
            held[start:end, names.index(segment.name)] = 1
    held[~held.any(axis=1), 0] = 1
    write_rows(path, ['', *names], ([i, *row] for i, row in enumerate(held.tolist())))
