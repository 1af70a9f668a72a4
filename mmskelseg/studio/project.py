"""The project of a folder: classes, labels and their history, in one file."""

import json
import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_hex
from threading import RLock

import numpy as np

from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.files.parsing import check_shape, read_json
from mmskelseg.runtime.labels import VideoSegments, frame_at
from mmskelseg.runtime.labels.segments import Classes, Segment
from mmskelseg.runtime.messages.errors import UserError, check_name, reads_file, shown
from mmskelseg.runtime.structures.segments import IGNORED
from mmskelseg.runtime.structures.tiers import labelled_frames

#: First frame, end (exclusive) and class, which is -1 where no class shall be learnt.
LabelSegment = tuple[int, int, int]
_FORMAT = 1
_REMEDY = 'restore it from a backup, or move it away to begin anew'
_SHAPE = {
    'format': int,
    'id': str,
    'tiers': [{'name': str, 'classes': [str], 'background?': int}],
    'recordings': {...: {'frames': int, 'fps': (int, float), 'labels': [[[int]]]}},
    'history': [
        {
            'recording': str, 'tier': int, 'start': int, 'end': int,
            'before': [[int]], 'after': [[int]],
        }
    ],
    'undone': int,
}  # fmt: skip


class OutdatedError(UserError):
    """A change refers to labels that have changed since."""


@dataclass
class LabelTier:
    """A tier: its name ('' for the only one), classes, and the background's id."""

    name: str
    classes: list[str]
    background: int | None = None


@dataclass
class LabelledRecording:
    """The labels of a recording, by tier; they are sorted and do not overlap."""

    frames: int
    fps: float
    labels: list[list[LabelSegment]]


@dataclass
class Change:
    """Segments of a tier, between two frames, and what a change replaced them by."""

    recording: str
    tier: int
    start: int
    end: int
    before: list[LabelSegment]
    after: list[LabelSegment]


@dataclass
class Project:
    """Classes and labels, which are written whole after each change.

    The file holds all changes ever made, so that each can be undone, even after the
    program was killed.

    Attributes:
        path: The file.
        tiers: At least one.
        id: Tells it from others in the same folder, whose classes may be other ones.
        history: All changes, the oldest first.
        undone: How many of the last changes are undone.
        revision: Counts the changes of this session, so that windows notice others.
    """

    path: Path
    tiers: list[LabelTier]
    id: str = field(default_factory=lambda: token_hex(4))
    recordings: dict[str, LabelledRecording] = field(default_factory=dict)
    history: list[Change] = field(default_factory=list)
    undone: int = 0
    revision: int = 0
    lock: RLock = field(default_factory=RLock, repr=False)

    def add_recording(
        self, name: str, frames: int, fps: float, segments: Iterable[Segment] = ()
    ) -> None:
        """Add a recording with the labels that it has, if any."""
        labels: list[list[LabelSegment]] = [[] for _ in self.tiers]
        self.recordings[name] = LabelledRecording(frames, fps, labels)
        for segment in sorted(segments, key=lambda one: one.start):
            tier = self._tier_of(segment)
            kind = self.tiers[tier].classes.index(segment.label)
            start, end = (
                min(max(frame_at(t, fps), 0), frames)
                for t in (segment.start, segment.end)
            )
            if start < end:
                row = labels[tier]
                labels[tier] = replaced(row, start, end, [(start, end, kind)])

    def _tier_of(self, segment: Segment) -> int:
        """Return the index of a segment's tier, which gets the class if it lacks it.

        Labels that state no tier belong to the one that has their class.
        """
        names = [tier.name for tier in self.tiers]
        having = [i for i, one in enumerate(self.tiers) if segment.label in one.classes]
        if segment.tier in names:
            found = names.index(segment.tier)
        else:
            found = having[0] if having else 0
        if segment.label not in self.tiers[found].classes:
            self.tiers[found].classes.append(segment.label)
        return found

    def replace(
        self,
        recording: str,
        tier: int,
        start: int,
        end: int,
        segments: Sequence[LabelSegment],
        revision: int,
    ) -> Change:
        """Replace the labels between two frames, and save.

        Segments that reach in from outside are cut off. What was undone can then no
        longer be redone.

        Raises:
            OutdatedError: If labels or classes have changed since the revision.
            UserError: If the segments do not fit.
        """
        with self.lock:
            self._check_revision(revision)
            known = self.recordings[recording]
            self._check_tier(tier)
            if not 0 <= start < end <= known.frames:
                raise UserError(
                    f'start and end are {start} and {end}, expected frames from 0 to '
                    f'{known.frames}.'
                )
            _check_segments(segments, start, end, len(self.tiers[tier].classes))
            row = known.labels[tier]
            before = [one for one in row if one[0] < end and one[1] > start]
            # Whole segments, so that what is cut in two is whole again when undone.
            first = min([start, *(one[0] for one in before)])
            last = max([end, *(one[1] for one in before)])
            after = replaced(before, start, end, segments)
            change = Change(recording, tier, first, last, before, after)
            with self._saving(recording):
                del self.history[len(self.history) - self.undone :]
                self.history.append(change)
                self.undone = 0
                known.labels[tier] = replaced(row, first, last, after)
            return change

    @contextmanager
    def _saving(self, recording: str | None = None) -> Iterator[None]:
        """Save what the block changes; if that fails, change nothing.

        The block may change classes, the history, and the labels of the recording.
        """
        history, undone, tiers = [*self.history], self.undone, deepcopy(self.tiers)
        labels = [*self.recordings[recording].labels] if recording else []
        try:
            yield
            self.save()
            self.revision += 1
        except BaseException:
            self.history, self.undone, self.tiers = history, undone, tiers
            if recording:
                self.recordings[recording].labels = labels
            raise

    def _check_tier(self, tier: int) -> None:
        if not 0 <= tier < len(self.tiers):
            raise UserError(f'tier is {tier}, expected 0 to {len(self.tiers) - 1}.')

    def undo(self, revision: int) -> Change:
        """Undo the last change, and save; see :meth:`replace`."""
        return self._step(revision, forwards=False)

    def redo(self, revision: int) -> Change:
        """Redo the change that was undone last, and save; see :meth:`replace`."""
        return self._step(revision, forwards=True)

    def _step(self, revision: int, forwards: bool) -> Change:
        with self.lock:
            self._check_revision(revision)
            place = len(self.history) - self.undone - (not forwards)
            if not 0 <= place < len(self.history):
                raise UserError(f'There is nothing to {"re" if forwards else "un"}do.')
            change = self.history[place]
            row = self.recordings[change.recording].labels[change.tier]
            segments = change.after if forwards else change.before
            with self._saving(change.recording):
                self.recordings[change.recording].labels[change.tier] = replaced(
                    row, change.start, change.end, segments
                )
                self.undone += -1 if forwards else 1
            return change

    def name_class(
        self, tier: int, name: str, revision: int, kind: int | None = None
    ) -> None:
        """Add a class to a tier, or rename one, and save.

        Raises:
            UserError: If the name is empty, or another class of the tier has it.
        """
        with self.lock:
            self._check_revision(revision)
            name = name.strip()
            check_name(name, 'The name of a class')
            self._check_tier(tier)
            classes = self.tiers[tier].classes
            if not name or name in classes:
                what = 'empty' if not name else f'{name!r}, which is there already'
                raise UserError(f'The name of the class is {what}; choose another.')
            if kind is not None and not 0 <= kind < len(classes):
                raise UserError(f'class is {kind}, expected 0 to {len(classes) - 1}.')
            with self._saving():
                if kind is None:
                    classes.append(name)
                else:
                    classes[kind] = name

    def _check_revision(self, revision: int) -> None:
        if revision != self.revision:
            raise OutdatedError('The labels have changed in another window.')

    def save(self) -> None:
        """Write the file as a whole, so that even a power cut loses nothing."""
        content = {
            'format': _FORMAT,
            'id': self.id,
            'tiers': [asdict(tier) for tier in self.tiers],
            'recordings': {n: vars(known) for n, known in self.recordings.items()},
            'history': [vars(change) for change in self.history],
            'undone': self.undone,
        }
        text = json.dumps(content, ensure_ascii=False, separators=(',', ':'))
        atomic_write_text(self.path, text)
        if os.name != 'nt':
            # The new name of the file must reach the disk, too.
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                # Some disks of networks refuse it.
                with suppress(OSError):
                    os.fsync(folder)
            finally:
                os.close(folder)

    @property
    def can_undo(self) -> bool:
        """Whether a change can be undone."""
        return self.undone < len(self.history)

    @property
    def can_redo(self) -> bool:
        """Whether a change was undone."""
        return self.undone > 0

    @property
    def classes(self) -> Classes:
        """The classes, by tiers if there are several."""
        tiers = {tier.name: tier.classes for tier in self.tiers}
        return tiers if len(tiers) > 1 else self.tiers[0].classes

    def frame_labels(self, name: str) -> np.ndarray:
        """Return the class id of each frame, (T,), or (tiers, T) of several; -1: none.

        Adjacent segments of a class become one.
        """
        known = self.recordings[name]
        label = np.full((len(self.tiers), known.frames), IGNORED, np.int64)
        for row, segments in zip(label, known.labels, strict=True):
            for start, end, kind in segments:
                row[start:end] = kind
        return label if len(self.tiers) > 1 else label[0]

    def labelled_seconds(self, name: str) -> float:
        """Return how long a class is known in at least one tier."""
        labelled = labelled_frames(self.frame_labels(name))
        return float(labelled.sum() / self.recordings[name].fps)

    def segments(self, name: str, filename: str | None = None) -> VideoSegments:
        """Return the labels of a recording, to be written by other tools' formats."""
        known = self.recordings[name]
        segments = [
            Segment(start / known.fps, end / known.fps, tier.classes[kind], tier=named)
            for tier, row in zip(self.tiers, known.labels, strict=True)
            for named in [tier.name if len(self.tiers) > 1 else '']
            for start, end, kind in row
            if kind != IGNORED
        ]
        return VideoSegments(
            name,
            sorted(segments, key=lambda one: one.start),
            known.fps,
            known.frames,
            filename,
        )


def load_project(path: Path) -> Project:
    """Return the project in a file.

    Raises:
        UserError: If it is no project, or an inconsistent one.
    """
    content = read_json(path, 'a copy of it')
    if not isinstance(content, Mapping) or content.get('format') != _FORMAT:
        raise UserError(
            f'{path}: is no project of this version of `mmskelseg studio`; move it '
            'away, or update mmskelseg.'
        )
    check_shape(content, _SHAPE, str(path), _REMEDY)
    return _project(path, content)


@reads_file
def _project(path: Path, content: Mapping) -> Project:
    tiers = [LabelTier(**tier) for tier in content['tiers']]
    for tier in tiers:
        if not 0 <= (tier.background or 0) < max(len(tier.classes), 1):
            raise UserError(
                f'{path}: tier {tier.name!r} has {len(tier.classes)} classes, but '
                f'background is {tier.background}; {_REMEDY}.'
            )
    recordings = {}
    for name, known in content['recordings'].items():
        place = f'{path}: recording {name!r}'
        if (
            known['frames'] < 1
            or known['fps'] <= 0
            or len(known['labels']) != len(tiers)
        ):
            raise UserError(
                f'{place} has {known["frames"]} frames, fps {known["fps"]}, and labels '
                f'of {len(known["labels"])} of {len(tiers)} tiers; {_REMEDY}.'
            )
        rows = [[_segment(one, place) for one in row] for row in known['labels']]
        for row, tier in zip(rows, tiers, strict=True):
            try:
                _check_segments(row, 0, known['frames'], len(tier.classes))
            except UserError as error:
                raise UserError(f'{place}: {error} {_REMEDY.capitalize()}.') from None
        recordings[name] = LabelledRecording(known['frames'], known['fps'], rows)
    history = []
    for entry in content['history']:
        if not 0 <= entry['tier'] < len(tiers):
            raise UserError(f'{path}: history has {shown(entry)}; {_REMEDY}.')
        place = f'{path}: history'
        parts = {k: [_segment(s, place) for s in entry[k]] for k in ('before', 'after')}
        history.append(Change(**{**entry, **parts}))
    undone = content['undone']
    if not 0 <= undone <= len(history):
        raise UserError(f'{path}: undone is {undone} of {len(history)}; {_REMEDY}.')
    done = len(history) - undone
    # Somebody may have removed a recording from the file.
    kept = [
        [c for c in part if c.recording in recordings]
        for part in (history[:done], history[done:])
    ]
    return Project(
        path, tiers, content['id'], recordings, [*kept[0], *kept[1]], len(kept[1])
    )


def _segment(values: Sequence[int], place: str) -> LabelSegment:
    if len(values) != 3:
        raise UserError(
            f'{place} has the segment {shown(values)}, expected start, end and class; '
            f'{_REMEDY}.'
        )
    return values[0], values[1], values[2]


def _check_segments(
    segments: Sequence[LabelSegment], start: int, end: int, classes: int
) -> None:
    """Raise a UserError unless segments are sorted, apart, and between two frames."""
    reached = start
    for first, last, kind in segments:
        if not (reached <= first < last <= end and IGNORED <= kind < classes):
            raise UserError(
                f'the segment {[first, last, kind]} does not fit: expected start and '
                f'end between {reached} and {end}, and a class from -1 to '
                f'{classes - 1}.'
            )
        reached = last


def replaced(
    row: Sequence[LabelSegment],
    start: int,
    end: int,
    segments: Sequence[LabelSegment],
) -> list[LabelSegment]:
    """Return sorted segments with others between two frames.

    >>> replaced([(0, 9, 1)], 3, 6, [(4, 5, 2)])
    [(0, 3, 1), (4, 5, 2), (6, 9, 1)]
    """
    first = bisect_left(row, start + 1, key=lambda one: one[1])
    last = max(first, bisect_left(row, end, key=lambda one: one[0]))
    touched = row[first:last]
    left = [(a, start, k) for a, b, k in touched[:1] if a < start]
    right = [(end, b, k) for a, b, k in touched[-1:] if b > end]
    return [*row[:first], *left, *segments, *right, *row[last:]]
