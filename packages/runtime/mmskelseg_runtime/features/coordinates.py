"""Coordinates of joints as features, without an image."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import CountOrZero
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import MIN_SCORE, SkeletonKey, VideoAnnotation
from mmskelseg_io.structures.individuals import main_person
from mmskelseg_io.structures.objects import ObjectKinds
from mmskelseg_io.structures.places import KnownPlaces, Place
from mmskelseg_runtime.features.blocks import Frames, State
from mmskelseg_runtime.features.recipe import BaseRenderer, RenderedVideo

#: The kind of an object in a stream, and the number of its points.
Instance: TypeAlias = tuple[str, int]

#: What messages about missing joints in 3D say of a training.
KEPT_3D = (
    'RandomHorizontalFlip keeps it with `lateral`, and RandomRotation with `depth`.'
)
_KEYS: dict[int, SkeletonKey] = {2: 'keypoint', 3: 'keypoint_3d'}


class Coordinates(BaseRenderer):
    """Base class of renderers that give the coordinates of one person.

    Args:
        dims: 2 for ``keypoint``, 3 for ``keypoint_3d``.
        person: Index of the person; None takes the one with the highest scores.
    """

    reads: ClassVar[Literal['poses']] = 'poses'
    #: Whether it reads the skeletons of others than the individual of a video.
    others: bool = False
    #: Whether no value depends on later frames.
    causal: bool = False
    #: The layout of the joints.
    skeleton: Skeleton
    #: The kinds of objects whose points it reads.
    kinds: ObjectKinds = {}
    #: The places that it reads, with their shapes, if these are known.
    places: KnownPlaces = {}

    def __init__(self, dims: Literal[2, 3], person: CountOrZero | None) -> None:
        self.dims = dims
        self.person = person

    @property
    def context(self) -> tuple[float, float] | None:
        """All previous frames if ``causal``, because of the scale; else all frames."""
        return (math.inf, 0) if self.causal else None

    def check(self, video: VideoAnnotation) -> None:
        """Raise a UserError if a quick check shows that a video lacks something."""

    def check_stream(self, places: Sequence[Place]) -> None:
        """Raise a UserError if a stream with these places lacks something."""

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        keys: list[SkeletonKey] = [self._key(results), 'keypoint_score']
        return [results[key] for key in keys if key in results]

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        raise NotImplementedError

    def transform(self, results: RenderedVideo) -> RenderedVideo:
        """Write ``coordinates``."""
        results['coordinates'] = self.coordinates(results)
        return results

    def blocks(self, results: VideoAnnotation, frames: int) -> Iterator[np.ndarray]:
        """Yield ``coordinates``, that many frames at a time."""
        coordinates = self.coordinates(results)
        for begin in range(0, len(coordinates), frames):
            yield coordinates[begin : begin + frames]

    def coordinates(self, results: VideoAnnotation) -> np.ndarray:
        """Return the features of a recording, (T, C, V) or (T, C)."""
        self.check(results)
        return self.describe(self.frames(results), State())

    def running(
        self,
        people: int = 2,
        instances: Sequence[Instance] = (),
        places: Sequence[Place] = (),
    ) -> 'RunningFeatures':
        """Return the object that computes causal features of a stream.

        Args:
            people: Number of persons whose joints it gets, the one to describe first,
                if it sees others.
            instances: Kind of each object whose points follow, and how many these are.
            places: Places, which stay where they are.
        """
        self.check_stream(places)
        people = people if self.others else 1
        return RunningFeatures(self, people, instances, places)

    def describe(self, frames: Frames, state: State) -> np.ndarray:
        """Return float32 features of the next frames, (n, C, V) or (n, C).

        It is all that a kind of features needs: the same for recordings and streams.
        """
        raise NotImplementedError

    def frames(self, results: VideoAnnotation) -> Frames:
        """Return the frames of a recording."""
        points, score = read_joints(
            results, self._key(results), self.skeleton, self.dims, np.float64
        )
        person = self.person
        if self.others and person is None:
            person = results.get('individual')
        if self.causal:
            check_one_person(self, len(points), person)
        person = self._one_of(score, person)
        order = [person]
        if self.others:
            order += [m for m in range(len(points)) if m != person]
        seen = score[order] >= MIN_SCORE
        return Frames(points[order], seen, whole=not self.causal)

    def _key(self, results: VideoAnnotation) -> SkeletonKey:
        key = _KEYS[self.dims]
        if key not in results:
            more = f' {KEPT_3D}' if self.dims == 3 else ''
            raise UserError(
                f'there is no {key}, which {type(self).__name__}(dims={self.dims}) '
                f'reads; set dims={5 - self.dims}, or add it to the annotation '
                f'file.{more}'
            )
        return key

    def _one_of(self, score: np.ndarray, person: int | None) -> int:
        """Return the index of the person, by default with the highest total score."""
        person = main_person(score) if person is None else person
        if not 0 <= person < len(score):
            raise UserError(
                f'{type(self).__name__}: person={person}, but there are {len(score)} '
                f'persons; name one of 0 to {len(score) - 1}, or None.'
            )
        return person


class RunningFeatures:
    """Features that are computed from the frames of a stream as they arrive.

    A frame has ``num_joints`` joints, those of all ``people``, the one to describe
    first, and after them ``num_points`` points of objects, of which ``instances`` has
    the kind and the number of points of each.
    """

    def __init__(
        self,
        render: Coordinates,
        people: int,
        instances: Sequence[Instance],
        places: Sequence[Place],
    ) -> None:
        self.render = render
        self.dims = render.dims
        self.people = people
        self.instances = instances
        self.places = places
        self.num_joints = people * render.skeleton.num_joints
        self.num_points = sum(count for _, count in instances)
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self._state = State()
        # No frames, so that the state has all its arrays.
        points = np.zeros((0, self.num_joints + self.num_points, self.dims))
        self.push(points, np.zeros(points.shape[:2], bool))

    def push(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 features of the next frames, (n, C) or (n, C, V).

        Shapes: points (n, joints and points, dims), float64; seen (n, joints and
        points), whether they are visible.
        """
        objects, begin = [], self.num_joints
        for kind, count in self.instances:
            columns = slice(begin, begin + count)
            objects.append((kind, points[:, columns], seen[:, columns]))
            begin += count
        each = len(points), self.people, self.render.skeleton.num_joints
        joints = points[:, : self.num_joints].reshape(*each, self.dims)
        visible = seen[:, : self.num_joints].reshape(each)
        always = np.ones(len(points), bool)
        frames = Frames(
            joints.swapaxes(0, 1),
            visible.swapaxes(0, 1),
            objects,
            [(place, always) for place in self.places],
        )
        return self.render.describe(frames, self._state)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays, for :meth:`load_state_dict`."""
        return {key: np.array(x) for key, x in self._state.arrays.items()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned."""
        self._state = State({key: np.array(state[key]) for key in self._state.arrays})


def instances_of(kinds: ObjectKinds, counts: Mapping[str, int]) -> list[Instance]:
    """Return the objects of a stream, by default one of each kind.

    Raises:
        UserError: If ``counts`` has the number of an unknown kind, or below 0.
    """
    for kind, count in counts.items():
        if kind not in kinds or count < 0:
            raise UserError(
                f'objects has {count} of {kind!r}, expected a number from 0 of each '
                f'kind that the model sees: {", ".join(kinds) or "none"}.'
            )
    return [
        (kind, len(points))
        for kind, points in kinds.items()
        for _ in range(counts.get(kind, 1))
    ]


def check_one_person(renderer: object, persons: int, person: int | None) -> None:
    """Raise a UserError if a causal renderer would have to choose among persons."""
    if persons > 1 and person is None:
        way = 'set person=0, or ' if hasattr(renderer, 'person') else ''
        raise UserError(
            f'{type(renderer).__name__} has causal=True, but there are {persons} '
            'persons, and which one scores highest is known only at the end of the '
            f'video; {way}keep one person in the annotation file.'
        )


def read_joints(
    results: VideoAnnotation,
    key: SkeletonKey,
    skeleton: Skeleton,
    dims: int,
    dtype: DTypeLike,
    *,
    score_dtype: DTypeLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return checked coordinates (M, T, V, dims) and scores (M, T, V), 1 by default.

    Raises:
        UserError: If there are no such coordinates, or if the arrays do not fit the
            skeleton or are not finite.
    """
    if key not in results:
        raise UserError(f'there is no {key}; add it to the annotation file.')
    points = _array(results[key], dtype)
    if points.ndim != 4 or points.shape[2:] != (skeleton.num_joints, dims):
        raise UserError(
            f'{key} has the shape {points.shape}, but skeleton {skeleton.name!r} needs '
            f'(persons, frames, {skeleton.num_joints}, {dims}).'
        )
    score = results.get('keypoint_score')
    score = np.ones(points.shape[:3]) if score is None else score
    score = _array(score, score_dtype)
    if score.shape != points.shape[:3]:
        raise UserError(
            f'keypoint_score has the shape {score.shape}, but {key} {points.shape} '
            f'needs {points.shape[:3]}.'
        )
    for name, values in ((key, points), ('keypoint_score', score)):
        if not np.isfinite(values).all():
            raise UserError(
                f'{name} has values that are not finite; set a joint that was not seen '
                'to 0, with score 0.'
            )
    return points, score


def _array(values: object, dtype: DTypeLike | None) -> np.ndarray:
    # A tensor may be on a GPU.
    return np.asarray(values.cpu() if hasattr(values, 'cpu') else values, dtype)
