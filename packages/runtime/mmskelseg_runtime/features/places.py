"""Where a person is relative to places, as features."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, cast

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Axis, CountOrZero, Where
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.places import (
    SHAPES,
    KnownPlaces,
    Place,
    Shape,
    alike,
    in_frames,
)
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.blocks import Frames, State
from mmskelseg_runtime.features.body import SkeletonCoordinates
from mmskelseg_runtime.features.relations import (
    ROOT,
    People,
    Relations,
    RelativeCoordinates,
)
from mmskelseg_runtime.parts import RENDERERS

_MOST = 1000
Named = Annotated[
    Sequence[str],
    Where(
        'the names of places, each once',
        lambda names: 0 < len(names) <= _MOST and len({*names}) == len(names),
    ),
]
Shaped = Annotated[
    Mapping[str, Shape],
    Where(
        f'a dict of their shapes ({", ".join(SHAPES)})',
        lambda places: 0 < len(places) <= _MOST and {*places.values()} <= {*SHAPES},
    ),
]


@RENDERERS.register
class PlaceCoordinates(RelativeCoordinates):
    """Gives where a person is relative to places, as a part of ``Concatenate``.

    For each place, these are F values:

    ======  ==========================================================================
    1       1 if place and person are known in the frame, or else 0, as all that
            follows
    joints  1 for each of the ``joints`` that is inside or on the edge; nothing is
            inside of a line or a point
    joints  the distance of each from the edge, above 0 inside, below 0 outside
    joints  the change of these since the previous frame, above 0 if they come nearer
            from outside
    1       the cosine of the angle between the person's heading and the direction from
            the root to the place's centre, 1 if it looks there; only with ``view``
    ======  ==========================================================================

    All lengths are divided by the person's body size. Values of a missing joint are 0,
    as are changes from or to a frame in which it is missing.

    Reads: keypoint (M, T, V, 2) in pixels or keypoint_3d (M, T, V, 3); keypoint_score
    (M, T, V), 1 by default; places, in the image, or, for keypoint_3d, on the floor.
    Writes: coordinates, float32, shape (T, C).

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        places: The names of the places to describe, with their shapes, if videos must
            have these; a circle may stand for a polygon.
        dims: 3 for keypoint_3d, 2 for keypoint.
        joints: Names of the joints that are compared with places; ``root``, the
            default, is the root.
        view: Whether to say which places the person faces, for bodies in 3D or seen
            from above; see ``turn`` of :class:`PairCoordinates`.
        vertical: The axis of keypoint_3d that points up or down.
        root: See :class:`SkeletonCoordinates`, as for the following.
        scale: ``body``, or None to leave lengths in pixels or metres.
        person: Index of the person; by default the one with the highest sum of scores.
        causal: Whether no value depends on later frames.

    Raises:
        ValueError: If a joint is unknown, if a skeleton has no heading, or if a video
            lacks one of the places, or has another shape of it.
    """

    def __init__(
        self,
        skeleton: SkeletonLike,
        places: Shaped | Named,
        dims: Literal[2, 3] = 2,
        *,
        joints: Sequence[str] = ('root',),
        view: bool = False,
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
        shapes = places if isinstance(places, Mapping) else {}
        self.places: KnownPlaces = {name: shapes.get(name) for name in places}
        self.joints = self.indices('joints', joints)
        if dims == 3 and vertical is None:
            raise UserError(
                'PlaceCoordinates: places of keypoint_3d are on the floor; name the '
                'vertical axis, such as vertical=2, or set dims=2.'
            )
        heading = self.heading(turn=view, vertical=vertical)
        self.relations = Relations(1, [], *heading)

    def check(self, video: VideoAnnotation) -> None:
        """Raise a UserError if a video lacks a place."""
        shapes = {one['name']: one['shape'] for one in self._records(video)}
        self._check(shapes, video.get('frame_dir', 'video'))

    def check_stream(self, places: Sequence[Place]) -> None:
        """Raise a UserError if a stream lacks a place."""
        self._check({place.name: place.shape for place in places}, 'the stream')

    def _check(self, shapes: Mapping[str, str], video: str) -> None:
        if missing := [name for name in self.places if name not in shapes]:
            where = 'on the floor' if self.dims == 3 else 'in the image'
            fault = f'{", ".join(missing)} {"is" if len(missing) == 1 else "are"} not'
            if len(missing) == len(self.places) > 1:
                fault = 'none of them is'
            raise UserError(
                f'{video}: the model sees the places {", ".join(self.places)}, but '
                f'{fault} known {where}. Give their file (--places FILE), or add '
                '`places` to the annotation.'
            )
        for name, shape in self.places.items():
            if shape and not alike(shape, shapes[name]):
                raise UserError(
                    f'{video}: the model knows {name!r} as a {shape}, but it is a '
                    f'{shapes[name]}; draw it as in the training.'
                )

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        found = super().source(results)
        for one in self._records(results):
            text = f'{one["name"]}\n{one["shape"]}'.encode()
            found.append(np.frombuffer(text, np.uint8))
            found += [np.asarray(x) for x in one.values() if not isinstance(x, str)]
        return found

    def frames(self, results: VideoAnnotation) -> Frames:
        """Return the frames of a recording."""
        frames = super().frames(results)
        count, plane = frames.points.shape[1], self.relations.plane
        places = [in_frames(one, count, plane) for one in self._records(results)]
        return replace(frames, places=places)

    def describe(self, frames: Frames, state: State) -> np.ndarray:
        """Return float32 features of the next frames, (n, C)."""
        people = self.people(frames, state)
        found: dict[str, Any] = dict.fromkeys(self.places, 0)
        # Of several places of a name, one at most is known in a frame.
        for i, (place, known) in enumerate(frames.places):
            if place.name in found:
                part = state.of(f'place.{i}')
                found[place.name] += self._of_place(place, known, people, part)
        return np.concatenate([*found.values()], axis=1).astype(np.float32)

    def _of_place(
        self, place: Place, known: np.ndarray, people: People, state: State
    ) -> np.ndarray:
        """Return the values (n, F) of a place that is known in some frames, (n,)."""
        plane = [*self.relations.plane]
        root = people.body.root[0][:, plane]
        xy = people.points[0][:, self.joints][..., plane]
        there = (people.seen[0, :, ROOT] & known)[:, None]
        shown = people.seen[0][:, self.joints] & there
        # A place that moves has a shape in each frame.
        each = [place.distance(xy[:, j]) for j in range(len(self.joints))]
        distance = np.where(shown, np.stack(each, axis=1), 0)
        (change,) = state.changes('distance', distance[None], shown[None])
        lengths = np.concatenate([distance, change], axis=1)
        inside = shown & (distance >= 0) & place.has_area
        parts = [there, inside, lengths / people.body.size[:, None]]
        if self.relations.ends:
            offset = place.centre - root
            far = np.linalg.norm(offset, axis=1, keepdims=True)
            to_centre = offset / np.where(far, far, 1)
            looks = (people.heading[0] * to_centre).sum(axis=1, keepdims=True)
            parts.append(np.where(there, looks, 0))
        return np.concatenate(parts, axis=1)

    def _records(self, results: VideoAnnotation) -> list[dict[str, Any]]:
        """Return the places to describe, in the space of the joints."""
        space = 'floor' if self.dims == 3 else 'image'
        return [
            one
            for one in cast(Any, results).get('places', ())
            if one['name'] in self.places and one.get('space', 'image') == space
        ]

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        return {**super().settings(), 'places': list(self.places)}
