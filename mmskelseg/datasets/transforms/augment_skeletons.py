"""Augmentations of a training video's skeletons: view, proportions, lost joints.

They belong in the pipeline of the training data, before :class:`LoadFrameFeatures`,
which then computes ``online`` features of the augmented skeletons. Random numbers
depend only on seed, epoch and video. Missing joints (score 0) stay missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal, cast

import numpy as np

from mmskelseg.datasets.items import Item
from mmskelseg.datasets.transforms.augment import (
    Augmentation,
    lose,
    move,
)
from mmskelseg.registry import TRANSFORMS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import (
    Angle,
    Axis,
    Fraction,
    Interval,
    Positive,
    Where,
)
from mmskelseg_io.structures.annotations import PLACE_KEYS, PlaceKey, VideoAnnotation
from mmskelseg_io.structures.bodies import body_size, changed_bodies, joints_seen
from mmskelseg_io.structures.objects import OBJECT_KEYS, TrackedObject
from mmskelseg_runtime.features.coordinates import KEPT_3D

# The standard deviation of the logarithm of a factor, or of an offset in body sizes.
Sigma = Annotated[float, Where('a number from 0 to 2', lambda x: 0 <= x <= 2)]
Direction = Literal['x', 'y', 'z', '-x', '-y', '-z']


class SkeletonAugmentation(Augmentation):
    """Base class of augmentations that change skeletons before features are made."""

    def transform(self, results: Item) -> Item:
        """Write changed arrays of skeletons."""
        self.check_place(results)
        self.check_skeletons(results, *PLACE_KEYS)
        self.change(results, self.generator(results))
        return results

    def change(self, results: Item, rng: np.random.Generator) -> None:
        """Change the arrays of a video at random."""
        raise NotImplementedError

    def in_3d(self, results: VideoAnnotation, remedy: str) -> np.ndarray:
        """Return ``keypoint_3d`` (M, T, V, 3).

        Raises:
            UserError: If the video has none; ``remedy`` is what to do.
        """
        if 'keypoint_3d' not in results:
            raise UserError(
                f'{type(self).__name__}: video {results["frame_dir"]} has no '
                f'keypoint_3d; {remedy}. {KEPT_3D}'
            )
        return np.asarray(results['keypoint_3d'], np.float32)


@TRANSFORMS.register_module()
class RandomRotation3D(SkeletonAugmentation):
    """Rotates 3D skeletons about the vertical axis and tilts them, as for a new camera.

    2D skeletons do not change; see :class:`RandomRotation`.

    Reads: frame_dir; keypoint_3d (M, T, V, 3); objects, if present; up, unless
    ``vertical`` is given. Writes: keypoint_3d and objects, as new arrays.

    Args:
        degrees: Standard deviation of the angle about the vertical axis, in degrees.
        tilt: Standard deviation of the angles about the two other axes, in degrees.
        vertical: The axis of ``keypoint_3d`` that points up or down; by default that
            of the data set (metainfo ``up``).
        seed: Different seeds give different angles.
    """

    def __init__(
        self,
        degrees: Angle = 10,
        *,
        tilt: Angle = 0,
        vertical: Axis | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.degrees = float(degrees)
        self.tilt = float(tilt)
        self.vertical = vertical

    def change(self, results: Item, rng: np.random.Generator) -> None:
        """Rotate the skeletons.

        Raises:
            UserError: If joints are not in 3D, or the vertical axis is unknown.
        """
        self.in_3d(results, 'use RandomRotation for skeletons in 2D')
        vertical: int | None = self.vertical
        if vertical is None:
            up = results.get('up')
            if up is None:
                raise UserError(
                    'RandomRotation3D: the vertical axis of keypoint_3d is unknown; '
                    "state it in the annotation file, such as metainfo['up'] = 'z', or "
                    'here, as vertical=2.'
                )
            vertical = 'xyz'.index(up[-1])
        spreads = np.full(3, self.tilt)
        spreads[vertical] = self.degrees
        turn = np.eye(3)
        for axis, angle in enumerate(np.deg2rad(spreads * rng.standard_normal(3))):
            turn = turn @ _turn_about(axis, angle)
        move(
            results, 'keypoint_3d',
            lambda points: points.astype(np.float32) @ turn.astype(np.float32),
        )  # fmt: skip


@TRANSFORMS.register_module()
class RandomProjection(SkeletonAugmentation):
    """Projects 3D skeletons to 2D with a camera at a random distance from the person.

    The camera looks along the axis that is neither ``right`` nor ``down``. The mean
    position of all joints of the video is in the centre of the image, whose size does
    not change. Put :class:`RandomRotation3D` before it to vary the camera's direction.

    Reads: frame_dir; img_shape; keypoint_3d (M, T, V, 3); keypoint_score (M, T, V) and
    objects, if present. Writes: keypoint (M, T, V, 2), and points of objects.

    Args:
        distance: The shortest and the longest distance, in the units of
            ``keypoint_3d``.
        right: The axis of ``keypoint_3d`` that points to the right in the image:
            ``x``, ``y`` or ``z``, preceded by ``-`` if it points to the left.
        down: The axis that points downwards, in the same form.
        seed: Different seeds give different distances.

    Raises:
        ValueError: If both axes are the same.
    """

    def __init__(
        self,
        distance: Interval = (2.0, 6.0),
        *,
        right: Direction,
        down: Direction,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        if right[-1] == down[-1]:
            raise UserError(
                f'RandomProjection: down={down!r}, but must be another axis than '
                f'right={right!r}.'
            )
        self.distance = (float(distance[0]), float(distance[1]))
        self.right = right
        self.down = down

    def change(self, results: Item, rng: np.random.Generator) -> None:
        """Write the projected keypoints.

        Raises:
            UserError: If joints or objects are not in 3D.
        """
        points = self.in_3d(results, 'remove RandomProjection')
        for one in results.get('objects', ()):
            if 'points_3d' not in one:
                raise UserError(
                    f'RandomProjection: the object {one["name"]!r} of video '
                    f'{results["frame_dir"]} has no points_3d, so it cannot follow; '
                    'remove RandomProjection.'
                )
        seen = joints_seen(results, 'keypoint_3d')
        right, down = _DIRECTIONS[self.right], _DIRECTIONS[self.down]
        camera = np.stack([right, down, np.cross(right, down)], axis=1)
        away = rng.uniform(*self.distance)
        middle = points[seen].mean(axis=0) if seen.any() else np.zeros(3)
        height, width = results['img_shape']
        # The scale at the person's mean position is the same for every distance.
        focal = height / 2 * away / self.distance[0]

        def projected(body: VideoAnnotation) -> VideoAnnotation:
            points = np.asarray(body['keypoint_3d'], np.float32)
            x, y, depth = np.moveaxis((points - middle) @ camera, -1, 0)
            # Limit the depth, so that no joint is in or behind the camera.
            depth = np.maximum(depth + away, away / 4)
            image = focal * np.stack([x, y], axis=-1) / depth[..., None]
            image += np.array([width, height]) / 2
            image = np.where(joints_seen(body, 'keypoint_3d')[..., None], image, 0)
            return {'keypoint': image.astype(np.float32)}

        results.update(cast(Item, changed_bodies(results, projected)))


# Unit vectors by the names of axes.
_DIRECTIONS = {
    sign + 'xyz'[axis]: (-1 if sign else 1) * np.eye(3, dtype=np.float32)[axis]
    for sign in ('', '-')
    for axis in range(3)
}


def _turn_about(axis: int, angle: float) -> np.ndarray:
    """Return the matrix (3, 3) that rotates row vectors about an axis."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn = np.eye(3)
    turn[[i, j], [i, j]] = np.cos(angle)
    turn[i, j], turn[j, i] = np.sin(angle), -np.sin(angle)
    return turn


@TRANSFORMS.register_module()
class RandomScale(SkeletonAugmentation):
    """Stretches skeletons by a different random factor along each axis.

    A common factor for all axes would have no effect on features that are relative to
    the body size.

    Reads: frame_dir; keypoint (M, T, V, 2), keypoint_3d (M, T, V, 3) and objects, if
    present. Writes: the same as new arrays.

    Args:
        sigma: Standard deviation of the logarithm of the factors.
        seed: Different seeds give different factors.
    """

    def __init__(self, sigma: Sigma = 0.1, *, seed: int = 0) -> None:
        super().__init__(seed)
        self.sigma = float(sigma)

    def change(self, results: Item, rng: np.random.Generator) -> None:
        """Stretch the skeletons."""
        for key, points in _places(results):
            factors = np.exp(self.sigma * rng.standard_normal(points.shape[-1]))
            move(results, key, partial(np.multiply, factors.astype(np.float32)))


@TRANSFORMS.register_module()
class RandomProportions(SkeletonAugmentation):
    """Moves each joint by a random offset that is constant over the video.

    This imitates people of different proportions, and trackers that place joints
    differently.

    Reads: frame_dir; keypoint (M, T, V, 2), keypoint_3d (M, T, V, 3) and keypoint_score
    (M, T, V), if present. Writes: the first two, as new arrays.

    Args:
        sigma: Standard deviation of the offset along each axis, in body sizes. A body
            size is the root mean square distance of the joints from their mean.
        seed: Different seeds give different offsets.
    """

    def __init__(self, sigma: Sigma = 0.05, *, seed: int = 0) -> None:
        super().__init__(seed)
        self.sigma = float(sigma)

    def change(self, results: Item, rng: np.random.Generator) -> None:
        """Move the joints."""
        for key, points in _places(results):
            seen = joints_seen(results, key)
            size = self.sigma * body_size(points, seen)
            moves = (size * self.moves(results, rng, points.shape)).astype(np.float32)
            results[key] = points + np.where(seen[..., None], moves, 0)

    def moves(
        self, results: Item, rng: np.random.Generator, shape: tuple[int, ...]
    ) -> np.ndarray:
        """Return offsets of variance 1 for an array (M, T, V, D) of joints."""
        return rng.standard_normal((shape[0], 1, *shape[2:]))


@TRANSFORMS.register_module()
class RandomJitter(RandomProportions):
    """Lets each joint drift slowly about its position, as the output of a tracker does.

    Independent noise in each frame would drown out the displacements.

    Keys and errors are those of :class:`RandomProportions`; ``fps`` is read as well.

    Args:
        sigma: Standard deviation of the drift along each axis, in body sizes.
        period: Seconds between the knots of the drift.
        seed: Different seeds give different drifts.
    """

    def __init__(
        self, sigma: Sigma = 0.02, *, period: Positive = 1.0, seed: int = 0
    ) -> None:
        super().__init__(sigma, seed=seed)
        self.period = float(period)

    def moves(
        self, results: Item, rng: np.random.Generator, shape: tuple[int, ...]
    ) -> np.ndarray:
        """Return drifts of variance about 1 for an array (M, T, V, D) of joints."""
        persons, frames, *rest = shape
        knots = self.period * results['fps']
        noise = smooth_noise(rng, frames, knots, (persons, *rest))
        return noise.swapaxes(0, 1)


@TRANSFORMS.register_module()
class RandomJointDropout(SkeletonAugmentation):
    """Removes single joints for several frames, as when a tracker loses them.

    Whole objects are lost as often.

    Reads: frame_dir; fps; keypoint (M, T, V, 2), keypoint_3d (M, T, V, 3),
    keypoint_score (M, T, V) and objects, if present. Writes: the same as new arrays,
    with 0 for what is lost.

    Args:
        p: The average fraction of frames in which a joint is lost, not counting the
            overlap of gaps.
        seconds: The shortest and the longest gap in seconds.
        seed: Different seeds remove different joints.
    """

    def __init__(
        self, p: Fraction = 0.02, *, seconds: Interval = (0.2, 2.0), seed: int = 0
    ) -> None:
        super().__init__(seed)
        self.p = float(p)
        self.seconds = (float(seconds[0]), float(seconds[1]))

    def change(self, results: Item, rng: np.random.Generator) -> None:
        """Remove joints and objects."""
        persons, frames, joints = next(_places(results))[1].shape[:3]
        size = (persons, joints)
        lose(results, self._gaps(rng, size, frames, results['fps']).swapaxes(1, 2))
        if objects := results.get('objects'):
            lost = self._gaps(rng, (1, len(objects)), frames, results['fps'])[0]
            results['objects'] = [
                _without(one, rows) for one, rows in zip(objects, lost, strict=True)
            ]

    def _gaps(
        self, rng: np.random.Generator, size: tuple[int, int], frames: int, fps: float
    ) -> np.ndarray:
        """Return whether each of some points is lost in each frame, (*size, T)."""
        shortest, longest = (max(s * fps, 1) for s in self.seconds)
        # Gaps may begin before the video, so that its first frames are affected as
        # often as others.
        span = frames + longest
        expected = self.p * span / ((shortest + longest) / 2)
        counts = rng.poisson(expected, size)
        lost = np.zeros((*size, frames), bool)
        for person, joint in np.argwhere(counts):
            for _ in range(counts[person, joint]):
                begin = round(rng.uniform(-longest, frames))
                end = begin + round(rng.uniform(shortest, longest))
                lost[person, joint, max(begin, 0) : max(end, 0)] = True
        return lost


def _without(one: TrackedObject, lost: np.ndarray) -> TrackedObject:
    """Return an object that is not seen in some frames, (T,)."""
    arrays = {key: np.array(one[key]) for key in OBJECT_KEYS.values() if key in one}
    for array in arrays.values():
        array[lost] = 0
    return cast(TrackedObject, {**one, **arrays})


def smooth_noise(
    rng: np.random.Generator,
    frames: int,
    knot_frames: float,
    shape: tuple[int, ...] = (),
) -> np.ndarray:
    """Return smooth curves through independent normal knots, shape (frames, *shape).

    Between knots they follow half a period of a cosine. The variance is 1 at a knot and
    1/2 midway between two knots. Knots are at least one frame apart.
    """
    knot_frames = max(knot_frames, 1)
    count = int(np.ceil((frames - 1) / knot_frames)) + 2
    knots = rng.standard_normal((count, *shape)).astype(np.float32)
    # The offset of the knots from the first frame is random.
    places = np.arange(frames) / knot_frames + rng.random()
    before = np.minimum(places.astype(np.int64), count - 2)
    wave = (1 - np.cos(np.pi * (places - before))) / 2
    part = wave.astype(np.float32).reshape(-1, *[1] * len(shape))
    return knots[before] * (1 - part) + knots[before + 1] * part


def _places(results: Item) -> Iterator[tuple[PlaceKey, np.ndarray]]:
    """Yield the arrays of joint coordinates, (M, T, V, D), with their keys."""
    for key in PLACE_KEYS:
        if key in results:
            yield key, np.asarray(results[key], np.float32)
