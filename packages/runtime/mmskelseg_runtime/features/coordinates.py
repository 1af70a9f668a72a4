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
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.recipe import BaseRenderer, RenderedVideo
from mmskelseg_runtime.parts import RENDERERS
from mmskelseg_runtime.streaming.body import (
    ROUNDING,
    RunningCoordinates,
    channels_first,
)
from mmskelseg_runtime.streaming.state import RunningFeatures

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
    causal: bool
    #: The kinds of objects whose points it reads.
    kinds: ObjectKinds = {}
    #: The places that it reads, with their shapes, if these are known.
    places: KnownPlaces = {}

    def __init__(self, dims: Literal[2, 3], person: CountOrZero | None) -> None:
        self.dims = dims
        self.person = person

    @property
    def context(self) -> tuple[float, float] | None:
        """None, since the scale, or a transform, may depend on all frames."""
        return None

    def check(self, video: VideoAnnotation) -> None:
        """Raise a UserError if a quick check shows that a video lacks something."""

    def give(self, places: Sequence[Place]) -> None:
        """State the places of a stream, which stay where they are."""

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        raise NotImplementedError

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
        """Return an array of shape (T, C, V)."""
        raise NotImplementedError

    def running(
        self, people: int = 1, instances: Sequence[Instance] = ()
    ) -> RunningFeatures:
        """Return the object that computes causal coordinates frame by frame.

        Args:
            people: Number of persons whose joints it gets, the one to describe first.
            instances: Kind of each object whose points follow, and how many these are.
        """
        raise NotImplementedError

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

    def _one_of(
        self, persons: int, score: np.ndarray | None, person: int | None
    ) -> int:
        """Return the index of the person, by default with the highest total score."""
        main = main_person(np.ones((persons, 1, 1)) if score is None else score)
        person = main if person is None else person
        if not 0 <= person < persons:
            raise UserError(
                f'{type(self).__name__}: person={person}, but there are {persons} '
                f'persons; name one of 0 to {persons - 1}, or None.'
            )
        return person


@RENDERERS.register
class SkeletonCoordinates(Coordinates):
    """Gives the displacement of each joint and its position relative to the root.

    As ``render`` without an encoder, it gives the features themselves.

    The values of a missing joint are 0, as are displacements from or to it and those of
    the last frame. While the root is missing, it stays at its last position; in a video
    that never shows it, positions are relative to the mean of all joints seen in the
    frame.

    Reads: keypoint (M, T, V, 2) in pixels or keypoint_3d (M, T, V, 3); keypoint_score
    (M, T, V), 1 by default. Writes: coordinates, float32, shape (T, C, V), or
    (T, C * V) with ``flatten``. C is ``dims``, or twice that with displacements, which
    come first.

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        dims: 3 for keypoint_3d, 2 for keypoint.
        root: Name of the joint to which positions are relative, or names of several
            joints, for the mean of those seen; by default the root of the skeleton.
        displacement: Whether to include displacements.
        scale: ``body`` divides the values of a video by the root mean square distance
            of its joints from the root, to remove the effect of the camera and of body
            size; None leaves them in pixels or metres.
        person: Index of the person to use; by default the one with the highest sum of
            scores in the video.
        flatten: Whether each frame is one vector, as required by
            :class:`mmskelseg.models.MSTCNPlusPlus`; the joints of a channel are
            adjacent in it.
        causal: Whether no value depends on later frames, so that a stream gives the
            same values. Displacements are then from the previous frame, and 0 in the
            first frame; the body scale is that of the frames so far, and values are 0
            until two joints have been apart; the mean of all joints seen replaces the
            root until it is first seen.

    Raises:
        ValueError: If the coordinates are missing, not finite or do not fit the
            skeleton, or if ``causal=True``, the video has several persons and
            ``person`` is not given.

    Note:
        The code of MS-GCN does not scale; its first layer normalises each channel.

    Source: Filtjens et al. (IEEE TETC 2022), and the code of MS-GCN.
    """

    def __init__(
        self,
        skeleton: SkeletonLike,
        dims: Literal[2, 3] = 3,
        *,
        root: str | Sequence[str] | None = None,
        displacement: bool = True,
        scale: Literal['body'] | None = 'body',
        person: CountOrZero | None = None,
        flatten: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__(dims, person)
        self.skeleton = Skeleton.get(skeleton)
        names = [root] if isinstance(root, str) else root
        joints = self.skeleton.joints
        if names is not None and not (names and set(names) <= set(joints)):
            raise UserError(
                f'root={root!r} must be names of joints of skeleton '
                f'{self.skeleton.name!r}: {", ".join(joints)}.'
            )
        self.root = self.skeleton.root
        if names is not None:
            self.root = tuple(joints.index(name) for name in names)
        self.displacement = displacement
        self.scale = scale
        self.flatten = flatten
        self.causal = causal

    @property
    def context(self) -> tuple[float, float] | None:
        """All previous frames if ``causal``, because of the scale; else all frames."""
        return (math.inf, 0) if self.causal else None

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        keys: list[SkeletonKey] = [self._key(results), 'keypoint_score']
        return [results[key] for key in keys if key in results]

    def coordinates(self, results: VideoAnnotation) -> np.ndarray:
        """Return an array of shape (T, C, V), or (T, C * V) with ``flatten``."""
        key = self._key(results)
        points, score = read_joints(
            results, key, self.skeleton, self.dims, np.float64, score_dtype=None
        )
        if self.causal:
            check_one_person(self, len(points), self.person)
        person = self._one_of(len(points), score, self.person)
        points, seen = points[person], score[person] >= MIN_SCORE
        if self.causal:
            return self.running().push(points, seen)
        _, values, size = whole_body(points, seen, self.root)
        if self.displacement:
            both = (seen[1:] & seen[:-1])[..., None]
            moved = np.zeros_like(points)
            moved[:-1] = np.where(both, np.diff(points, axis=0), 0)
            values = np.concatenate([moved, values], axis=-1)
        if self.scale == 'body':
            values = values / size
        return channels_first(values, flatten=self.flatten)

    def running(
        self, people: int = 1, instances: Sequence[Instance] = ()
    ) -> RunningCoordinates:
        """Return the object that computes causal coordinates frame by frame."""
        return RunningCoordinates(
            self.root,
            self.dims,
            self.skeleton.num_joints,
            displacement=self.displacement,
            scale=self.scale == 'body',
            flatten=self.flatten,
        )

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        settings = {**vars(self), 'type': type(self).__name__, 'root': list(self.root)}
        settings['joints_of'] = list(settings.pop('skeleton').joints)
        if not self.causal:
            # So that names of existing feature files stay valid.
            del settings['causal']
        return settings


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


def whole_body(
    points: np.ndarray, seen: np.ndarray, root: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return a person's root (T, dims), the joints relative to it, and the size.

    The root is the mean of the root joints seen in the frame. If a frame shows none, it
    stays at its last position, or at its first one if there is no earlier one. If the
    whole video shows none, it is the mean of all joints. Relative joints are 0 where
    they are not seen. The size is the root mean square distance of the video's joints
    from the root; it is 1 if no joint is seen, or if all lie at one point, up to
    rounding. ``points`` are the joints of one person, (T, V, dims), and ``seen`` says
    whether each is seen, (T, V). ``RunningBody`` is its causal counterpart.
    """
    path = _root_path(points, seen, root)
    relative = np.where(seen[..., None], points - path[:, None], 0)
    if not seen.any():
        return path, relative, 1.0
    squares = np.einsum('tvd,tvd->t', relative, relative).sum(dtype=float)
    size = float(np.sqrt(squares / seen.sum()))
    has_size = size > ROUNDING * np.abs(points[seen]).max()
    return path, relative, size if has_size else 1.0


def _root_path(points: np.ndarray, seen: np.ndarray, root: Sequence[int]) -> np.ndarray:
    joints = list(root)
    if not seen[:, joints].any():
        joints = list(range(seen.shape[1]))
    counts = seen[:, joints].sum(axis=1)
    known = np.flatnonzero(counts)
    if not known.size:
        return np.zeros_like(points[:, 0])
    weights = seen[:, joints, None] / np.maximum(counts, 1)[:, None, None]
    mean = (points[:, joints] * weights).sum(axis=1)
    # The latest frame so far that shows the root, or else the first one that does.
    last = np.searchsorted(known, np.arange(len(points)), side='right') - 1
    return mean[known[np.maximum(last, 0)]]


def read_joints(
    results: VideoAnnotation,
    key: SkeletonKey,
    skeleton: Skeleton,
    dims: int,
    dtype: DTypeLike,
    *,
    score_dtype: DTypeLike | None,
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
