"""Segments in seconds, and their conversion to frame labels and back.

Frame i covers the time from i / fps to (i + 1) / fps, and has the label of the segment
that covers its middle. So a segment boundary at time t is before frame
ceil(t · fps - 1/2), and adjacent segments neither share a frame nor leave a gap. Frame
labels are recovered exactly at any frame rate, or below 1000 fps if times are rounded
to milliseconds.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from logging import WARNING
from math import ceil, nan
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mmskelseg_io.files.inputs import MOST_SECONDS, check_fps
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import (
    MOST_LETTERS,
    MOST_OF_CLASS,
    UserError,
    check_name,
    misfit,
    shown,
    unlike,
)
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.structures.segments import resolve_background, to_segments
from mmskelseg_io.structures.tiers import COLOR, Tier, class_name, label_rows

if TYPE_CHECKING:
    from pandas import DataFrame

# Labels may exceed the video by so many seconds, since the duration of a container
# rarely agrees with its number of frames.
_SLACK = 1.0
# Labels of people who went on coding end up to so many seconds after it.
_LATE = 5.0
# Up to so many unlabelled seconds at the end of a video get the last label;
# a single frame always does.
_END = 0.1
_OF_INDIVIDUALS = ('individual', 'target')
_REMARKS = ('modifiers', 'comment')
#: A key as BORIS names it.
KEY = re.compile(r'\S|F([1-9]|1[0-2])')
#: Names of classes in the order of their ids; of several tiers by their names.
Classes: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]


def by_tier(classes: Classes) -> Mapping[str, Sequence[str]]:
    """Return the classes of each tier; '' is the only tier of a list of classes."""
    return classes if isinstance(classes, Mapping) else {'': classes}


class NoLabelsError(UserError):
    """A file has no labels, but nothing in it is wrong."""


@dataclass(frozen=True)
class Segment:
    """One action of a video.

    Args:
        start: Seconds from the first frame.
        end: Seconds; the next segment may start there.
        label: Name of its class.
        score: Confidence of a prediction, 0 to 1.
        tier: Name of the tier; '' if the labels have only one.
        individual: Name of who does it; '' if the labels are of one individual.
        target: Name of the individual to whom it is done; '' if that is not known.
        modifiers: What BORIS calls so, those of several sets separated by ``|``.
        comment: A remark of who labelled it.
    """

    start: float
    end: float
    label: str
    score: float | None = None
    tier: str = ''
    individual: str = ''
    target: str = ''
    modifiers: str = ''
    comment: str = ''

    @property
    def is_point(self) -> bool:
        """Whether it is a point event: a moment, without a duration."""
        return self.start == self.end

    @property
    def name(self) -> str:
        """The name of its class among those of all tiers."""
        return class_name(self.label, self.tier)

    def fields(self) -> dict[str, object]:
        """Return what it consists of, with texts that are not empty."""
        optional = ('tier', *_OF_INDIVIDUALS, *_REMARKS)
        return {k: v for k, v in vars(self).items() if v or k not in optional}

    def __str__(self) -> str:
        return f'{self.name!r} ({self.start:.3f} to {self.end:.3f} s)'


@dataclass(frozen=True)
class ClassInfo:
    """What a tool states of a class.

    Args:
        tier: '' if there is only one.
        key: The key that labels it, a character or F1 to F12.
        color: Such as ``#0072b2``.
        group: Its category, if that is no tier.
        kind: ``state``, or ``point`` for what happens at a moment.
    """

    name: str
    tier: str = ''
    key: str = ''
    color: str = ''
    description: str = ''
    group: str = ''
    kind: str = 'state'

    def check(self, place: str) -> None:
        """Raise a UserError for a value that cannot be used; messages begin so."""
        if not self.name:
            raise UserError(f'{place}a class is called {self.name!r}; give it a name.')
        what = f'{place}the class {shown(self.name)}, its'
        for key, text in vars(self).items():
            most = MOST_OF_CLASS if key == 'name' else MOST_LETTERS
            check_name(text, f'{what} {key}', most)
        if self.kind not in ('state', 'point'):
            raise UserError(unlike(f'{what} kind', self.kind, 'state or point'))
        if self.key and not KEY.fullmatch(self.key):
            raise UserError(
                unlike(f'{what} key', self.key, 'a character, or F1 to F12')
            )
        if self.color and not COLOR.fullmatch(self.color):
            raise UserError(unlike(f'{what} color', self.color, 'one like #0072b2'))


@dataclass(frozen=True)
class Ethogram:
    """What a tool states about classes, in its order.

    Args:
        classes: What it states of each.
        categories: The category of each class; '' is none.
        excluded: The classes that each class excludes; {} if the tool states none.
        subjects: Names of individuals.
    """

    categories: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    subjects: frozenset[str] = frozenset()
    classes: Sequence[ClassInfo] = ()

    @classmethod
    def of(cls, tiers: Iterable[Tier]) -> 'Ethogram':
        """Return what tiers state of their classes."""
        return cls(
            classes=[
                ClassInfo(name, tier.name, color=tier.colors.get(name, ''))
                for tier in tiers
                for name in tier.classes
            ]
        )

    def info(self, name: str, tier: str) -> ClassInfo:
        """Return what is stated of a class, or else its name alone."""
        own = (one for one in self.classes if (one.name, one.tier) == (name, tier))
        return next(own, ClassInfo(name, tier))


def painted(tiers: Iterable[Tier], infos: Iterable[ClassInfo]) -> list[Tier]:
    """Return tiers with the colors that files state of classes, first ones first.

    What states no tier is of any.
    """
    stated: dict[tuple[str, str], str] = {}
    for one in infos:
        if one.color:
            stated.setdefault((one.tier, one.name), one.color)
    found = []
    for tier in tiers:
        colors = {
            name: color
            for name in tier.classes
            for color in [stated.get((tier.name, name)) or stated.get(('', name))]
            if color
        }
        found.append(replace(tier, colors=colors))
    return found


@dataclass(frozen=True)
class VideoSegments:
    """The segments of one video, as in a label file.

    Args:
        name: The video's id; readers take the name of the media file, without folder
            and suffix.
        segments: The segments of all tiers, in temporal order.
        fps: Frames per second, if the file states it; needed to write frame numbers.
        num_frames: Number of frames T; needed to write the video's duration.
        filename: The media file, as the other tool refers to it.
        marks: Intervals to point out to the user; the label of each says why. Readers
            do not take them for actions.
        ethogram: What the file states about its classes, beyond their tiers.
        duration: Seconds that the video lasts, if the file states it.
        rests: Tiers and names of the background classes that the file states.
    """

    name: str
    segments: Sequence[Segment]
    fps: float | None = None
    num_frames: int | None = None
    filename: str | None = None
    marks: Sequence[Segment] = ()
    ethogram: Ethogram | None = None
    duration: float | None = None
    rests: Sequence[tuple[str, str]] = ()

    @property
    def seconds(self) -> float | None:
        """How long it lasts, by its frames or else as stated; None if not known."""
        if self.num_frames and self.fps:
            return self.num_frames / self.fps
        return self.duration

    def needed_frames(self) -> tuple[float, int]:
        """Return its frame rate and number of frames.

        Raises:
            UserError: If it lacks either.
        """
        place = f'video {self.name!r}'
        if self.num_frames is None:
            raise UserError(f'{place}: num_frames is missing, but needed; give it.')
        return check_fps(self.fps, place), self.num_frames


class LabelledVideos(list[VideoSegments]):
    """The videos of a label file."""

    def to_dataframe(self) -> 'DataFrame':
        """Return a row for each segment; see :func:`segment_columns`.

        Raises:
            DependencyError: If pandas is not installed.
        """
        return dataframe(segment_columns(self))


def dataframe(columns: Mapping[str, Sequence]) -> 'DataFrame':
    """Return columns as a ``pandas.DataFrame``; pandas is optional."""
    return import_optional('pandas', 'A DataFrame').DataFrame(columns)


def segment_columns(videos: Iterable[VideoSegments]) -> dict[str, list]:
    """Return the columns of a table with a row for each segment.

    They are video, start, end, label and score; NaN is no score. If segments have
    individuals, targets, tiers, modifiers or comments, so has the table.
    """
    rows = [(video.name, segment) for video in videos for segment in video.segments]
    columns: dict[str, list] = {'video': [name for name, _ in rows]}

    def add(*names: str, is_optional: bool = True) -> None:
        for name in names:
            values = [getattr(one, name) for _, one in rows]
            if any(values) or not is_optional:
                columns[name] = values

    add(*_OF_INDIVIDUALS, 'tier')
    add('start', 'end', 'label', is_optional=False)
    columns['score'] = [nan if one.score is None else one.score for _, one in rows]
    add(*_REMARKS)
    return columns


def frame_at(seconds: float, fps: float) -> int:
    """Return the first frame whose middle is not before a time in seconds.

    >>> frame_at(2.0, 30), frame_at(2.016, 30), frame_at(2.017, 30)
    (60, 60, 61)
    """
    return ceil(seconds * fps - 0.5)


def labels_to_segments(
    label: np.ndarray,
    fps: float,
    classes: Sequence[str],
    score: np.ndarray | None = None,
) -> list[Segment]:
    """Return the runs of equal labels as segments, leaving out runs of -1.

    Args:
        label: Class id of each frame, shape (T,).
        fps: Frames per second of the labels.
        classes: Name of each id.
        score: Probabilities, shape (K, T). A segment's confidence is the mean, over
            its frames, of the probability of its class.

    Raises:
        ValueError: If an id is not a class, or shapes do not fit.

    >>> found = labels_to_segments(np.array([0, 0, 1, -1]), 2, ['walk', 'lift'])
    >>> [(segment.label, segment.start, segment.end) for segment in found]
    [('walk', 0.0, 1.0), ('lift', 1.0, 1.5)]
    """
    fps = check_fps(fps, 'labels')
    if score is not None and score.shape != (len(classes), len(label)):
        expected = f'(classes, frames) {(len(classes), len(label))}'
        raise UserError(unlike('score', score, expected))
    segments = []
    for start, end, k in to_segments(label):
        if not 0 <= k < len(classes):
            expected = f'an id from 0 to {len(classes) - 1}, or -1 for none'
            raise UserError(unlike(f'label in frame {start}', k, expected))
        mean = None if score is None else float(score[k, start:end].mean())
        segments.append(Segment(start / fps, end / fps, classes[k], mean))
    return segments


def segments_to_labels(
    segments: Iterable[Segment],
    num_frames: int,
    fps: float,
    classes: Sequence[str],
    *,
    missing: str = 'error',
    overlap: str = 'error',
    background: str | int | None = None,
    video: str = '',
) -> np.ndarray:
    """Return the class id of each frame, shape (T,), int64.

    Args:
        segments: The segments, in any order.
        num_frames: Number of frames T.
        fps: Frames per second of the resulting labels, which may differ from that of
            the labelling tool.
        classes: Names in the order of ids.
        missing: How to treat frames without a segment: as an ``error``, as
            ``background``, or as ``unlabelled`` (-1). A gap of at most 0.1 s or one
            frame at the end is no error: it gets the last label.
        overlap: How to treat frames with segments of two classes: as an ``error``, as
            ``background``, or as the ``later`` segment, the one that starts last.
        background: Name or id of the background class.
        video: Name of the video in messages.

    Raises:
        ValueError: If a label is not a class, if a segment exceeds the video by more
            than a second, or for missing and overlapping segments if they are errors.
    """
    place = f'video {video!r}' if video else 'segments'
    fps = check_fps(fps, place)
    _check_option('missing', missing, 'unlabelled', background, place)
    _check_option('overlap', overlap, 'later', background, place)
    other = resolve_background(background, classes)
    fill = -1 if other is None else other
    ordered = sorted(segments, key=lambda segment: (segment.start, segment.end))
    label, owner, clash = _placed(ordered, num_frames, fps, classes, overlap, place)
    if overlap == 'background':
        label[clash] = fill
    if missing == 'error':
        _extend_last(label, fps, place)
    gaps = label == -1
    if missing == 'error' and gaps.any():
        raise UserError(f'{place}: {_first_gap(gaps, ordered, owner, fps)}')
    if missing == 'background':
        label[gaps] = fill
    return label


def tiers_to_segments(
    label: np.ndarray,
    fps: float,
    tiers: Sequence[Tier],
    score: np.ndarray | None = None,
) -> list[Segment]:
    """Return the segments of all tiers in temporal order; see labels_to_segments.

    Args:
        label: Class ids within each tier, shape (tiers, T); (T,) if there is only one.
        fps: Frames per second of the labels.
        tiers: The tiers, of :func:`~mmskelseg_io.structures.tiers.tiers_of`.
        score: Probabilities, shape (K, T), which follow the tiers.
    """
    segments = [
        replace(segment, tier=tier.name)
        for tier, row in zip(tiers, label_rows(label), strict=True)
        for segment in labels_to_segments(
            row, fps, tier.classes, None if score is None else score[tier.rows]
        )
    ]
    return sorted(segments, key=lambda segment: segment.start)


def segments_to_tiers(
    segments: Iterable[Segment],
    num_frames: int,
    fps: float,
    tiers: Sequence[Tier],
    *,
    missing: str | Mapping[str, str] = 'error',
    overlap: str = 'error',
    video: str = '',
) -> np.ndarray:
    """Return class ids within each tier, (tiers, T), or (T,) of one without a name.

    For the options, see :func:`segments_to_labels`; ``missing`` may be that of each
    tier by its name.

    Raises:
        ValueError: If a segment has another tier, or if its tier cannot be labelled.
    """
    of_tiers: dict[str, list[Segment]] = {tier.name: [] for tier in tiers}
    for segment in segments:
        if segment.tier not in of_tiers:
            expected = f'one of {", ".join(map(repr, of_tiers))}'
            what = f'{segment}, its tier,'
            raise misfit(f'video {video!r}', what, segment.tier, expected, 'rename it')
        of_tiers[segment.tier].append(segment)
    rows = [
        segments_to_labels(
            of_tiers[tier.name],
            num_frames,
            fps,
            tier.classes,
            missing=missing if isinstance(missing, str) else missing[tier.name],
            overlap=overlap,
            background=tier.background,
            video=f'{video}, tier {tier.name}' if tier.name else video,
        )
        for tier in tiers
    ]
    return np.stack(rows) if tiers[0].name else rows[0]


def _extend_last(label: np.ndarray, fps: float, place: str) -> None:
    """Extend the last label to the end if it ends shortly before."""
    gaps = label == -1
    count = int(gaps.sum())
    is_short = 0 < count < gaps.size and count <= max(_END * fps, 1)
    if is_short and gaps[-count:].all():
        print_log(
            f'{place}: the last label ends {count / fps:.3f} s before the video, and '
            'is extended to the end.',
            WARNING,
        )
        label[gaps] = label[~gaps][-1]


def _placed(
    ordered: Sequence[Segment],
    num_frames: int,
    fps: float,
    classes: Sequence[str],
    overlap: str,
    place: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return class and segment of each frame (-1: none), and where classes overlap."""
    label = np.full(num_frames, -1, np.int64)
    owner = np.full(num_frames, -1)
    clash = np.zeros(num_frames, bool)
    short = []
    for i, segment in enumerate(ordered):
        check_segment(segment, num_frames / fps, classes, place)
        start, end = (
            min(max(frame_at(time, fps), 0), num_frames)
            for time in (segment.start, segment.end)
        )
        if start >= end:
            short.append(segment)
            continue
        k = classes.index(segment.label)
        taken = (label[start:end] != -1) & (label[start:end] != k)
        if taken.any() and overlap == 'error':
            first = start + np.flatnonzero(taken)
            raise UserError(
                f'{place}: {ordered[owner[first[0]]]} and {segment} overlap from '
                f'{first[0] / fps:.3f} to {(first[-1] + 1) / fps:.3f} s; correct one '
                'of them, put them into different tiers (--tiers), or choose --overlap '
                'later or --overlap background.'
            )
        clash[start:end] |= taken
        label[start:end], owner[start:end] = k, i
    if short:
        print_log(
            f'{place}: {short[0]} covers no frame, the first of {len(short)} such '
            'segments; they are left out.',
            WARNING,
        )
    return label, owner, clash


def make_segment(
    place: str,
    start: float,
    end: float,
    label: object,
    score: float | None = None,
    **texts: str,
) -> Segment:
    """Return a segment, after checking its texts, its times and their order."""
    if max(abs(start), abs(end)) > MOST_SECONDS:
        what, times = f'the time of {shown(label)}', (f'{start:g}', f'{end:g}')
        raise misfit(place, what, times, 'seconds, of a recording of up to ten years')
    if not isinstance(label, str) or not label.strip():
        what = f'the label from {start:.3f} to {end:.3f} s'
        raise misfit(place, what, label, 'the name of a class')
    for what, name in (('label', label.strip()), *texts.items()):
        most = MOST_OF_CLASS if what == 'label' else MOST_LETTERS
        check_name(name, f'{place}: the {what} from {start:.3f} to {end:.3f} s', most)
    if end < start:
        raise UserError(
            f'{place}: {label.strip()!r} starts at {start:.3f} s and ends at '
            f'{end:.3f} s; swap the two.'
        )
    return Segment(start, end, label.strip(), score, **texts)


def sorted_videos(
    videos: Iterable[VideoSegments], path: FilePath
) -> list[VideoSegments]:
    """Return the videos, of different names, with segments in temporal order.

    Raises:
        NoLabelsError: If none has segments.
    """
    found: dict[str, VideoSegments] = {}
    for video in videos:
        if video.name in found:
            raise UserError(
                f'{path}: the video {video.name!r} is labelled twice; give each its '
                'own name.'
            )
        ordered = sorted(video.segments, key=lambda item: (item.start, item.end))
        found[video.name] = replace(video, segments=ordered)
    if not any(video.segments for video in found.values()):
        raise NoLabelsError(f'{path}: no video in it has a label; label one first.')
    return list(found.values())


def _check_option(
    name: str, value: str, third: str, background: str | int | None, place: str
) -> None:
    if value not in ('error', 'background', third):
        raise misfit(place, name, value, f'error, background or {third}')
    if value == 'background' and background is None:
        raise UserError(
            f'{place}: {name} is background, but no background class is named; name it '
            'by --background.'
        )


def clip_segments(
    segments: Iterable[Segment], duration: float, *, anyhow: bool = False
) -> tuple[list[Segment], int]:
    """Return segments up to the end of a recording, and how many are cut there.

    Those are cut that end over a second after it; what ends over five seconds after it
    may be of another recording, and is left to :func:`check_segment` unless ``anyhow``.

    >>> kept, count = clip_segments([Segment(0, 12, 'a'), Segment(11, 12, 'b')], 10)
    >>> [str(one) for one in kept], count
    (["'a' (0.000 to 10.000 s)"], 2)
    """
    kept, count = [], 0
    for one in segments:
        late = one.end - duration
        if late <= _SLACK or (late > _LATE and not anyhow):
            kept.append(one)
            continue
        count += 1
        if one.start < duration:
            kept.append(replace(one, end=duration))
    return kept, count


def check_segment(
    segment: Segment, duration: float, classes: Sequence[str], place: str
) -> None:
    """Raise a UserError for an unknown class, or over a second outside of the video."""
    if segment.label not in classes:
        raise UserError(
            f'{place}: {segment} is not one of the {len(classes)} classes '
            f'{", ".join(classes)}; correct its name, or add it to --classes.'
        )
    if segment.start < -_SLACK or segment.end > duration + _SLACK:
        raise UserError(
            f'{place}: {segment} is outside of the video, which lasts {duration:.3f} '
            's; give its own labels, correct fps, or cut the end by --clip-labels.'
        )


def _first_gap(
    gaps: np.ndarray, ordered: Sequence[Segment], owner: np.ndarray, fps: float
) -> str:
    start, end, _ = to_segments(np.where(gaps, 0, -1))[0]
    before = f'after {ordered[owner[start - 1]]}' if start else 'from the start'
    after = f'before {ordered[owner[end]]}' if end < gaps.size else 'to the end'
    count = int(gaps.sum())
    several = f'the first gap of {count} unlabelled frames; label them'
    what = several if count > 1 else 'the only unlabelled frame; label it'
    remedy = '--unlabelled background (with --background) or --unlabelled ignore'
    if end == gaps.size:
        remedy += ', or correct the frame rate if labels end early in all videos'
    return (
        f'no label from {start / fps:.3f} to {end / fps:.3f} s, {before} and {after}, '
        f'{what}, or choose {remedy}.'
    )
