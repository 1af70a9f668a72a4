"""The project of a folder: classes, labels and their history, in one file."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_hex
from threading import RLock
from typing import Any

import numpy as np

from mmskelseg.runtime.labels import VideoSegments, frame_at
from mmskelseg.runtime.labels.segments import Classes, Segment
from mmskelseg.runtime.messages.errors import UserError, check_name
from mmskelseg.runtime.structures.segments import IGNORED
from mmskelseg.studio.journal import Journal

#: First frame, end (exclusive) and class, which is -1 where no class shall be learnt.
LabelSegment = tuple[int, int, int]
#: The format of the file that this module writes, and who can do so again.
FORMAT, TOOL = 1, 'a backup'


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
    """Classes and labels, whose file gets a line for each change.

    The file holds all changes ever made, so that each can be undone, even after the
    program was killed: its first line is the project as it was opened, and each further
    line a step since.

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

    def __post_init__(self) -> None:
        self._journal = Journal(self.path, TOOL)

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
            given = Change(recording, tier, start, end, [], [*segments])
            self.check_change(given)
            row = self.recordings[recording].labels[tier]
            before = [one for one in row if one[0] < end and one[1] > start]
            # Whole segments, so that what is cut in two is whole again when undone.
            first = min([start, *(one[0] for one in before)])
            last = max([end, *(one[1] for one in before)])
            after = replaced(before, start, end, segments)
            change = Change(recording, tier, first, last, before, after)
            self._save({'do': 'change', **vars(change)})
            return change

    def undo(self, revision: int) -> Change:
        """Undo the last change, and save; see :meth:`replace`."""
        return self._travel(revision, 'undo')

    def redo(self, revision: int) -> Change:
        """Redo the change that was undone last, and save; see :meth:`replace`."""
        return self._travel(revision, 'redo')

    def _travel(self, revision: int, step: str) -> Change:
        with self.lock:
            self._check_revision(revision)
            self.check_travel(step)
            self._save({'do': step})
            return self.history[len(self.history) - self.undone - (step == 'redo')]

    def name_class(
        self, tier: int, name: str, revision: int, kind: int | None = None
    ) -> None:
        """Add a class to a tier, or rename one, and save.

        Raises:
            UserError: If the name is empty, or another class of the tier has it.
        """
        with self.lock:
            self._check_revision(revision)
            self.check_class(tier, name.strip(), kind)
            self._save(
                {'do': 'name', 'tier': tier, 'name': name.strip(), 'class': kind}
            )

    def _check_revision(self, revision: int) -> None:
        if revision != self.revision:
            raise OutdatedError('The labels have changed in another window.')

    def check_change(self, change: Change) -> None:
        """Raise a UserError unless a change fits the recording and the classes."""
        self._check_tier(change.tier)
        frames = self.recordings[change.recording].frames
        start, end = change.start, change.end
        if not 0 <= start < end <= frames:
            raise UserError(
                f'start and end are {start} and {end}, expected frames from 0 to '
                f'{frames}.'
            )
        for segments in (change.before, change.after):
            check_segments(segments, start, end, len(self.tiers[change.tier].classes))

    def check_travel(self, step: str) -> None:
        """Raise a UserError unless there is something to `undo` or to `redo`."""
        if not (self.can_undo if step == 'undo' else self.can_redo):
            raise UserError(f'There is nothing to {step}.')

    def check_class(self, tier: int, name: str, kind: int | None) -> None:
        """Raise a UserError unless a class can be added, or given another name."""
        check_name(name, 'The name of a class')
        self._check_tier(tier)
        classes = self.tiers[tier].classes
        if not name or name in classes:
            what = 'empty' if not name else f'{name!r}, which is there already'
            raise UserError(f'The name of the class is {what}; choose another.')
        if kind is not None and not 0 <= kind < len(classes):
            raise UserError(f'class is {kind}, expected 0 to {len(classes) - 1}.')

    def _check_tier(self, tier: int) -> None:
        if not 0 <= tier < len(self.tiers):
            raise UserError(f'tier is {tier}, expected 0 to {len(self.tiers) - 1}.')

    def take(self, step: Mapping[str, Any]) -> None:
        """Carry out a step, a line of the file, that fits."""
        if step['do'] == 'name':
            classes = self.tiers[step['tier']].classes
            kind = len(classes) if step.get('class') is None else step['class']
            classes[kind : kind + 1] = [step['name']]
        elif step['do'] == 'change':
            given = {key: value for key, value in step.items() if key != 'do'}
            del self.history[len(self.history) - self.undone :]
            self.undone = 0
            self.history.append(Change(**given))
            self._put(self.history[-1], self.history[-1].after)
        elif step['do'] == 'undo':
            self.undone += 1
            change = self.history[-self.undone]
            self._put(change, change.before)
        else:
            change = self.history[-self.undone]
            self.undone -= 1
            self._put(change, change.after)

    def _put(self, change: Change, segments: Sequence[LabelSegment]) -> None:
        if known := self.recordings.get(change.recording):
            row = known.labels[change.tier]
            known.labels[change.tier] = replaced(
                row, change.start, change.end, segments
            )

    def _save(self, step: Mapping[str, Any]) -> None:
        """Write a step, and then carry it out: what cannot be written is no change."""
        self._journal.append(step, self._state)
        self.take(step)
        self.revision += 1

    def save(self) -> None:
        """Write the file as a whole."""
        self._journal.write(self._state())

    def _state(self) -> dict[str, Any]:
        return {
            'format': FORMAT,
            'id': self.id,
            'tiers': [asdict(tier) for tier in self.tiers],
            'recordings': {n: vars(known) for n, known in self.recordings.items()},
            'history': [vars(change) for change in self.history],
            'undone': self.undone,
        }

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

    def is_labelled(self, name: str) -> bool:
        """Return whether a class is known somewhere in a recording."""
        rows = self.recordings[name].labels
        return any(kind != IGNORED for row in rows for *_, kind in row)

    def labelled_seconds(self, name: str) -> float:
        """Return how long a class is known in at least one tier."""
        known, frames, reached = self.recordings[name], 0, 0
        # Without an array of all frames, whose number the file may overstate.
        for start, end, kind in sorted(one for row in known.labels for one in row):
            if kind != IGNORED:
                frames += max(end - max(start, reached), 0)
                reached = max(end, reached)
        return frames / known.fps

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


def check_segments(
    segments: Sequence[LabelSegment],
    start: int,
    end: int,
    classes: int,
    least: int = IGNORED,
) -> None:
    """Raise a UserError unless segments are sorted, apart, and between two frames."""
    reached = start
    for first, last, kind in segments:
        if not (reached <= first < last <= end and least <= kind < classes):
            raise UserError(
                f'the segment {[first, last, kind]} does not fit: expected start and '
                f'end between {reached} and {end}, and a class from {least} to '
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
