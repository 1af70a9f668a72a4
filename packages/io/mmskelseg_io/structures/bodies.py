"""Bodies in recordings: which joints are seen, how large they are, which way is up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from mmskelseg_io.structures.annotations import (
    MIN_SCORE,
    SKELETON_KEYS,
    Metainfo,
    PlaceKey,
    VideoAnnotation,
)
from mmskelseg_io.structures.objects import OBJECT_KEYS, TrackedObject

#: The values of metainfo ``up``: the direction of ``keypoint_3d`` that points up.
DIRECTIONS = ('x', 'y', 'z', '-x', '-y', '-z')
#: The values of metainfo ``view``: from where the camera of ``keypoint`` looks.
VIEWS = ('side', 'top')
#: Side and margin of the image into which joints are fitted that are in no camera's.
SIDE, MARGIN = 512, 32
# Standing people are at least this much taller than wide and deep.
_UPRIGHT = 1.5
# Below this, bodies point everywhere; 1 means one direction, 0 all directions alike.
_ONE_DIRECTION = 0.3


def joints_seen(video: VideoAnnotation, key: PlaceKey = 'keypoint') -> np.ndarray:
    """Return whether each joint of a video is seen, shape (M, T, V).

    Without ``keypoint_score``, those are that are not at 0 in ``key``.
    """
    if 'keypoint_score' in video:
        return np.greater_equal(video['keypoint_score'], MIN_SCORE)
    return np.any(video[key], axis=-1)


def changed_bodies(
    video: VideoAnnotation, change: Callable[[VideoAnnotation], VideoAnnotation]
) -> VideoAnnotation:
    """Return what a function changes in a video, with objects and places changed alike.

    To the function, each object, and each place that is
    :func:`~mmskelseg_io.structures.places.tracked`, is a video of a body that
    consists of its points: ``keypoint`` (1, T, P, 2), ``keypoint_score`` and, if it has
    them, ``keypoint_3d``.
    Whatever moves, crops or resamples skeletons does so by this.
    """
    made: VideoAnnotation = {**change(video)}
    if 'objects' in video:
        made['objects'] = [_changed_object(one, change) for one in video['objects']]
    if 'places' in video:
        # Others stay where they are.
        made['places'] = [
            _changed_object(one, change) if 'score' in one else one  # type: ignore[arg-type]
            for one in video['places']
        ]
    return made


def _changed_object(
    one: TrackedObject, change: Callable[[VideoAnnotation], VideoAnnotation]
) -> TrackedObject:
    body = {key: one[own][None] for key, own in OBJECT_KEYS.items() if own in one}
    changed: Mapping[str, Any] = change(cast(VideoAnnotation, body))
    arrays = {own: changed[k][0] for k, own in OBJECT_KEYS.items() if k in changed}
    return cast(TrackedObject, {**one, **arrays})


def frames_of(
    frames: np.ndarray | slice,
) -> Callable[[VideoAnnotation], VideoAnnotation]:
    """Return a function that takes some frames of a video's skeletons."""

    def take(body: VideoAnnotation) -> VideoAnnotation:
        kept = {k: np.asarray(body[k])[:, frames] for k in SKELETON_KEYS if k in body}
        return cast(VideoAnnotation, kept)

    return take


def body_size(points: np.ndarray, seen: np.ndarray) -> float:
    """Return the root mean square distance of joints from the mean of their frame.

    Shapes: points (M, T, V, D); seen (M, T, V), which joints count.
    """
    return float(np.sqrt(np.square(_extents(points, seen)).sum()))


def fit_image(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return points (M, T, V, 2), in proportion, fitted into a square with margins.

    Joints that are not seen are at 0.
    """
    if not seen.any():
        return np.zeros_like(points)
    low, high = points[seen].min(axis=0), points[seen].max(axis=0)
    extent = float((high - low).max()) or 1.0
    placed = (points - (low + high) / 2) * ((SIDE - 2 * MARGIN) / extent) + SIDE / 2
    return np.where(seen[..., None], placed, 0).astype(np.float32)


def only_in_3d(metainfo: Metainfo) -> bool:
    """Return whether ``keypoint`` of a file is only a view of ``keypoint_3d``."""
    return 'keypoint' in metainfo.get('assumed', {})


def up_direction(
    metainfo: Metainfo, videos: Sequence[VideoAnnotation]
) -> tuple[str | None, str]:
    """Return the direction of ``keypoint_3d`` that points up or down, and the reason.

    It is that of the metainfo; else the axis along which bodies are longest by far, as
    in standing people; else the axis about which bodies point in all directions, as in
    animals on four feet. None if videos disagree, or show neither.
    """
    if 'up' in metainfo:
        stated = 'up' not in metainfo.get('assumed', {})
        return metainfo[
            'up'
        ], f'the annotation file {"says" if stated else "assumes"} so'
    longest = []
    for video in videos:
        points = np.asarray(video['keypoint_3d'], np.float32)
        lengths = _extents(points, joints_seen(video, 'keypoint_3d'))
        *_, second, first = np.sort(lengths)
        if first > 0:
            is_upright = first >= _UPRIGHT * second
            longest.append('xyz'[int(lengths.argmax())] if is_upright else None)
    upright = [axis for axis in longest if axis]
    if len(set(upright)) == 1 and 2 * len(upright) > len(longest):
        return upright[0], 'bodies are longest along it'
    turning = [axis for axis in 'xyz' if faces_everywhere(videos, axis)]
    if len(turning) == 1 and not upright:
        return turning[0], 'bodies point in all directions about it'
    return None, 'bodies show no axis on which they stand, or videos disagree'


def camera_view(
    metainfo: Metainfo, videos: Sequence[VideoAnnotation]
) -> tuple[str, str]:
    """Return from where the camera of ``keypoint`` looks, and the reason.

    It is the view of the metainfo, else ``top`` if bodies point in all directions of
    the image, as animals do in an arena filmed from above.
    """
    if 'view' in metainfo:
        return metainfo['view'], 'the annotation file says so'
    if _point_everywhere(videos, 'keypoint', [0, 1]):
        return 'top', 'bodies point in all directions of the image'
    return 'side', 'most bodies point in one direction of the image'


def faces_everywhere(videos: Sequence[VideoAnnotation], up: str) -> bool:
    """Return whether bodies in 3D point in all horizontal directions."""
    plane = [axis for axis in range(3) if axis != 'xyz'.index(up[-1])]
    return _point_everywhere(videos, 'keypoint_3d', plane)


def _extents(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the root mean square distance along each axis, (D,), see body_size."""
    centred = _centred(points, seen)
    # Many times faster than sums over these short axes.
    squares = np.einsum('mtvd,mtvd->td', centred, centred).sum(axis=0, dtype=float)
    return np.sqrt(squares / max(seen.sum(), 1))


def _centred(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return joints relative to the mean of their frame, 0 where they are not seen."""
    weights = seen.astype(points.dtype)
    counts = np.maximum(weights.sum(axis=2), 1)
    centre = np.einsum('mtvd,mtv->mtd', points, weights) / counts[..., None]
    centred = points - centre[:, :, None]
    centred *= weights[..., None]
    return centred


def _point_everywhere(
    videos: Sequence[VideoAnnotation], key: PlaceKey, plane: Sequence[int]
) -> bool:
    """Return whether the long axes of bodies point in all directions of a plane."""
    shares = []
    for video in videos:
        points = np.asarray(video[key], np.float32)[..., plane]
        x, y = np.moveaxis(_centred(points, joints_seen(video, key)), -1, 0)
        # An axis has no front, so its angle is doubled.
        axes = np.stack([(x * x - y * y).sum(-1), 2 * (x * y).sum(-1)], axis=-1)
        lengths = (x * x + y * y).sum(-1)
        axes = axes[lengths > 0] / lengths[lengths > 0][:, None]
        total = np.linalg.norm(axes, axis=1).sum()
        if total > 0:
            shares.append(np.linalg.norm(axes.sum(axis=0)) / total)
    return bool(shares) and bool(np.median(shares) < _ONE_DIRECTION)
