"""Objects as files have them, and as they become instances of kinds in all frames."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

import numpy as np

from mmskelseg_io.files.inputs import in_words
from mmskelseg_io.messages.errors import UserError, check_name, misfit
from mmskelseg_io.poses.tracking import OverlapLinks
from mmskelseg_io.structures.objects import BOX, TrackedObject

# Objects may be found for this many seconds, or this part, after the last frame.
_SECONDS, _PART = 1.0, 0.1
# Bytes that objects may always take; above that, each must be seen in one of so many
# frames.
_FREE, _RATIO = 1 << 28, 50
# The most objects of a kind in a frame.
_CROWD = 500
# The largest plausible coordinate, beyond any camera.
_FARTHEST = 1e6


@dataclass(frozen=True)
class Found:
    """An object in one frame, or in all up to the next one that a file states.

    Args:
        frame: The first frame, which counts from 0, or a time in seconds.
        kind: What it is.
        points: x and y of its points, shape (P, 2).
        score: Confidence of all points, or of each, shape (P,). A point whose score is
            not above 0 is not seen.
        track: Which of its kind it is, if the file says so.
        names: The names of its points.
        end: The frame after the last one, or that time, if there are several.
        moved: Where the points have moved to in frame ``end``, shape (P, 2).
    """

    frame: float
    kind: str
    points: np.ndarray
    score: float | np.ndarray = 1.0
    track: str | None = None
    names: tuple[str, ...] = BOX
    end: float | None = None
    moved: np.ndarray | None = None


@dataclass(frozen=True)
class FoundObjects:
    """The objects that a file has of one video.

    Args:
        name: The name of the video, from the file or of it.
        source: The file, for messages.
        found: Objects in any order.
        is_relative: Whether points are fractions of width and height, not pixels.
        in_seconds: Whether frames are times in seconds.
        notes: Sentences for the user about what was assumed.
        files: The file of each frame, where ``source`` is a folder of them.
    """

    name: str
    source: str
    found: Sequence[Found]
    is_relative: bool = False
    in_seconds: bool = False
    notes: tuple[str, ...] = ()
    files: Mapping[float, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {(one.kind, one.track or ''): one.frame for one in self.found}
        for (kind, track), frame in named.items():
            check_name(kind, f'{self.file(frame)}: the name of a kind of objects')
            check_name(track, f'{self.file(frame)}: the name of a {kind}')
        places = np.concatenate([[0], *(one.points.ravel() for one in self.found)])
        # All at once, which is much faster. Comparisons with NaN are false.
        are_near = (np.abs(places) <= _FARTHEST).all()
        for one in self.found:
            is_near = are_near or (np.abs(one.points) <= _FARTHEST).all()
            if one.frame < 0 or not is_near:
                what = f'the place of a {one.kind} in frame {one.frame:g}'
                expected = f'points in pixels up to {_FARTHEST:g}, in a frame from 0'
                raise misfit(self.file(one.frame), what, one.points.tolist(), expected)

    def file(self, frame: float) -> str:
        """Return the file that has the objects of a frame, for messages."""
        return self.files.get(frame, self.source)

    @property
    def kinds(self) -> dict[str, list[str]]:
        """The names of the points of each kind, in order of appearance.

        Raises:
            UserError: If the objects of a kind have different points.
        """
        return kinds_of([self])

    def chosen(self, kinds: Mapping[str, str], least: float = 0) -> FoundObjects:
        """Return the objects of some kinds, by their new names, of at least a score.

        Without ``kinds``, all are kept.
        """
        there = dict.fromkeys(one.kind for one in self.found)
        return replace(
            self,
            found=[
                replace(one, kind=kinds[one.kind]) if kinds else one
                for one in self.found
                if one.kind in (kinds or there) and np.max(one.score) >= least
            ],
        )

    def tracked(
        self,
        frames: int,
        fps: float,
        img_shape: tuple[int, int] | None = None,
        rate: float | None = None,
    ) -> list[TrackedObject]:
        """Return the instances of all kinds in a recording.

        Objects with a track keep it as their name. Others are linked from frame to
        frame by the overlap of their boxes, and numbered from 1 by how many are there
        at once; a number may stand for another object after 30 frames without it.

        Args:
            frames: Number of frames T of the recording.
            fps: Its frames per second.
            img_shape: Height and width of its image, if known.
            rate: Frames per second of the file, if it counts those of a video with
                another rate.

        Raises:
            UserError: If objects are found after the end of the recording, the same
                one twice in a frame, or far too many; or if they are fractions of an
                image of unknown size.
        """
        if rate is None or math.isclose(rate, fps, rel_tol=1e-3):
            rate = fps
        length = max(1, round(frames * rate / fps))
        kinds = self._parts(rate, img_shape)
        self._check_crowds(kinds)
        last = max((parts.begin.max() for parts in kinds.values()), default=0)
        if last >= length + max(_SECONDS * rate, _PART * length):
            raise UserError(
                f'{self.file(last)}: has objects in frame {last:g}, but the recording '
                f'{self.name} has {length} frames; give the objects of this recording.'
            )
        instances = [
            (kind, name, parts)
            for kind, own in kinds.items()
            for name, parts in own.instances(kind)
        ]
        points = sum(parts.points.shape[1] for *_, parts in instances)
        seen = sum(parts.score.size for parts in kinds.values())
        if 12 * points * length > max(_FREE, _RATIO * 12 * seen):
            raise UserError(
                f'{self.source}: {len(instances)} objects in {length} frames would '
                f'take {in_words(12 * points * length)}; keep fewer kinds '
                '(--object-kinds), or only those of a higher score (--object-thr).'
            )
        steps = (np.arange(frames) + 0.5) * (rate / fps)
        rows = np.minimum(steps.astype(int), length - 1)
        return [
            _instance(kind, name, parts, length, rows, self.file)
            for kind, name, parts in instances
        ]

    def _check_crowds(self, kinds: Mapping[str, _Parts]) -> None:
        for kind, parts in kinds.items():
            frame, crowd = Counter(parts.begin.tolist()).most_common(1)[0]
            if crowd > _CROWD:
                what = f'the number of {kind!r} in frame {frame}'
                remedy = 'keep those of a higher score (--object-thr)'
                raise misfit(self.file(frame), what, crowd, f'up to {_CROWD}', remedy)

    def _parts(
        self, rate: float, img_shape: tuple[int, int] | None
    ) -> dict[str, _Parts]:
        """Return the objects of each kind, in frames and pixels."""
        if self.is_relative and img_shape is None:
            raise UserError(
                f'{self.source}: places are fractions of the image, whose size is '
                'unknown; give it (--size, or img_shape in Python), or the video.'
            )
        factor = rate if self.in_seconds else 1
        scale = img_shape[::-1] if self.is_relative and img_shape else (1, 1)
        return {
            kind: _Parts.of([o for o in self.found if o.kind == kind], factor, scale)
            for kind in self.kinds
        }


@dataclass(frozen=True)
class _Parts:
    """N objects of a kind, in pixels, in frames from ``begin`` (N,) to ``end`` (N,).

    Points are (N, P, 2), like those to which they have moved; scores are (N, P).
    """

    begin: np.ndarray
    end: np.ndarray
    points: np.ndarray
    moved: np.ndarray
    score: np.ndarray
    tracks: np.ndarray

    @classmethod
    def of(cls, own: Sequence[Found], factor: float, scale: tuple[int, int]) -> _Parts:
        """Return objects whose frames and points are multiplied by some numbers."""
        begin = np.round([factor * one.frame for one in own])
        end = [math.nan if one.end is None else factor * one.end for one in own]
        moved = [one.points if one.moved is None else one.moved for one in own]
        return cls(
            begin.astype(int),
            # A frame at least, and without an end.
            np.fmax(np.round(end), begin + 1).astype(int),
            np.stack([one.points for one in own]) * scale,
            np.stack(moved) * scale,
            np.stack([np.full(len(one.points), one.score) for one in own]),
            np.array([one.track for one in own], object),
        )

    def instances(self, kind: str) -> Iterator[tuple[str, _Parts]]:
        """Yield the name of each instance, in order of appearance, and its parts."""
        names = _names(kind, self)
        places = {name: i for i, name in enumerate(dict.fromkeys(names))}
        owner = np.array([places[name] for name in names])
        order = np.lexsort((self.begin, owner))
        for name, rows in zip(places, _groups(owner, order), strict=True):
            yield name, _Parts(*(values[rows] for values in vars(self).values()))


def kinds_of(videos: Iterable[FoundObjects]) -> dict[str, list[str]]:
    """Return the names of the points of each kind, in order of appearance.

    Raises:
        UserError: If the objects of a kind have different points.
    """
    kinds: dict[str, list[str]] = {}
    for video in videos:
        for one in video.found:
            if kinds.setdefault(one.kind, [*one.names]) != [*one.names]:
                place = f'{video.file(one.frame)}: a {one.kind} in frame {one.frame:g}'
                expected = f'{", ".join(kinds[one.kind])} as in others of its kind'
                raise misfit(place, 'the names of points', one.names, expected)
    return kinds


def _groups(keys: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
    """Return the indices with each key, of ``order``, in which equal keys adjoin."""
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)


def _names(kind: str, parts: _Parts) -> list[str]:
    """Return the names of the instances of a kind, one for each of its objects."""
    if None not in parts.tracks.tolist():
        # Unique parts of DeepLabCut have one name; numbers of both are a coincidence.
        alone = None if kind.isdecimal() else kind
        return [kind if one == alone else f'{kind} {one}' for one in parts.tracks]
    links = OverlapLinks()
    boxes = np.concatenate([parts.points.min(axis=1), parts.points.max(axis=1)], 1)
    tracks = np.zeros(len(boxes), int)
    for rows in _groups(parts.begin, np.argsort(parts.begin, kind='stable')):
        tracks[rows] = links.link(int(parts.begin[rows[0]]), boxes[rows])
    # Tracks that are not there at the same time, nor soon after, share a number.
    first, last = np.full(links.count, np.inf), np.zeros(links.count)
    np.minimum.at(first, tracks, parts.begin)
    np.maximum.at(last, tracks, parts.begin)
    numbers = np.zeros(links.count, int)
    free: list[int] = []
    taken: list[tuple[float, int]] = []
    for track in np.argsort(first, kind='stable'):
        while taken and taken[0][0] + links.patience < first[track]:
            heappush(free, heappop(taken)[1])
        number = heappop(free) if free else len(taken) + 1
        numbers[track] = number
        heappush(taken, (last[track], number))
    return [f'{kind} {number}' for number in numbers[tracks]]


def _bounds(points: np.ndarray) -> np.ndarray:
    """Return x and y of the first and the last corner around points (P, 2)."""
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _instance(
    kind: str,
    name: str,
    parts: _Parts,
    length: int,
    rows: np.ndarray,
    file_of: Callable[[float], str],
) -> TrackedObject:
    """Return an instance from its parts, which follow each other, in the given rows."""
    begin, (count, number) = parts.begin, parts.score.shape
    if len(twice := np.flatnonzero(np.diff(begin) == 0)):
        frame = begin[twice[0]]
        raise UserError(
            f'{file_of(frame)}: {name} occurs twice in frame {frame}; give different '
            'objects different ids.'
        )
    # A part lasts until the next one. Frames after the last one are left out.
    until = np.minimum(parts.end, np.append(begin[1:], length)).clip(max=length)
    each = (until - begin).clip(min=0)
    part = np.arange(count).repeat(each)
    frames = np.arange(len(part)) + (begin - (each.cumsum() - each))[part]
    way = ((frames - begin[part]) / (parts.end - begin)[part])[:, None, None]
    points = np.zeros((length, number, 2), np.float32)
    score = np.zeros((length, number), np.float32)
    points[frames] = parts.points[part] + way * (parts.moved - parts.points)[part]
    score[frames] = parts.score[part]
    score = score[rows]
    lost = ~(np.isfinite(score) & (score > 0))
    points, score = np.where(lost[..., None], 0, points[rows]), np.where(lost, 0, score)
    return {'name': name, 'kind': kind, 'points': points, 'score': score}


def corners(
    left: float, top: float, right: float, bottom: float, degrees: float = 0
) -> np.ndarray:
    """Return the four corners of a box, turned clockwise about its middle, (4, 2).

    >>> corners(0, 0, 4, 2).tolist()
    [[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]]
    >>> corners(0, 0, 4, 2, 90).round(9).tolist()
    [[3.0, -1.0], [3.0, 3.0], [1.0, 3.0], [1.0, -1.0]]
    """
    box = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)
    if not degrees:
        return box
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    middle = box.mean(axis=0)
    return (box - middle) @ np.array([(cos, sin), (-sin, cos)]) + middle


def around(points: np.ndarray) -> np.ndarray:
    """Return the four corners of the box around points (P, 2), shape (4, 2)."""
    return corners(*_bounds(points))
