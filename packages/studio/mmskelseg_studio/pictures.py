"""What the page draws of a recording: joints, how fast they move, and objects."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree

from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.bodies import joints_seen, up_direction
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.drawing.palette import class_color, kind_label
from mmskelseg_runtime.page.played_page import bounds_of, reach_of, sure_points
from mmskelseg_studio.recordings import FoundRecording

# Points of the curve of speed.
_POINTS = 4000
# As many frames or fewer are compared where limbs are guessed.
_COMPARED = 500
# Speeds above this percentile are drawn alike.
_FASTEST = 99


@dataclass(frozen=True)
class Picture:
    """What is drawn of poses: points (T, M, V, 3), NaN where missing, y downwards.

    The last coordinate is their confidence. The first of several is whose labels these
    are. ``bounds`` are x and y of the corners of what is shown, ``reach`` is the width
    and height that the first has in nearly all frames. ``objects`` has the name and
    colour of each object, and how many of ``object_points`` (T, P, 2) are its own.
    """

    points: np.ndarray
    bounds: tuple[float, float, float, float]
    reach: tuple[float, float]
    skeleton: Skeleton
    limbs: list[tuple[int, int]]
    speed: np.ndarray
    objects: list[tuple[str, str, int]]
    object_points: np.ndarray

    @property
    def all_points(self) -> np.ndarray:
        """The points of people, and then of objects, (T, M * V + P, 3)."""
        objects = np.pad(
            self.object_points, [(0, 0), (0, 0), (0, 1)], constant_values=1
        )
        both = self.points.reshape(len(self.points), -1, 3), objects
        return np.concatenate(both, axis=1)


def picture_of(
    entry: VideoAnnotation, recording: FoundRecording, layout: Layout
) -> Picture:
    """Return what is drawn of an entry: over its video, or alone."""
    if 'keypoint' in entry:
        points = sure_points(entry['keypoint'], joints_seen(entry, 'keypoint'), entry)
    else:
        seen = joints_seen(entry, 'keypoint_3d')
        points = sure_points(_projected(entry, recording.metainfo), seen, entry)
    own = entry.get('individual', 0)
    points = points[:, [own, *(m for m in range(points.shape[1]) if m != own)]]
    objects, their_points = _objects(entry)
    height, width = entry['img_shape'] if recording.video is not None else (1, 1)
    bounds = (0.0, 0.0, float(width), float(height))
    # Joints in 3D are seen from elsewhere than a video.
    if not np.isnan(points).all() and (recording.video is None or 'keypoint' in entry):
        flat = np.concatenate(
            [points[..., :2].reshape(-1, 2), their_points.reshape(-1, 2)]
        )
        (left, top), (right, bottom) = bounds_of(flat)
        if recording.video is not None:
            left, right = np.clip((left, right), 0, width)
            top, bottom = np.clip((top, bottom), 0, height)
        bounds = (float(left), float(top), float(right), float(bottom))
    skeleton, body = Skeleton.get(layout), points[:, 0, :, :2]
    limbs = [*skeleton.limbs] or _guessed_limbs(body)
    drawn = bounds, reach_of(body), skeleton, limbs, _speed(body)
    return Picture(points, *drawn, objects, their_points)


def _guessed_limbs(points: np.ndarray) -> list[tuple[int, int]]:
    """Return a tree of joints (T, V, 2) whose distances stay most the same."""
    some = points[:: len(points) // _COMPARED + 1]
    distances = np.linalg.norm(some[:, :, None] - some[:, None], axis=-1)
    known = np.isfinite(distances).sum(0) > 1
    with np.errstate(invalid='ignore'):
        changes = np.where(known, np.nanstd(np.where(known, distances, 0), axis=0), 0)
    # Of those that change as little, the shorter one; 0 is no edge.
    changes += 0.01 * np.where(
        known, np.nanmean(np.where(known, distances, 0), axis=0), 0
    )
    rows, columns = minimum_spanning_tree(np.triu(changes, 1)).nonzero()
    return sorted(zip(rows.tolist(), columns.tolist(), strict=True))


def _objects(entry: VideoAnnotation) -> tuple[list[tuple[str, str, int]], np.ndarray]:
    """Return what is drawn of objects, which are in pixels as ``keypoint`` is."""
    objects = entry.get('objects', []) if 'keypoint' in entry else []
    kinds = sorted({one['kind'] for one in objects})
    drawn = [
        (
            one['name'],
            class_color(kind_label(kinds.index(one['kind']))),
            one['score'].shape[1],
        )
        for one in objects
    ]
    points = [np.zeros((entry['total_frames'], 0, 2), np.float32)] + [
        np.where(one['score'][..., None] > 0, one['points'], np.nan) for one in objects
    ]
    return drawn, np.concatenate(points, axis=1)


def _projected(entry: VideoAnnotation, metainfo: Metainfo | None) -> np.ndarray:
    """Return 3D joints as seen from the side, or from above if up is unknown."""
    points = np.asarray(entry['keypoint_3d'], np.float32)
    up, _ = up_direction(metainfo or cast(Metainfo, {}), [entry])
    if up is None:
        return points[..., :2]
    across = [axis for axis in range(3) if axis != 'xyz'.index(up[-1])]
    spread = [np.ptp(points[..., axis]) for axis in across]
    sign = 1 if up.startswith('-') else -1
    side = points[..., across[int(np.argmax(spread))]]
    return np.stack([side, sign * points[..., 'xyz'.index(up[-1])]], axis=-1)


def _speed(points: np.ndarray) -> np.ndarray:
    """Return how fast joints (T, V, 2) move, 0 to 1, in at most ``_POINTS`` values."""
    steps = np.linalg.norm(np.diff(points, axis=0, prepend=points[:1]), axis=-1)
    known = ~np.isnan(steps)
    mean = np.where(known, steps, 0).sum(1) / np.maximum(known.sum(1), 1)
    parts = np.array_split(mean, min(len(mean), _POINTS))
    curve = np.array([part.mean() for part in parts])
    return np.clip(curve / max(np.percentile(curve, _FASTEST), 1e-9), 0, 1)
