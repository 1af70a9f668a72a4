"""The project of a folder: classes, labels and their history, in one file."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from threading import RLock
from typing import Any, Literal, TypedDict

import numpy as np

from mmskelseg_io.files.typed import Rate
from mmskelseg_io.labels import VideoSegments, frame_at
from mmskelseg_io.labels.segments import Classes, ClassInfo, Ethogram, Segment
from mmskelseg_io.messages.errors import UserError, check_name, unlike
from mmskelseg_io.messages.options import Count
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_runtime.drawing.palette import REST, class_color
from mmskelseg_studio.ethogram import (
    Edit,
    LabelTier,
    add_infos,
    check_tiers,
    edited_tiers,
    points_tier,
    read_tiers,
)
from mmskelseg_studio.journal import Journal

#: First frame, end (exclusive) and class, which is -1 where no class shall be learnt;
#: then its modifiers and its comment, if it has either.
LabelSegment = tuple[int, int, int] | tuple[int, int, int, tuple[str, str]]
#: The format of files.
FORMAT = 2
#: Who can write a file again.
TOOL = 'a backup'


class Settled(TypedDict):
    """The disagreement with another observer that a change settles.

    That is its frames, and whose label was taken.
    """

    observer: str
    take: Literal['mine', 'theirs', 'undecided']
    start: int
    end: int


class OutdatedError(UserError):
    """A change refers to labels that have changed since."""


@dataclass
class LabelledRecording:
    """The labels of a recording, by tier; they are sorted and do not overlap."""

    frames: Count
    fps: Rate
    labels: list[list[LabelSegment]]


@dataclass
class Change:
    """Segments of a tier, between two frames, and what a change replaced them by.

    One that settles a disagreement, see :class:`Settled`, may replace them by the same.
    """

    recording: str
    tier: int
    start: int
    end: int
    before: list[LabelSegment]
    after: list[LabelSegment]
    settled: Settled | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what a file has of it."""
        return {key: value for key, value in vars(self).items() if value is not None}


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
        compared: The observers whose labels were shown in comparison with these.
        options: How files are read; see :class:`mmskelseg_studio.options.Options`.
    """

    path: Path
    tiers: list[LabelTier]
    id: str = field(default_factory=lambda: token_hex(4))
    recordings: dict[str, LabelledRecording] = field(default_factory=dict)
    history: list[Change | Edit] = field(default_factory=list)
    undone: int = 0
    revision: int = 0
    compared: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock, repr=False)

    def __post_init__(self) -> None:
        self._journal = Journal(self.path, TOOL)

    def add_recording(
        self, name: str, frames: int, fps: float, segments: Iterable[Segment] = ()
    ) -> None:
        """Add a recording with the labels that it has, if any."""
        segments = [*segments]
        states = {one for tier in self.states for one in tier.ids}
        points = any(one.is_point and one.label not in states for one in segments)
        if points and len(self.states) == len(self.tiers):
            self.tiers.append(points_tier([]))
            for known in self.recordings.values():
                known.labels.append([])
        labels: list[list[LabelSegment]] = [[] for _ in self.tiers]
        self.recordings[name] = LabelledRecording(frames, fps, labels)
        for segment in sorted(segments, key=lambda one: one.start):
            tier = self._tier_of(segment)
            note = segment.modifiers, segment.comment
            kind = self.tiers[tier].ids[segment.label]
            start, end = (
                min(max(frame_at(t, fps), 0), frames)
                for t in (segment.start, segment.end)
            )
            if self.tiers[tier].is_points:
                start = min(start, frames - 1)
                labels[tier].append(_labelled(start, start + 1, kind, *note))
            elif start < end:
                row = labels[tier]
                labels[tier] = replaced(
                    row, start, end, [_labelled(start, end, kind, *note)]
                )

    def _tier_of(self, segment: Segment) -> int:
        """Return the index of a segment's tier, which gets the class if it lacks it.

        Labels that state no tier belong to the one that has their class.
        """
        names = [tier.name for tier in self.tiers]
        having = [i for i, one in enumerate(self.tiers) if segment.label in one.ids]
        if segment.is_point and not having:
            having = [i for i, one in enumerate(self.tiers) if one.is_points]
        if segment.tier in names and not segment.is_point:
            found = names.index(segment.tier)
        else:
            found = having[0] if having else 0
        if segment.label not in self.tiers[found].ids:
            self.tiers[found] = self.tiers[found].with_class(segment.label)
        return found

    def replace(
        self,
        recording: str,
        tier: int,
        start: int,
        end: int,
        segments: Sequence[LabelSegment],
        revision: int,
        settled: Settled | None = None,
    ) -> Change:
        """Replace the labels between two frames, and save.

        Segments that reach in from outside are cut off. What was undone can then no
        longer be redone. ``settled`` is the disagreement that is settled by it.

        Raises:
            OutdatedError: If labels or classes have changed since the revision.
            UserError: If the segments do not fit.
        """
        with self.lock:
            self.check_revision(revision)
            given = Change(recording, tier, start, end, [], [*segments], settled)
            self.check_change(given)
            row = self.recordings[recording].labels[tier]
            before = [one for one in row if one[0] < end and one[1] > start]
            # Whole segments, so that what is cut in two is whole again when undone.
            first = min([start, *(one[0] for one in before)])
            last = max([end, *(one[1] for one in before)])
            after = replaced(before, start, end, segments)
            change = Change(recording, tier, first, last, before, after, settled)
            self._save({'do': 'change', **change.as_dict()})
            return change

    def undo(self, revision: int) -> Change | Edit:
        """Undo the last change, and save; see :meth:`replace`."""
        return self._travel(revision, 'undo')

    def redo(self, revision: int) -> Change | Edit:
        """Redo the change that was undone last, and save; see :meth:`replace`."""
        return self._travel(revision, 'redo')

    def _travel(self, revision: int, step: str) -> Change | Edit:
        with self.lock:
            self.check_revision(revision)
            self.check_travel(step)
            entry = self._entry(step)
            self._save({'do': step})
            return entry

    def edit(self, tiers: Any, revision: int) -> Edit:
        """Replace the ethogram by one that the page sends, and save.

        Labels of classes that are left out are kept, unseen, for when that is undone.
        If their tier is removed, they are deleted before, each recording's in a step.

        Raises:
            OutdatedError: If labels or classes have changed since the revision.
            UserError: If a value does not fit.
        """
        with self.lock:
            self.check_revision(revision)
            found = edited_tiers(self.tiers, tiers)
            for i in range(len(found), len(self.tiers)):
                # Those of deleted classes.
                for name, known in self.recordings.items():
                    if known.labels[i]:
                        self.replace(name, i, 0, known.frames, [], self.revision)
            return self._edit(found)

    def add_classes(
        self, infos: Sequence[ClassInfo], notes: list[str], revision: int
    ) -> Edit:
        """Add what a file states of classes, and save; see :func:`add_infos`.

        Raises:
            OutdatedError: If labels or classes have changed since the revision.
            UserError: If all of it is known.
        """
        with self.lock:
            self.check_revision(revision)
            found = add_infos(self.tiers, infos, notes)
            if found == self.tiers:
                raise UserError(f'It adds nothing. {"; ".join(notes)}'.strip())
            check_tiers(found)
            return self._edit(found)

    def _edit(self, tiers: Sequence[LabelTier]) -> Edit:
        edit = Edit(self.tiers, tiers)
        self._save({'do': 'edit', 'tiers': edit.as_dict()['after']})
        return edit

    def begin_comparison(self, observer: str) -> None:
        """Save that the labels of another observer are shown from now on."""
        with self.lock:
            if observer not in self.compared:
                self._save({'do': 'compare', 'observer': observer})

    def check_revision(self, revision: int) -> None:
        """Raise an OutdatedError if labels or classes have changed since."""
        if revision != self.revision:
            raise OutdatedError('The labels have changed in another window.')

    def check_change(self, change: Change, tiers: Sequence[LabelTier] = ()) -> None:
        """Raise a UserError unless a change fits the recording and the classes.

        ``tiers`` are those of its time, if others. Changes of recordings that are no
        longer there are forgotten.
        """
        if change.recording not in self.recordings:
            return
        tiers = tiers or self.tiers
        self.check_tier(change.tier, tiers)
        frames = self.recordings[change.recording].frames
        start, end = change.start, change.end
        if not 0 <= start < end <= frames:
            expected = f'frames from 0 to {frames}'
            raise UserError(unlike('start, end', (start, end), expected))
        for segments in (change.before, change.after):
            check_segments(segments, start, end, tiers[change.tier])

    def check_travel(self, step: str) -> None:
        """Raise a UserError unless there is something to `undo` or to `redo`."""
        if not (self.can_undo if step == 'undo' else self.can_redo):
            raise UserError(f'There is nothing to {step}.')
        entry = self._entry(step)
        if isinstance(entry, Change):
            self.check_tier(entry.tier)
            return
        count, other = len(entry.before), len(entry.after)
        if step == 'undo':
            count, other = other, count
        for i in range(min(count, other), len(self.tiers)) if count != other else ():
            has_labels = any(known.labels[i] for known in self.recordings.values())
            if i >= count or has_labels:
                raise UserError(
                    f'Files have brought labels of the tier {self.tiers[i].name!r} '
                    'since; it stays.'
                )

    def _entry(self, step: str) -> Change | Edit:
        """Return what would be undone or redone."""
        return self.history[len(self.history) - self.undone - (step == 'undo')]

    def check_tier(self, tier: int, tiers: Sequence[LabelTier] = ()) -> None:
        """Raise a UserError unless there is a tier of this index."""
        count = len(tiers or self.tiers)
        if not 0 <= tier < count:
            raise UserError(f'tier is {tier}, expected 0 to {count - 1}.')

    def take(self, step: Mapping[str, Any]) -> None:
        """Carry out a step, a line of the file, that fits."""
        do = step['do']
        if do == 'compare':
            self.compared.append(step['observer'])
            return
        if do in ('undo', 'redo'):
            entry = self._entry(do)
            self.undone += 1 if do == 'undo' else -1
            if isinstance(entry, Edit):
                self._put_tiers(entry, entry.before if do == 'undo' else entry.after)
            else:
                self._put(entry, entry.before if do == 'undo' else entry.after)
            return
        del self.history[len(self.history) - self.undone :]
        self.undone = 0
        if do == 'edit':
            edit = Edit([*self.tiers], read_tiers(step['tiers'], ''))
            self.history.append(edit)
            self._put_tiers(edit, edit.after)
        else:
            change = Change(**{key: step[key] for key in step if key != 'do'})
            self.history.append(change)
            self._put(change, change.after)

    def _put(self, change: Change, segments: Sequence[LabelSegment]) -> None:
        if known := self.recordings.get(change.recording):
            row = known.labels[change.tier]
            known.labels[change.tier] = replaced(
                row, change.start, change.end, segments
            )

    def _put_tiers(self, edit: Edit, tiers: Sequence[LabelTier]) -> None:
        self.tiers = edit.between(self.tiers, tiers)
        for known in self.recordings.values():
            rows = known.labels[: len(self.tiers)]
            known.labels = [*rows, *([] for _ in self.tiers[len(rows) :])]

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
            'tiers': [tier.as_dict() for tier in self.tiers],
            'recordings': {n: vars(known) for n, known in self.recordings.items()},
            'history': [entry.as_dict() for entry in self.history],
            'undone': self.undone,
            'compared': self.compared,
            'options': self.options,
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
        tiers = {tier.name: [*tier.ids] for tier in self.states}
        return tiers if len(tiers) > 1 else [*self.states[0].ids]

    @property
    def states(self) -> list[LabelTier]:
        """The tiers without those of point events."""
        return [tier for tier in self.tiers if not tier.is_points]

    @property
    def painted(self) -> list[LabelTier]:
        """The tiers, whose classes have the colors in which they are shown."""
        found, first = [], 0
        for tier in self.tiers:
            classes = []
            for one in tier.classes:
                rests = one.id == tier.background
                color = REST if rests else class_color(first + one.id)
                classes.append(replace(one, color=one.color or color.lower()))
            found.append(replace(tier, classes=tuple(classes)))
            first += tier.made
        return found

    def visible(self, name: str) -> list[list[LabelSegment]]:
        """Return the labels of a recording by tier, but for deleted classes."""
        return self.without_deleted(self.recordings[name].labels)

    def state_rows(self, name: str) -> list[list[LabelSegment]]:
        """Return the labels of the tiers of states."""
        rows = zip(self.tiers, self.visible(name), strict=True)
        return [row for tier, row in rows if not tier.is_points]

    def without_deleted(self, rows: Iterable[Iterable[Any]]) -> list[list[Any]]:
        """Return segments by tier, but for those of deleted classes."""
        return [
            [one for one in row if one[2] == IGNORED or one[2] in known]
            for tier, row in zip(self.tiers, rows, strict=False)
            for known in [tier.names]
        ]

    def frame_labels(
        self, name: str, tiers: Sequence[LabelTier] | None = None
    ) -> np.ndarray:
        """Return the class of each frame, (T,), or (tiers, T) of several; -1: none.

        It is the place of the class in its tier. Adjacent segments of a class become
        one. ``tiers`` are those that are wanted, by default all of states.
        """
        frames, rows = self.recordings[name].frames, []
        for tier, segments in zip(self.tiers, self.visible(name), strict=True):
            if tier in (self.states if tiers is None else tiers):
                places = {kind: place for place, kind in enumerate(tier.names)}
                row = np.full(frames, IGNORED, np.int64)
                for start, end, kind, *_ in segments:
                    row[start:end] = places.get(kind, IGNORED)
                rows.append(row)
        return np.stack(rows) if len(rows) > 1 else rows[0]

    def known_intervals(self, name: str) -> list[list[tuple[int, int]]]:
        """Return first frame and end of what has a class, by tier."""
        found: list[list[tuple[int, int]]] = []
        for row in self.visible(name):
            own: list[tuple[int, int]] = []
            for start, end, kind, *_ in row:
                if own and own[-1][1] == start and kind != IGNORED:
                    own[-1] = own[-1][0], end
                elif kind != IGNORED:
                    own.append((start, end))
            found.append(own)
        return found

    def labelled_tiers(self, names: Iterable[str]) -> list[int]:
        """Return the indices of tiers in which a class is known in some recordings."""
        rows = [self.visible(name) for name in names]
        return [
            i
            for i, tier in enumerate(self.tiers)
            if not tier.is_points
            and any(one[2] != IGNORED for own in rows for one in own[i])
        ]

    def is_labelled(self, name: str) -> bool:
        """Return whether a class is known somewhere in a recording."""
        return bool(self.labelled_tiers([name]))

    def labelled_seconds(self, name: str) -> float:
        """Return how long a class is known in at least one tier."""
        rows, frames, reached = self.state_rows(name), 0, 0
        # Without an array of all frames, whose number the file may overstate.
        for start, end, kind, *_ in sorted(one for row in rows for one in row):
            if kind != IGNORED:
                frames += max(end - max(start, reached), 0)
                reached = max(end, reached)
        return frames / self.recordings[name].fps

    def totals(self, name: str) -> list[dict[int, tuple[int, float]]]:
        """Return the number of labels of each class and their seconds, by tier."""
        rows, fps = self.visible(name), self.recordings[name].fps
        found = []
        for row in rows:
            frames: dict[int, list[int]] = {}
            for start, end, kind, *_ in row:
                frames.setdefault(kind, []).append(end - start)
            found.append({k: (len(own), sum(own) / fps) for k, own in frames.items()})
        return found

    def segments(self, name: str, filename: str | None = None) -> VideoSegments:
        """Return the labels of a recording, to be written by other tools' formats."""
        known = self.recordings[name]
        segments = [
            Segment(
                start / known.fps,
                (start if tier.is_points else end) / known.fps,
                names[kind],
                tier=named * (not tier.is_points),
                modifiers=modifiers,
                comment=comment,
            )
            for tier, row in zip(self.tiers, self.visible(name), strict=True)
            for names in [tier.names]
            for named in [tier.name if len(self.states) > 1 else '']
            for start, end, kind, *note in row
            for modifiers, comment in note or [('', '')]
            if kind != IGNORED
        ]
        return VideoSegments(
            name,
            sorted(segments, key=lambda one: one.start),
            known.fps,
            known.frames,
            filename,
            ethogram=Ethogram(classes=self.infos()),
        )

    def infos(self) -> list[ClassInfo]:
        """Return what other tools' files state of the classes."""
        several = len(self.states) > 1
        return [
            replace(one.info(''), kind='point')
            if tier.is_points
            else one.info(tier.name * several)
            for tier in self.painted
            for one in tier.classes
        ]


def check_segments(
    segments: Sequence[LabelSegment],
    start: int,
    end: int,
    tier: LabelTier,
) -> None:
    """Raise a UserError unless segments are sorted, apart, and between two frames.

    Point events last a frame, which several may share.
    """
    reached, least = start, 0 if tier.is_points else IGNORED
    for first, last, kind, *note in segments:
        for text in note[0] if note else ():
            check_name(text, f'the modifiers or the comment from frame {first}')
        fits = reached <= first < last <= end and least <= kind < tier.made
        if not fits or (tier.is_points and last > first + 1):
            place = f'start and end between {reached} and {end}'
            expected = f'{place}, and a class from {least} to {tier.made - 1}'
            raise UserError(unlike('a segment', [first, last, kind], expected))
        reached = first if tier.is_points else last


def _labelled(
    start: int, end: int, kind: int, modifiers: str = '', comment: str = ''
) -> LabelSegment:
    note = modifiers, comment
    return (start, end, kind, note) if any(note) else (start, end, kind)


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
    left = [(one[0], start, *one[2:]) for one in touched[:1] if one[0] < start]
    right = [(end, *one[1:]) for one in touched[-1:] if one[1] > end]
    return [*row[:first], *left, *segments, *right, *row[last:]]
