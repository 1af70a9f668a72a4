"""Stretches of videos that have labels, or should get them, in a JSON file.

The file is an object with the list ``stretches`` of objects with ``video``,
``start_frame``, ``end_frame`` (exclusive) and any further keys.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.files.parsing import check_shape, read_json
from mmskelseg.runtime.messages.errors import UserError, reads_file
from mmskelseg.runtime.structures.annotations import VideoAnnotation
from mmskelseg.runtime.structures.segments import IGNORED

_SHAPE = {'stretches': [{'video': str, 'start_frame': int, 'end_frame': int}]}


@dataclass(frozen=True)
class Stretch:
    """Frames of a video from ``start`` to ``end``, exclusive."""

    video: str
    start: int
    end: int


@reads_file
def read_stretches(path: str | os.PathLike) -> list[Stretch]:
    """Return the stretches of a file.

    Raises:
        UserError: If the file is of another kind, or a stretch has no frame.
    """
    content = read_json(path, 'mmskelseg')
    check_shape(content, _SHAPE, str(path), 'write it with mmskelseg suggest')
    found = []
    for row in content['stretches']:
        stretch = Stretch(row['video'], row['start_frame'], row['end_frame'])
        if not 0 <= stretch.start < stretch.end:
            raise UserError(
                f'{path}: a stretch of video {stretch.video!r} is from frame '
                f'{stretch.start} to {stretch.end}; write the first frame, from 0, and '
                'the one after the last.'
            )
        found.append(stretch)
    return found


def write_stretches(path: str | os.PathLike, stretches: Iterable[Stretch]) -> None:
    """Write a file of stretches."""
    rows = [
        {'video': s.video, 'start_frame': s.start, 'end_frame': s.end}
        for s in stretches
    ]
    atomic_write_text(path, json.dumps({'stretches': rows}, indent=1))


def with_labels_in(
    videos: Sequence[VideoAnnotation], path: str | os.PathLike
) -> list[VideoAnnotation]:
    """Return the videos with labels in the stretches of a file, without other labels.

    Raises:
        UserError: If no video has a label in a stretch.
    """
    inside: dict[str, list[Stretch]] = {}
    for stretch in read_stretches(path):
        inside.setdefault(stretch.video, []).append(stretch)
    kept: list[VideoAnnotation] = []
    for video in videos:
        before = np.asarray(video['label'])
        label = np.full_like(before, IGNORED)
        for stretch in inside.get(video['frame_dir'], ()):
            inner = slice(stretch.start, stretch.end)
            label[..., inner] = before[..., inner]
        if (label != IGNORED).any():
            kept.append({**video, 'label': label})
    if not kept:
        raise UserError(
            f'{path}: none of the {len(videos)} videos has a label in its stretches; '
            'name stretches of videos of this split.'
        )
    return kept
