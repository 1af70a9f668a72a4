"""Intervals of videos that have labels, or should get them, in a JSON file.

The file is an object with the list ``stretches`` of objects with ``video``,
``start_frame``, ``end_frame`` (exclusive) and any further keys.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg_io.files.typed import called, read_typed
from mmskelseg_io.messages.errors import UserError, reads_file
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.segments import IGNORED


@dataclass(frozen=True)
class Interval:
    """Frames of a video from ``start`` to ``end``, exclusive."""

    video: str
    start: int = called('start_frame')
    end: int = called('end_frame')


@dataclass(frozen=True)
class _File:
    stretches: list[Interval]


@reads_file
def read_intervals(path: str | os.PathLike) -> list[Interval]:
    """Return the intervals of a file.

    Raises:
        UserError: If the file is of another kind, or an interval has no frame.
    """
    found = read_typed(path, _File, 'mmskelseg', 'write it with mmskelseg suggest')
    for interval in found.stretches:
        if not 0 <= interval.start < interval.end:
            raise UserError(
                f'{path}: an interval of video {interval.video!r} is from frame '
                f'{interval.start} to {interval.end}; write the first frame, from 0, '
                'and the one after the last.'
            )
    return found.stretches


def with_labels_in(
    videos: Sequence[VideoAnnotation], path: str | os.PathLike
) -> list[VideoAnnotation]:
    """Return the videos with labels in the intervals of a file, without other labels.

    Raises:
        UserError: If no video has a label in an interval.
    """
    inside: dict[str, list[Interval]] = {}
    for interval in read_intervals(path):
        inside.setdefault(interval.video, []).append(interval)
    kept: list[VideoAnnotation] = []
    for video in videos:
        is_in = np.zeros(video['label'].shape[-1], bool)
        for interval in inside.get(video['frame_dir'], ()):
            is_in[interval.start : interval.end] = True
        own: VideoAnnotation = {**video}
        own['label'] = np.where(is_in, video['label'], IGNORED)
        if 'votes' in video:
            own['votes'] = video['votes'] * is_in
        if (own['label'] != IGNORED).any():
            kept.append(own)
    if not kept:
        raise UserError(
            f'{path}: none of the {len(videos)} videos has a label in its intervals; '
            'name intervals of videos of this split.'
        )
    return kept
