"""Parts of several videos, one after the other, as one video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from mmskelseg.datasets.items import Item
from mmskelseg_io.structures.annotations import (
    FRAME_KEYS,
    SKELETON_KEYS,
    PlaceKey,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import changed_bodies, frames_of, joints_seen

# What changes with the bodies of a video.
_Thing: TypeAlias = Literal['objects', 'places']
_THINGS: tuple[_Thing, ...] = ('objects', 'places')
#: By array, where bodies are, the factor of their size, and where they move to.
Moves: TypeAlias = Mapping[PlaceKey, tuple[np.ndarray, np.float32, np.ndarray]]


def part_of(video: Item, frames: slice) -> Item:
    """Return some frames of a video."""
    part = {**video, **changed_bodies(video, frames_of(frames))}
    for key in FRAME_KEYS:
        if key in video:
            part[key] = video[key][..., frames]
    return cast(Item, part)


def moved(video: Item, moves: Moves) -> Item:
    """Return a video whose bodies are moved and scaled, as far as they are seen."""

    def move(body: VideoAnnotation) -> VideoAnnotation:
        made: VideoAnnotation = {}
        for key, (begin, scale, end) in moves.items():
            if key in body:
                seen = joints_seen(body, key)[..., None]
                after = (body[key].astype(np.float32) - begin) * scale + end
                made[key] = np.where(seen, after, 0)
        return made

    return cast(Item, {**video, **changed_bodies(video, move)})


def joined(results: Item, parts: Sequence[Item]) -> Item:
    """Return a video of the frames of all parts, with the rest of another one.

    Objects and places are seen in the frames of their own part.
    """
    made = results.copy()
    for key in FRAME_KEYS:
        if key in results:
            made[key] = np.concatenate([part[key] for part in parts], axis=-1)
    for array in SKELETON_KEYS:
        if array in results:
            made[array] = np.concatenate([part[array] for part in parts], axis=1)
    ends = [*accumulate(part['label'].shape[-1] for part in parts)]
    made['total_frames'] = ends[-1]
    for thing in _THINGS:
        if thing in results:
            made[thing] = [
                one
                for part, end in zip(parts, ends, strict=True)
                for one in _padded(part, thing, end, ends[-1])
            ]
    # The frames come from several videos, so they cannot index a file.
    made.pop('source_frames', None)
    return made


def middle(video: Item, key: PlaceKey, frame: int) -> np.ndarray:
    """Return the mean (D,) of the joints seen in a frame, 0 if there are none."""
    points = np.asarray(video[key])[:, frame]
    seen = joints_seen(video, key)[:, frame]
    mean = points[seen].mean(axis=0) if seen.any() else np.zeros(points.shape[-1])
    return mean.astype(np.float32)


def _padded(part: Item, key: _Thing, end: int, frames: int) -> list[Any]:
    """Return a part's objects or places, not seen in the frames of other parts."""
    begin = end - part['label'].shape[-1]

    def pad(body: VideoAnnotation) -> VideoAnnotation:
        made: VideoAnnotation = {}
        for array in SKELETON_KEYS:
            if array in body:
                around = [(0, 0), (begin, frames - end), (0, 0), (0, 0)]
                made[array] = np.pad(body[array], around[: body[array].ndim])
        return made

    things: Any = {key: part[key]}
    return [*changed_bodies(things, pad)[key]]
