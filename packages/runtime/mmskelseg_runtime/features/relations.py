"""How others, objects and places are described relative to a person."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
from array_api_compat import device

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Where
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.layouts import split_side
from mmskelseg_runtime.features.blocks import Frames, State, flat, namespace
from mmskelseg_runtime.features.body import ROUNDING, Bodies, SkeletonCoordinates
from mmskelseg_runtime.features.coordinates import Coordinates

#: The index of the root, which follows the joints.
ROOT = -1
# Names of joints, without their sides, on the trunk and at the front of a body.
_TRUNK = ('hip', 'shoulder')
_FRONT = ('nose', 'snout', 'head')
# Exported models state it, and may not take memory without limit.
Nearest = Annotated[int, Where('a whole number from 1 to 20', lambda n: 1 <= n <= 20)]


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
        xp = namespace(points)
        flat = xp.where(seen[..., None], points[..., list(self.plane)], 0)
        first, last = [a for a, _ in self.ends], [b for _, b in self.ends]
        both = (seen[..., first] & seen[..., last])[..., None]
        ahead = xp.sum((flat[:, :, last] - flat[:, :, first]) * both, axis=2)
        if self.across:
            ahead = xp.stack([-ahead[..., 1], ahead[..., 0]], axis=-1)
        length = xp.linalg.vector_norm(ahead, axis=-1, keepdims=True)
        known = length > ROUNDING * xp.max(xp.abs(flat), axis=(2, 3))[..., None]
        return xp.where(known, ahead / xp.where(known, length, 1), 0)

    def turned(self, vectors: np.ndarray, heading: np.ndarray) -> np.ndarray:
        """Return vectors (M, n, ..., dims), turned so that a heading (n, 2) is (1, 0).

        Where the heading is unknown, they stay as they are.
        """
        xp, (first, second) = namespace(vectors), self.plane
        known = xp.any(heading != 0, axis=-1, keepdims=True)
        heading = xp.where(known, heading, xp.asarray([1, 0], device=device(heading)))
        axes = [vectors[..., i] for i in range(vectors.shape[-1])]
        axes[first], axes[second] = turned_to(axes[first], axes[second], heading)
        return xp.stack(axes, axis=-1)


@dataclass(frozen=True)
class People:
    """M persons in the next frames, the one to describe first.

    Shapes: points (M, n, V + 1, dims), joints and then the root; seen (M, n, V + 1),
    the root in frames that show any joint; heading (M, n, 2), 0 where it is unknown;
    body, with root and size.
    """

    points: np.ndarray
    seen: np.ndarray
    heading: np.ndarray
    body: Bodies


class RelativeCoordinates(Coordinates):
    """Base class of renderers of what is around one person.

    Args:
        own: Coordinates of the person, with the same skeleton and settings.
    """

    #: The heading of the person, and how what is around is described.
    relations: Relations
    #: Indices of the joints that are compared with what is around.
    joints: list[int]

    def __init__(self, own: SkeletonCoordinates) -> None:
        super().__init__(own.dims, own.person)
        self.own = own
        self.skeleton = own.skeleton
        self.causal = own.causal

    def people(self, frames: Frames, state: State) -> People:
        """Return the persons in the next frames."""
        xp, body = namespace(frames.points), self.own.bodies(frames, state)
        points = xp.concat([frames.points, body.root[:, :, None]], axis=2)
        present = xp.any(frames.seen, axis=2, keepdims=True)
        seen = xp.concat([frames.seen, present], axis=2)
        heading = self.relations.headings(points, seen)
        heading = state.held('heading', heading, xp.any(heading != 0, axis=-1))
        return People(points, seen, heading, body)

    def heading(
        self, *, turn: bool, vertical: int | None
    ) -> tuple[list[list[int]], bool, list[int]]:
        """Return ``ends``, ``across`` and ``plane`` of :class:`Relations`.

        Raises:
            UserError: If the skeleton cannot be turned as the arguments say.
        """
        kind, skeleton = type(self).__name__, self.skeleton
        if turn and self.dims == 3 and vertical is None:
            raise UserError(
                f'{kind}: turn=True turns about the vertical axis of keypoint_3d; name '
                'it, such as vertical=2, or set turn=False.'
            )
        direction, across = body_direction(skeleton)
        if turn and not direction:
            raise UserError(
                f'{kind}: skeleton {skeleton.name!r} shows no heading, since it has no '
                f'left and right joints, nor {", ".join(_FRONT)}; set turn=False.'
            )
        plane = [axis for axis in range(3) if self.dims == 2 or axis != vertical][:2]
        return direction if turn else [], across, plane

    def indices(self, option: str, names: Sequence[str]) -> list[int]:
        """Return the indices of the joints that an option names, ``ROOT`` for ``root``.

        Raises:
            UserError: If there is no such joint.
        """
        skeleton = self.skeleton
        known = {**{name: i for i, name in enumerate(skeleton.joints)}, 'root': ROOT}
        for name in names:
            if name not in known:
                raise UserError(
                    f'{type(self).__name__}: {option} has {name!r}, expected root or a '
                    f'joint of skeleton {skeleton.name!r}: '
                    f'{", ".join(skeleton.joints)}.'
                )
        return [known[name] for name in names]

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        own = {k: getattr(self.own, k) for k in ('dims', 'scale', 'person', 'causal')}
        return {
            **own,
            **asdict(self.relations),
            'type': type(self).__name__,
            'joints': self.joints,
            'root': list(self.own.root),
            'joints_of': list(self.skeleton.joints),
        }


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


def turned_to(x: np.ndarray, y: np.ndarray, heading: np.ndarray) -> list[np.ndarray]:
    """Return x and y (M, n, ...), turned so that a heading (n, 2) is (1, 0)."""
    shape = (heading.shape[0], *[1] * (x.ndim - 2))
    cos, sin = heading[:, 0].reshape(shape), heading[:, 1].reshape(shape)
    return [x * cos + y * sin, y * cos - x * sin]


def nearest_values(values: np.ndarray, away: np.ndarray, count: int) -> np.ndarray:
    """Return those (M, n, F) of the nearest in each frame, (n, count * F), float32."""
    xp = namespace(values)
    each = xp.arange(away.shape[0], device=device(away))
    level = (away[:, None] == away) & (each[:, None] > each)[..., None]
    rank = xp.sum((away[:, None] > away) | level, axis=1)[..., None]
    chosen = [xp.sum(xp.where(rank == i, values, 0), axis=0) for i in range(count)]
    return flat(xp.astype(xp.stack(chosen, axis=1), xp.float32))
