"""Positions and movements of others relative to a person, up to the current frame.

Renderers of whole videos use them, too, with roots and size of the whole video.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg_runtime.streaming.body import ROUNDING, RunningBody, RunningCoordinates
from mmskelseg_runtime.streaming.state import RunningFeatures

#: The index of the root, which follows the joints.
ROOT = -1


@dataclass(frozen=True)
class Relations:
    """The values that describe others relative to a person.

    Attributes:
        nearest: Number of others, the nearest in each frame first.
        distances: Index of a joint of the person, and of one of the other.
        ends: Pairs of joints whose mean difference, the second minus the first, is the
            direction of a body; if there are none, nothing is turned.
        across: Whether the heading is across this direction, as that from right to
            left.
        plane: The two axes in which bodies turn.
    """

    nearest: int
    distances: Sequence[Sequence[int]]
    ends: Sequence[Sequence[int]] = ()
    across: bool = False
    plane: Sequence[int] = (0, 1)

    def headings(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return unit vectors in the plane, (M, n, 2), or 0 where they are unknown.

        Shapes: points (M, n, V + 1, dims); seen (M, n, V + 1).
        """
        flat = np.where(seen[..., None], points[..., list(self.plane)], 0)
        first, last = np.array(self.ends, int).reshape(-1, 2).T
        both = (seen[..., first] & seen[..., last])[..., None]
        ahead = ((flat[:, :, last] - flat[:, :, first]) * both).sum(axis=2)
        if self.across:
            ahead = ahead[..., ::-1] * [-1, 1]
        length = np.linalg.norm(ahead, axis=-1, keepdims=True)
        known = length > ROUNDING * np.abs(flat).max(axis=(2, 3))[..., None]
        return np.where(known, ahead / np.where(known, length, 1), 0)

    def turned(self, vectors: np.ndarray, heading: np.ndarray) -> np.ndarray:
        """Return vectors (M, n, ..., dims), turned so that a heading (n, 2) is (1, 0).

        Where the heading is unknown, they stay as they are.
        """
        turned, plane = vectors.copy(), list(self.plane)
        known = heading.any(axis=-1, keepdims=True)
        heading = np.where(known, heading, [1, 0])
        turned[..., plane] = _turned(vectors[..., plane], heading)
        return turned


class RunningPairs(RunningFeatures):
    """Features of a ``causal`` ``PairCoordinates``, computed incrementally.

    Args:
        own: The person's own coordinates.
        relations: The values that describe the others.
        people: Number of persons, M.
    """

    _arrays = ('headings', 'offsets', 'stays')

    def __init__(
        self, own: RunningCoordinates, relations: Relations, people: int
    ) -> None:
        self.own = own
        self.relations = relations
        self.people = people
        self.dims = own.dims
        self.num_joints = people * own.num_joints
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self.own.reset()
        body, others = self.own.body, self.people - 1
        self._bodies = [RunningBody(body.root, body.dims) for _ in range(self.people)]
        # Headings, and offsets and presence of the others, in the last frame.
        self._headings = np.zeros((self.people, 1, 2))
        self._offsets = np.zeros((others, 1, self.own.dims))
        self._stays = np.zeros((others, 1), bool)

    def push(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 features (n, C) of the next frames.

        Args:
            points: Joints, shape (M, n, V, dims), float64; the first of the M persons
                is the one to describe.
            seen: Whether they are visible, shape (M, n, V).
        """
        pushed = [b.push(*x) for b, *x in zip(self._bodies, points, seen, strict=True)]
        roots = np.stack([root for root, *_ in pushed])
        size = pushed[0][2] if self.own.scale else np.ones(points.shape[1])
        own = self.own.push(points[0], seen[0])
        return np.concatenate([own, self.relate(points, seen, roots, size)], axis=1)

    def relate(
        self, points: np.ndarray, seen: np.ndarray, roots: np.ndarray, size: np.ndarray
    ) -> np.ndarray:
        """Return float32 values (n, nearest * F) of the others in the next frames.

        Args:
            points: Joints, shape (M, n, V, dims), those of the person first.
            seen: Whether they are visible, shape (M, n, V).
            roots: Root of each person, shape (M, n, dims).
            size: Size of the person's body in each frame, shape (n,).
        """
        relations = self.relations
        # The root is one more joint, seen in frames that show any joint.
        points = np.concatenate([points, roots[:, :, None]], axis=2)
        seen = np.concatenate([seen, seen.any(axis=2, keepdims=True)], axis=2)
        headings = relations.headings(points, seen)
        there = seen[1:, :, ROOT] & seen[0, :, ROOT]
        headings = kept_headings(self._headings, headings)
        offsets = np.concatenate([self._offsets, roots[1:] - roots[0]], axis=1)
        stays = np.concatenate([self._stays, there], axis=1)
        self._headings, self._offsets = headings[:, -1:], offsets[:, -1:]
        self._stays = stays[:, -1:]

        headings, distance = headings[:, 1:], np.linalg.norm(offsets, axis=-1)
        stays = (stays[:, 1:] & stays[:, :-1])[..., None]
        places = relations.turned(points[1:] - roots[0][:, None], headings[0])
        places = np.where(seen[1:, ..., None], places, 0).swapaxes(2, 3)
        lengths = [
            places.reshape(*there.shape, math.prod(places.shape[2:])),
            relations.turned(np.diff(offsets, axis=1), headings[0]) * stays,
            np.diff(distance, axis=1)[..., None] * stays,
            _apart(points, seen, relations.distances),
        ]
        parts = [there[..., None], np.concatenate(lengths, axis=-1) / size[:, None]]
        if relations.ends:
            parts.append(_turned(headings[1:], headings[0]))
        values = np.where(there[..., None], np.concatenate(parts, axis=-1), 0)
        away = np.where(there, distance[:, 1:], np.inf)
        return nearest_values(values, away, relations.nearest).astype(np.float32)

    @property
    def _parts(self) -> Mapping[str, RunningCoordinates | RunningBody]:
        bodies = {f'body.{i}': body for i, body in enumerate(self._bodies)}
        return {'own': self.own, **bodies}


class StackedPairs(RunningPairs):
    """The same, of frames in which the joints of all persons follow each other."""

    def push(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 features (n, C), given (n, M * V, dims) and (n, M * V)."""
        shape = len(points), self.people, self.own.num_joints
        each = points.reshape(*shape, self.dims), seen.reshape(shape)
        return super().push(*(values.swapaxes(0, 1) for values in each))


def kept_headings(before: np.ndarray, headings: np.ndarray) -> np.ndarray:
    """Return headings (M, 1 + n, 2), those before first; unknown ones stay."""
    headings = np.concatenate([before, headings], axis=1)
    frames = np.arange(headings.shape[1])
    rows = np.maximum.accumulate(np.where(headings.any(axis=-1), frames, 0), axis=1)
    return np.take_along_axis(headings, rows[..., None], axis=1)


def _turned(vectors: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Return vectors (M, n, ..., 2), turned so that a heading (n, 2) is (1, 0)."""
    shape = (len(heading), *[1] * (vectors.ndim - 3), 2)
    cos, sin = np.moveaxis(heading.reshape(shape), -1, 0)
    x, y = np.moveaxis(vectors, -1, 0)
    return np.stack([x * cos + y * sin, y * cos - x * sin], axis=-1)


def _apart(
    points: np.ndarray, seen: np.ndarray, pairs: Sequence[Sequence[int]]
) -> np.ndarray:
    """Return the distances of joints from those of others, (M - 1, n, pairs)."""
    own, other = np.array(pairs, int).reshape(-1, 2).T
    lengths = np.linalg.norm(points[1:, :, other] - points[0][:, own], axis=-1)
    return lengths * (seen[1:, :, other] & seen[0][:, own])


def nearest_values(values: np.ndarray, away: np.ndarray, count: int) -> np.ndarray:
    """Return the values (M, n, F) of the nearest in each frame, (n, count * F)."""
    order = np.argsort(away, axis=0, kind='stable')[:count, :, None]
    chosen = np.take_along_axis(values, order, axis=0)
    _, frames, width = values.shape
    whole = np.zeros((count, frames, width))
    whole[: len(chosen)] = chosen
    return whole.swapaxes(0, 1).reshape(frames, count * width)
