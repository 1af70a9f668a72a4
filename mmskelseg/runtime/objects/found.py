"""Objects as files have them, and as they become instances of kinds in all frames."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmskelseg.runtime.files.inputs import in_words
from mmskelseg.runtime.messages.errors import UserError, check_name, shown
from mmskelseg.runtime.poses.tracking import OverlapLinks
from mmskelseg.runtime.structures.objects import BOX, TrackedObject

# Objects may be found for this many seconds, or this part, after the last frame.
_SECONDS, _PART = 1.0, 0.1
# Bytes that objects may always take; above that, each must be seen in one of so many
# frames.
_FREE, _RATIO = 1 << 28, 50
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
    """

    name: str
    source: str
    found: Sequence[Found]
    is_relative: bool = False
    in_seconds: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for kind, track in {(one.kind, one.track or '') for one in self.found}:
            check_name(kind, f'{self.source}: the name of a kind of objects')
            check_name(track, f'{self.source}: the name of a {kind}')
        places = np.concatenate([[0], *(one.points.ravel() for one in self.found)])
        # All at once, which is much faster. Comparisons with NaN are false.
        are_near = (np.abs(places) <= _FARTHEST).all()
        for one in self.found:
            is_near = are_near or (np.abs(one.points) <= _FARTHEST).all()
            if one.frame < 0 or not is_near:
                raise UserError(
                    f'{self.source}: a {one.kind} is in frame {one.frame:g} at '
                    f'{shown(one.points.tolist())}, expected a frame from 0 and '
                    f'points in pixels up to {_FARTHEST:g}; export it again.'
                )

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
                replace(one, kind=(kinds or {one.kind: one.kind})[one.kind])
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
        if self.is_relative and img_shape is None:
            raise UserError(
                f'{self.source}: places are fractions of the image, whose size is '
                'unknown; give it (--size, or img_shape in Python), or the video.'
            )
        if rate is None or math.isclose(rate, fps, rel_tol=1e-3):
            rate = fps
        length = max(1, round(frames * rate / fps))
        found = [self._in_frames(one, rate, img_shape) for one in self.found]
        last = max((one.frame for one in found), default=0)
        if last >= length + max(_SECONDS * rate, _PART * length):
            raise UserError(
                f'{self.source}: has objects in frame {last:g}, but the recording '
                f'{self.name} has {length} frames; give the objects of this recording.'
            )
        instances: dict[tuple[str, str], list[Found]] = {}
        for kind in self.kinds:
            own = [one for one in found if one.kind == kind]
            names = _names(own)
            for one, name in zip(own, names, strict=True):
                instances.setdefault((kind, name), []).append(one)
        points = sum(len(parts[0].points) for parts in instances.values())
        seen = sum(len(one.points) for one in found)
        if 12 * points * length > max(_FREE, _RATIO * 12 * seen):
            raise UserError(
                f'{self.source}: {len(instances)} objects in {length} frames would '
                f'take {in_words(12 * points * length)}; keep fewer kinds '
                '(--object-kinds), or only those of a higher score (--object-thr).'
            )
        steps = (np.arange(frames) + 0.5) * (rate / fps)
        rows = np.minimum(steps.astype(int), length - 1)
        return [
            _instance(kind, name, parts, length, rows, self.source)
            for (kind, name), parts in instances.items()
        ]

    def _in_frames(
        self, one: Found, rate: float, img_shape: tuple[int, int] | None
    ) -> Found:
        """Return an object with its frame, and in pixels."""
        factor = rate if self.in_seconds else 1
        frame, end = round(one.frame * factor), one.end
        end = frame + 1 if end is None else max(round(end * factor), frame + 1)
        scale = np.array(img_shape[::-1] if self.is_relative and img_shape else (1, 1))
        return replace(one, frame=frame, end=end, points=one.points * scale)


def kinds_of(videos: Iterable[FoundObjects]) -> dict[str, list[str]]:
    """Return the names of the points of each kind, in order of appearance.

    Raises:
        UserError: If the objects of a kind have different points.
    """
    kinds: dict[str, list[str]] = {}
    for video in videos:
        for one in video.found:
            if kinds.setdefault(one.kind, [*one.names]) != [*one.names]:
                raise UserError(
                    f'{video.source}: a {one.kind} in frame {one.frame:g} has the '
                    f'points {", ".join(one.names)}, another has '
                    f'{", ".join(kinds[one.kind])}; give them different kinds.'
                )
    return kinds


def _names(own: Sequence[Found]) -> list[str]:
    """Return the names of the instances of a kind, one for each of its objects."""
    kind = own[0].kind
    if all(one.track is not None for one in own):
        # Unique parts of DeepLabCut have one name; numbers of both are a coincidence.
        alone = None if kind.isdecimal() else kind
        return [kind if one.track == alone else f'{kind} {one.track}' for one in own]
    frames: dict[int, list[int]] = {}
    for i, one in enumerate(own):
        frames.setdefault(int(one.frame), []).append(i)
    links = OverlapLinks()
    tracks = np.zeros(len(own), int)
    for frame in sorted(frames):
        boxes = np.stack([_bounds(own[i].points) for i in frames[frame]])
        tracks[frames[frame]] = links.link(frame, boxes)
    # Tracks that are not there at the same time, nor soon after, share a number.
    ends: dict[int, int] = {}
    first, last = np.full(links.count, np.inf), np.zeros(links.count)
    for track, one in zip(tracks, own, strict=True):
        first[track] = min(first[track], one.frame)
        last[track] = max(last[track], one.frame)
    numbers = np.zeros(links.count, int)
    for track in np.argsort(first, kind='stable'):
        free = (n for n, end in ends.items() if first[track] > end + links.patience)
        number = next(free, len(ends) + 1)
        numbers[track], ends[number] = number, last[track]
    return [f'{kind} {numbers[track]}' for track in tracks]


def _bounds(points: np.ndarray) -> np.ndarray:
    """Return x and y of the first and the last corner around points (P, 2)."""
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _instance(
    kind: str, name: str, parts: Iterable[Found], length: int, rows: np.ndarray,
    source: str,
) -> TrackedObject:  # fmt: skip
    """Return an instance from its parts, which follow each other, in the given rows."""
    parts = sorted(parts, key=lambda one: one.frame)
    number = len(parts[0].points)
    points = np.zeros((length, number, 2), np.float32)
    score = np.zeros((length, number), np.float32)
    before = -1
    for one in parts:
        begin = int(one.frame)
        if begin == before:
            raise UserError(
                f'{source}: {name} occurs twice in frame {begin}; give different '
                'objects different ids.'
            )
        before = begin
        assert one.end is not None, 'objects in frames have one'
        count = int(one.end) - begin
        # Frames after the last one are left out.
        end = min(begin + count, length)
        way = (np.arange(begin, max(begin, end)) - begin)[:, None, None] / count
        moved = one.points if one.moved is None else one.moved
        points[begin:end] = one.points + way * (moved - one.points)
        score[begin:end] = one.score
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
