"""Coordinates of one person and of the nearest others, as features."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

import numpy as np

from mmskelseg_io.messages.options import Axis, CountOrZero
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.blocks import Frames, State, namespace
from mmskelseg_runtime.features.body import SkeletonCoordinates
from mmskelseg_runtime.features.relations import (
    ROOT,
    Nearest,
    Relations,
    RelativeCoordinates,
    front_joints,
    nearest_values,
    turned_to,
)
from mmskelseg_runtime.parts import RENDERERS


@RENDERERS.register
class PairCoordinates(RelativeCoordinates):
    """Gives a person's coordinates, and where others are relative to the person.

    As ``render`` without an encoder, it gives the features themselves: first those of
    ``SkeletonCoordinates(flatten=True)``, then F values for each of the ``nearest``
    others, the one whose root is nearest in the frame first:

    ===================  ==============================================================
    1                    1 if both are seen in the frame, or else 0, as all that follows
    dims * (V + 1)       positions of the other's joints and then of its root, relative
                         to the person's root: x of all, then y (and z)
    dims                 the change of the root's position since the previous frame
    1                    the change of the distance between the roots
    ``distances``        distances between joints of the two
    2                    cosine and sine of the angle from the person's heading to that
                         of the other; only with ``turn``
    ===================  ==============================================================

    All lengths are divided by the person's body size. With ``turn``, positions and
    changes are turned such that the person's heading is the first axis (in 3D, the
    first one that is not vertical).

    Values of a missing joint are 0, as are changes from or to a frame in which one of
    the two is absent. Roots are those of ``SkeletonCoordinates``. A heading that is not
    seen stays as it was; before it is first seen, nothing is turned.

    Reads: keypoint (M, T, V, 2) in pixels or keypoint_3d (M, T, V, 3); keypoint_score
    (M, T, V), 1 by default; individual, the index of the person whom labels describe,
    if present. Writes: coordinates, float32, shape (T, C).

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        dims: 3 for keypoint_3d, 2 for keypoint.
        nearest: Number of others; missing ones are all 0.
        distances: Names of a joint of the person and of one of the other, for each
            distance; ``root`` is the root. By default, each of root and head of the
            person and each of the other; the head is a joint called nose, snout or
            head, if there is one.
        turn: Whether to turn, for bodies in 3D or seen from above; from the side, they
            show no heading. It is across the line between left and right hips and
            shoulders; without those, from the root to the head; without a head, across
            the line between all left and right joints.
        vertical: The axis of keypoint_3d that points up or down, about which to turn.
        root: See :class:`SkeletonCoordinates`, as for the following.
        displacement: Whether to include the person's own displacements.
        scale: ``body``, or None to leave lengths in pixels or metres.
        person: Index of the person; by default ``individual``, or else the one with the
            highest sum of scores in the video.
        causal: Whether no value depends on later frames.

    Raises:
        ValueError: As for :class:`SkeletonCoordinates`; also if ``distances`` names an
            unknown joint, if ``turn`` needs ``vertical``, or if a skeleton has no
            heading.
    """

    others = True

    def __init__(
        self,
        skeleton: SkeletonLike,
        dims: Literal[2, 3] = 3,
        *,
        nearest: Nearest = 1,
        distances: Sequence[tuple[str, str]] | None = None,
        turn: bool = True,
        vertical: Axis | None = None,
        root: str | Sequence[str] | None = None,
        displacement: bool = True,
        scale: Literal['body'] | None = 'body',
        person: CountOrZero | None = None,
        causal: bool = False,
    ) -> None:
        own = SkeletonCoordinates(
            skeleton,
            dims,
            root=root,
            displacement=displacement,
            scale=scale,
            person=person,
            flatten=True,
            causal=causal,
        )
        super().__init__(own)
        layout = self.skeleton
        if distances is None:
            ends = ['root', *(layout.joints[i] for i in front_joints(layout))]
            distances = [(own, other) for own in ends for other in ends]
        pairs = [self.indices('distances', pair) for pair in distances]
        heading = self.heading(turn=turn, vertical=vertical)
        self.relations = Relations(nearest, pairs, *heading)

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        return [*super().source(results), np.array(results.get('individual', -1))]

    def describe(self, frames: Frames, state: State) -> np.ndarray:
        """Return float32 features of the next frames, (n, C)."""
        xp = namespace(frames.points)
        relations, people = self.relations, self.people(frames, state)
        points, seen, body = people.points, people.seen, people.body
        heading = people.heading[0]
        there = (seen[1:, :, ROOT] & seen[0, :, ROOT])[..., None]
        offset = body.root[1:] - body.root[0]
        distance = xp.linalg.vector_norm(offset, axis=-1, keepdims=True)
        moved = state.changes('offset', offset, there)
        places = relations.turned(points[1:] - body.root[0][:, None], heading)
        places = xp.where(seen[1:, ..., None], places, 0)
        lengths = [
            *(places[..., i] for i in range(self.dims)),
            relations.turned(moved, heading),
            state.changes('distance', distance, there),
            _apart(points, seen, relations.distances),
        ]
        lengths = xp.concat(lengths, axis=-1) / body.size[:, None]
        parts = [xp.astype(there, lengths.dtype), lengths]
        if relations.ends:
            x, y = people.heading[1:, :, 0], people.heading[1:, :, 1]
            parts.append(xp.stack(turned_to(x, y, heading), axis=-1))
        values = xp.where(there, xp.concat(parts, axis=-1), 0)
        away = xp.where(there, distance, xp.inf)[..., 0]
        others = nearest_values(values, away, relations.nearest)
        return xp.concat([self.own.of_body(body, frames, state), others], axis=1)

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        own = self.own.settings()
        return {**own, **asdict(self.relations), 'type': type(self).__name__}


def _apart(
    points: np.ndarray, seen: np.ndarray, pairs: Sequence[Sequence[int]]
) -> np.ndarray:
    """Return the distances of joints from those of others, (M - 1, n, pairs)."""
    own, other = [a for a, _ in pairs], [b for _, b in pairs]
    between = points[1:, :, other] - points[0][:, own]
    lengths = namespace(points).linalg.vector_norm(between, axis=-1)
    return lengths * (seen[1:, :, other] & seen[0][:, own])
