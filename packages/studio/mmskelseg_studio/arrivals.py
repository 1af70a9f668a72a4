"""Labels in files that have appeared or changed since a recording was labelled."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mmskelseg_io.converters.keypoint_videos import Labels
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.typed import read_typed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_studio.ethogram import LabelTier
from mmskelseg_studio.folder import Folder
from mmskelseg_studio.project import LabelSegment, Project, replaced


@dataclass(frozen=True)
class Offer:
    """Labels of a file for a recording, which differ from those in the project.

    Attributes:
        id: The same if file, recording and labels are.
        file: Its name within the folder.
        tiers: Those of the project, with the classes that the file adds.
        rows: The labels by tier; none of a tier that the file does not have.
        is_conflict: Whether the project has other labels in the same place.
    """

    id: str
    file: str
    recording: str
    tiers: Sequence[LabelTier]
    rows: Sequence[Sequence[LabelSegment]]
    is_conflict: bool

    def row(self) -> dict[str, Any]:
        """Return what the page lists."""
        names = ('id', 'file', 'recording', 'is_conflict')
        return {name: getattr(self, name) for name in names}

    def named_rows(self) -> list[list[list[Any]]]:
        """Return start, end, class, no score, and name of each segment, by tier."""
        return [
            [[start, end, kind, None, tier.names[kind]] for start, end, kind, *_ in row]
            for tier, row in zip(self.tiers, self.rows, strict=True)
        ]


@dataclass(frozen=True)
class _Seen:
    seen: list[str]


@dataclass
class Arrivals:
    """What has appeared in a folder, beside what was taken over or dismissed before.

    Attributes:
        folder: The folder as it is labelled.
        recordings: Names of recordings that it now has, or now has more of.
    """

    folder: Folder
    recordings: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set, repr=False)
    _offered: set[str] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        self._file = self.folder.work / 'seen.json'
        try:
            if self._file.exists():
                self._seen |= {
                    *read_typed(self._file, _Seen, 'the studio', 'remove it').seen
                }
        except UserError as error:
            self.folder.notes.append(f'left out: {error}')
        self._look()

    def look(self, now: Folder) -> None:
        """Compare the folder with what is in it now."""
        own, notes = self.folder.recordings, self.folder.notes
        self.recordings = [
            name
            for name, one in now.recordings.items()
            if name not in own
            or (one.video and not own[name].video)
            or (one.has_poses and not own[name].has_poses)
        ]
        self.folder.labels = now.labels
        notes += [note for note in now.notes if note not in notes]
        self._look()

    def _look(self) -> None:
        found = [one for name in self.folder.recordings for one in self._unseen(name)]
        # What the project has already is no news.
        same = [one for one in found if _is_same(one, self.folder.project)]
        self._settle(same)
        self._offered = {one.id for one in found} - {one.id for one in same}

    def offers(self, name: str | None = None) -> list[Offer]:
        """Return the labels that files offer, of one recording or of all."""
        names = self.folder.labels if name is None else [name]
        found = [one for name in names for one in self._unseen(name)]
        return [one for one in found if one.id in self._offered]

    def _unseen(self, name: str) -> list[Offer]:
        if name not in self.folder.recordings:
            return []
        items = self.folder.labels.get(name, ())
        found = [_offer(self.folder, name, item) for item in items]
        return [one for one in found if one is not None and one.id not in self._seen]

    def news(self) -> dict[str, Any]:
        """Return what the page lists."""
        return {
            'recordings': self.recordings,
            'labels': [one.row() for one in self.offers()],
        }

    def decide(self, ids: Sequence[str], wanted: bool) -> None:
        """Take over labels that are offered, or offer them no more."""
        for each in ids:
            # The one before may have added classes.
            chosen = [one for one in self.offers() if one.id == each]
            if wanted:
                for one in chosen:
                    take(one, self.folder.project)
            self._settle(chosen)

    def _settle(self, offers: Sequence[Offer]) -> None:
        """Offer these no more."""
        if offers:
            self._seen |= {one.id for one in offers}
            atomic_write_text(self._file, json.dumps({'seen': sorted(self._seen)}))


def take(offer: Offer, project: Project) -> None:
    """Replace the labels of a recording by those of a file, as a change to be undone.

    Tiers that the file does not have stay as they are.
    """
    with project.lock:
        if [*offer.tiers] != project.tiers:
            # New classes get the ids that they have in the offer.
            known = [tier.names for tier in project.tiers]
            tiers = [tier.as_dict() for tier in offer.tiers]
            for tier, ids in zip(tiers, known, strict=True):
                for one in tier['classes']:
                    if one['id'] not in ids:
                        del one['id']
            project.edit(tiers, project.revision)
        frames = project.recordings[offer.recording].frames
        for i, row in enumerate(offer.rows):
            if row:
                where = offer.recording, i, 0, frames
                project.replace(*where, row, project.revision)


def _offer(folder: Folder, name: str, item: Labels) -> Offer | None:
    """Return what a file has for a recording; None if it has no labels of it."""
    project, known = folder.project, folder.project.recordings[name]
    given = Project(project.path, [*project.tiers])
    # Point events stay as they are.
    states = [one for one in item.segments if not one.is_point]
    given.add_recording(name, known.frames, known.fps, states)
    rows = [_joined(row) for row in given.recordings[name].labels]
    if not any(rows):
        return None
    file = os.path.relpath(item.path, folder.path)
    names = [
        [(*one[:2], tier.names[one[2]], *one[3:]) for one in row]
        for tier, row in zip(given.tiers, rows, strict=True)
    ]
    digest = hashlib.sha256(json.dumps([file, name, names]).encode()).hexdigest()
    pairs = _with_mine(rows, project, name)
    conflict = any(row and _with(row, own) != row for row, own in pairs)
    return Offer(digest[:16], file, name, given.tiers, rows, conflict)


def _is_same(offer: Offer, project: Project) -> bool:
    pairs = _with_mine(offer.rows, project, offer.recording)
    return all(not row or _joined(own) == row for row, own in pairs)


def _with_mine(
    rows: Sequence[Sequence[LabelSegment]], project: Project, name: str
) -> list[tuple[Sequence[LabelSegment], Sequence[LabelSegment]]]:
    """Return the labels of a file with those of the project, by tier.

    Most formats have no comments, which are then no difference.
    """
    mine = project.visible(name)
    if not any(one[3:] for row in rows for one in row):
        mine = [[one[:3] for one in row] for row in mine]
    return [*zip(rows, mine, strict=True)]


def _with(
    row: Sequence[LabelSegment], others: Sequence[LabelSegment]
) -> list[LabelSegment]:
    """Return segments in which others lie over them."""
    found = [*row]
    for one in _joined(others):
        found = replaced(found, one[0], one[1], [one])
    return _joined(found)


def _joined(row: Sequence[LabelSegment]) -> list[LabelSegment]:
    """Return segments of known classes, of which adjacent ones of a class are one."""
    found: list[LabelSegment] = []
    for one in row:
        if found and found[-1][1:] == (one[0], *one[2:]):
            found[-1] = (found[-1][0], *one[1:])
        elif one[2] != IGNORED:
            found.append(one)
    return found
