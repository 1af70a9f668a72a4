"""Where objects are relative to a person, as features."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Axis, CountOrZero, Where
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import MIN_SCORE, VideoAnnotation
from mmskelseg_io.structures.layouts import split_side
from mmskelseg_io.structures.objects import BOX, OBJECT_KEYS, ObjectKinds, TrackedObject
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.blocks import Frames, State, flat
from mmskelseg_runtime.features.body import SkeletonCoordinates
from mmskelseg_runtime.features.relations import (
    ROOT,
    Nearest,
    People,
    Relations,
    RelativeCoordinates,
    front_joints,
    nearest_values,
)
from mmskelseg_runtime.parts import RENDERERS

# Names of joints, without their sides, that touch things, the first one that exists.
_TOUCHING = ('hand', 'wrist')
# The most values of a frame; exported models may not take memory without limit.
_MOST_VALUES = 10_000
Kinds = Annotated[
    Mapping[str, Sequence[str]],
    Where(
        'the names of the points of each kind, such as dict(hammer=["head"])',
        lambda kinds: bool(kinds) and all(points for points in kinds.values()),
    ),
]


@RENDERERS.register
class ObjectCoordinates(RelativeCoordinates):
    """Gives where objects are relative to a person, as a part of ``Concatenate``.

    For each kind, and each of the ``nearest`` objects of it in the frame, the one
    nearest to one of the ``joints`` first, these are F values:

    ==============  ===================================================================
    1               1 if object and person are seen in the frame, or else 0, as all that
                    follows
    dims * marks    positions of its marks, relative to the person's root: x of all,
                    then y (and z); a box has one mark, its centre, and for anything
                    else they are the points of its kind
    dims            the change since the previous frame of the position of its centre,
                    the mean of its points
    1               its size, the root mean square distance of its points from the
                    centre: half the diagonal of a box
    joints * marks  distances from each of the ``joints`` to all its marks
    joints * marks  changes of these since the previous frame, below 0 if they approach
    ==============  ===================================================================

    All lengths are divided by the person's body size. With ``turn``, positions and
    changes are turned such that the person's heading is the first axis, as in
    :class:`PairCoordinates`. Values of a missing point or joint are 0, as are changes
    from or to a frame in which it is missing.

    Reads: keypoint (M, T, V, 2) in pixels or keypoint_3d (M, T, V, 3); keypoint_score
    (M, T, V), 1 by default; objects, whose points_3d are needed for keypoint_3d; see
    :class:`~mmskelseg_io.structures.objects.TrackedObject`. Writes: coordinates,
    float32, shape (T, C).

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        kinds: The names of the points of each kind to describe, as in metainfo
            ``objects``.
        dims: 3 for keypoint_3d, 2 for keypoint.
        nearest: Number of objects of each kind; missing ones are all 0.
        joints: Names of the joints to which distances are measured; ``root`` is the
            root. By default hands, or else wrists, or else the joint at the front of
            the body: nose, snout or head, or else the root.
        turn: See :class:`PairCoordinates`, as for ``vertical``.
        vertical: The axis of keypoint_3d that points up or down, about which to turn.
        root: See :class:`SkeletonCoordinates`, as for the following.
        scale: ``body``, or None to leave lengths in pixels or metres.
        person: Index of the person; by default the one with the highest sum of scores.
        causal: Whether no value depends on later frames.

    Raises:
        ValueError: If a joint is unknown, if ``turn`` is impossible, if a video comes
            without ``objects``, or if the points of one do not fit its kind.
    """

    def __init__(
        self,
        skeleton: SkeletonLike,
        kinds: Kinds,
        dims: Literal[2, 3] = 2,
        *,
        nearest: Nearest = 1,
        joints: Sequence[str] | None = None,
        turn: bool = True,
        vertical: Axis | None = None,
        root: str | Sequence[str] | None = None,
        scale: Literal['body'] | None = 'body',
        person: CountOrZero | None = None,
        causal: bool = False,
    ) -> None:
        own = SkeletonCoordinates(
            skeleton, dims, root=root, scale=scale, person=person, causal=causal
        )
        super().__init__(own)
        self.kinds: ObjectKinds = {kind: tuple(kinds[kind]) for kind in kinds}
        if joints is None:
            self.joints = _touching(own.skeleton)
        else:
            self.joints = self.indices('joints', joints)
        heading = self.heading(turn=turn, vertical=vertical)
        self.relations = Relations(nearest, [], *heading)
        width = nearest * sum(map(self._width, self.kinds))
        if width > _MOST_VALUES:
            raise UserError(
                f'ObjectCoordinates: {width} values of a frame, but at most '
                f'{_MOST_VALUES} are allowed; name fewer kinds, points or joints.'
            )

    def check(self, video: VideoAnnotation) -> None:
        """Raise a UserError if a video lacks objects, or their points do not fit."""
        name = video.get('frame_dir', 'video')
        if 'objects' not in video:
            listed = [f'{k} ({", ".join(points)})' for k, points in self.kinds.items()]
            raise UserError(
                f'{name}: there are no objects, but the model sees '
                f'{"; ".join(listed)}. Give the file of their tracks (--objects FILE), '
                'or add `objects` to the annotation, an empty list if there are none.'
            )
        for one in self._objects(video):
            points, shape = self.kinds[one['kind']], np.shape(one['points'])
            needed = (video.get('total_frames', shape[0]), len(points), 2)
            if shape != needed:
                raise UserError(
                    f'{name}: the object {one["name"]!r} has points of shape {shape}, '
                    f'but the model needs {needed} for {one["kind"]}: in each frame, '
                    f'{", ".join(points)}.'
                )
            if self.dims == 3 and 'points_3d' not in one:
                raise UserError(
                    f'{name}: the object {one["name"]!r} has no points_3d, which '
                    'ObjectCoordinates(dims=3) reads; set dims=2, or add them.'
                )

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        found = super().source(results)
        for one in self._objects(results):
            kind = np.frombuffer(one['kind'].encode(), np.uint8)
            found += [kind, one[OBJECT_KEYS[self._key(results)]], one['score']]
        return found

    def frames(self, results: VideoAnnotation) -> Frames:
        """Return the frames of a recording."""
        key = OBJECT_KEYS[self._key(results)]
        objects = []
        for one in self._objects(results):
            seen = np.asarray(one['score']) >= MIN_SCORE
            objects.append((one['kind'], np.asarray(one[key], np.float64), seen))
        return replace(super().frames(results), objects=objects)

    def describe(self, frames: Frames, state: State) -> np.ndarray:
        """Return float32 features of the next frames, (n, C)."""
        people, values = self.people(frames, state), []
        for kind in self.kinds:
            own = [(xy, seen) for name, xy, seen in frames.objects if name == kind]
            if own:
                points, seen = map(np.stack, zip(*own, strict=True))
                part = state.of(f'kind.{kind}')
                values.append(self._of_kind(kind, people, points, seen, part))
            else:
                width = self.relations.nearest * self._width(kind)
                values.append(np.zeros((frames.points.shape[1], width), np.float32))
        return np.concatenate(values, axis=1)

    def _width(self, kind: str) -> int:
        """Return the number of values of an object of a kind."""
        # A box turns with the picture, so that its corners have no meaning.
        marks = 1 if self.kinds[kind] == BOX else len(self.kinds[kind])
        return 2 + self.dims * (marks + 1) + 2 * len(self.joints) * marks

    def _of_kind(
        self,
        kind: str,
        people: People,
        points: np.ndarray,
        seen: np.ndarray,
        state: State,
    ) -> np.ndarray:
        """Return the values of the nearest of the I objects of a kind.

        Shapes: points (I, n, P, dims); seen (I, n, P).
        """
        root, heading = people.body.root[0], people.heading[0]
        there = (seen.any(axis=2) & people.seen[0, :, ROOT])[..., None]
        weights = seen[..., None]
        counts = np.maximum(weights.sum(axis=2), 1)
        centre = (points * weights).sum(axis=2) / counts
        squares = np.square(points - centre[:, :, None]) * weights
        size = np.sqrt((squares.sum(axis=2) / counts).sum(axis=-1, keepdims=True))
        marks, shown = points, seen & there
        if self.kinds[kind] == BOX:
            marks, shown = centre[:, :, None], there

        places = self.relations.turned(marks - root[:, None], heading)
        places = np.where(shown[..., None], places, 0)
        between = marks[:, :, None] - people.points[0][:, self.joints, None]
        both = people.seen[0][:, self.joints, None] & shown[:, :, None]
        both, apart = flat(both, 2), flat(np.linalg.norm(between, axis=-1), 2)
        offset = centre - root
        moved = state.changes('offset', offset, there)
        lengths = [
            *(places[..., i] for i in range(self.dims)),
            self.relations.turned(moved, heading),
            size,
            np.where(both, apart, 0),
            state.changes('apart', apart, both),
        ]
        lengths = [x / people.body.size[:, None] for x in lengths]
        values = np.where(there, np.concatenate([there, *lengths], axis=2), 0)
        # The nearest is the one that is nearest to a joint, else to the root.
        close = np.where(both, apart, np.inf).min(axis=2, initial=np.inf)
        far = np.where(np.isfinite(close), close, np.linalg.norm(offset, axis=-1))
        away = np.where(there[..., 0], far, np.inf)
        return nearest_values(values, away, self.relations.nearest)

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        kinds = {kind: list(points) for kind, points in self.kinds.items()}
        return {**super().settings(), 'kinds': kinds}

    def _objects(self, results: VideoAnnotation) -> list[TrackedObject]:
        """Return the objects of the kinds to describe."""
        return [one for one in results['objects'] if one['kind'] in self.kinds]


def _touching(skeleton: Skeleton) -> list[int]:
    """Return the indices of the joints that touch things."""
    plain = [split_side(name)[1] for name in skeleton.joints]
    for part in _TOUCHING:
        if part in plain:
            return [i for i, name in enumerate(plain) if name == part]
    return front_joints(skeleton) or [ROOT]
