"""Coordinates of one person and of the nearest others, as features."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Literal

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Axis, CountOrZero, Where
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import MIN_SCORE, VideoAnnotation
from mmskelseg_io.structures.layouts import split_side
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.coordinates import (
    Coordinates,
    Instance,
    SkeletonCoordinates,
    check_one_person,
    read_joints,
    whole_body,
)
from mmskelseg_runtime.parts import RENDERERS
from mmskelseg_runtime.streaming.pairs import (
    ROOT,
    Relations,
    RunningPairs,
    StackedPairs,
)

# Names of joints, without their sides, on the trunk and at the front of a body.
_TRUNK = ('hip', 'shoulder')
_FRONT = ('nose', 'snout', 'head')
# Exported models state it, and may not take memory without limit.
Nearest = Annotated[int, Where('a whole number from 1 to 20', lambda n: 1 <= n <= 20)]


@RENDERERS.register
class PairCoordinates(Coordinates):
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
        super().__init__(dims, person)
        self.causal = causal
        self.own = SkeletonCoordinates(
            skeleton,
            dims,
            root=root,
            displacement=displacement,
            scale=scale,
            flatten=True,
            causal=causal,
        )
        layout = self.own.skeleton
        if distances is None:
            ends = ['root', *(layout.joints[i] for i in front_joints(layout))]
            distances = [(own, other) for own in ends for other in ends]
        pairs = [indices_of(self, layout, 'distances', pair) for pair in distances]
        heading = heading_of(self, layout, turn=turn, vertical=vertical)
        self.relations = Relations(nearest, pairs, *heading)

    @property
    def context(self) -> tuple[float, float] | None:
        """All previous frames if ``causal``; else all frames."""
        return self.own.context

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        self._key(results)
        return [*self.own.source(results), np.array(results.get('individual', -1))]

    def coordinates(self, results: VideoAnnotation) -> np.ndarray:
        """Return an array of shape (T, C)."""
        own, key = self.own, self._key(results)
        points, score = read_joints(
            results, key, own.skeleton, self.dims, np.float64, score_dtype=None
        )
        first = results.get('individual') if self.person is None else self.person
        if own.causal:
            check_one_person(self, len(points), first)
        first = self._one_of(len(points), score, first)
        order = [first, *(m for m in range(len(points)) if m != first)]
        points, score = points[order], score[order]
        seen = score >= MIN_SCORE
        running = RunningPairs(own.running(), self.relations, len(points))
        if own.causal:
            return running.push(points, seen)
        bodies = [whole_body(*x, own.root) for x in zip(points, seen, strict=True)]
        roots = np.stack([root for root, *_ in bodies])
        size = bodies[0][2] if own.scale == 'body' else 1.0
        alone: VideoAnnotation = {'keypoint_score': score[:1]}
        alone[key] = points[:1]
        sizes = np.full(points.shape[1], size)
        others = running.relate(points, seen, roots, sizes)
        return np.concatenate([own.coordinates(alone), others], axis=1)

    def running(
        self, people: int = 2, instances: Sequence[Instance] = ()
    ) -> StackedPairs:
        """Return the object that computes causal coordinates frame by frame."""
        return StackedPairs(self.own.running(), self.relations, people)

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        own = {**self.own.settings(), 'person': self.person}
        return {**own, **asdict(self.relations), 'type': type(self).__name__}


def heading_of(
    render: Coordinates, skeleton: Skeleton, *, turn: bool, vertical: int | None
) -> tuple[list[list[int]], bool, list[int]]:
    """Return ``ends``, ``across`` and ``plane`` of :class:`Relations`.

    Raises:
        UserError: If a skeleton cannot be turned as the arguments say.
    """
    kind, dims = type(render).__name__, render.dims
    if turn and dims == 3 and vertical is None:
        raise UserError(
            f'{kind}: turn=True turns about the vertical axis of keypoint_3d; name it, '
            'such as vertical=2, or set turn=False.'
        )
    direction, across = body_direction(skeleton)
    if turn and not direction:
        raise UserError(
            f'{kind}: skeleton {skeleton.name!r} shows no heading, since it has no '
            f'left and right joints, nor {", ".join(_FRONT)}; set turn=False.'
        )
    plane = [axis for axis in range(3) if dims == 2 or axis != vertical][:2]
    return direction if turn else [], across, plane


def indices_of(
    render: Coordinates, skeleton: Skeleton, option: str, names: Sequence[str]
) -> list[int]:
    """Return the indices of the joints that an option names, ``ROOT`` for ``root``.

    Raises:
        UserError: If there is no such joint.
    """
    places = {**{name: i for i, name in enumerate(skeleton.joints)}, 'root': ROOT}
    for name in names:
        if name not in places:
            raise UserError(
                f'{type(render).__name__}: {option} has {name!r}, expected root or a '
                f'joint of skeleton {skeleton.name!r}: {", ".join(skeleton.joints)}.'
            )
    return [places[name] for name in names]


def body_direction(skeleton: Skeleton) -> tuple[list[list[int]], bool]:
    """Return pairs of joints that show where a body points, and if it is across them.

    They are ``ends`` and ``across`` of :class:`Relations`, for the argument ``turn`` of
    :class:`PairCoordinates`. There are no pairs if no joints show it.
    """
    sides = [
        [a, b] if split_side(skeleton.joints[b])[0] == 'left' else [b, a]
        for a, b in skeleton.flip_pairs
    ]
    trunk = [p for p in sides if split_side(skeleton.joints[p[0]])[1] in _TRUNK]
    front = [[ROOT, joint] for joint in front_joints(skeleton)]
    return (front, False) if front and not trunk else (trunk or sides, True)


def front_joints(skeleton: Skeleton) -> list[int]:
    """Return the joint at the front of a body, if there is one."""
    names = [name.lower() for name in skeleton.joints]
    return [names.index(front) for front in _FRONT if front in names][:1]
