"""Reading the file of a project, which anybody may have changed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from mmskelseg_io.files.names import project_of
from mmskelseg_io.files.typed import Name, typed
from mmskelseg_io.labels import VideoSegments
from mmskelseg_io.labels.segments import Classes
from mmskelseg_io.messages.errors import UserError, misfit, shown
from mmskelseg_io.messages.options import Where
from mmskelseg_studio.ethogram import Edit, LabelTier, read_tiers
from mmskelseg_studio.journal import Journal
from mmskelseg_studio.options import Options
from mmskelseg_studio.project import (
    FORMAT,
    TOOL,
    Change,
    LabelledRecording,
    Project,
    check_segments,
)

_REMEDY = 'restore it from a backup, or move it away to begin anew'


@dataclass(frozen=True)
class _Content:
    # It becomes part of the names of folders.
    id: Annotated[
        str,
        Where('eight digits from 0 to f', lambda id: re.fullmatch('[0-9a-f]{8}', id)),
    ]
    tiers: list[Any]
    recordings: dict[Name, LabelledRecording]
    history: list[dict[str, Any]]
    undone: int
    compared: list[str] = field(default_factory=list)
    options: Options = field(default_factory=Options)


@dataclass(frozen=True)
class _Step:
    do: Literal['change', 'undo', 'redo', 'edit', 'compare']
    # Those of an edit.
    tiers: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class _Comparison(_Step):
    observer: str = field(kw_only=True)


def load_project(path: Path) -> Project:
    """Return the project in a file.

    Raises:
        UserError: If it is no project, or an inconsistent one.
    """
    content, steps = Journal(path, TOOL).read()
    if not isinstance(content, Mapping) or content.get('format') != FORMAT:
        raise UserError(
            f'{path}: is no project of this version of `mmskelseg studio`; move it '
            'away, or update mmskelseg.'
        )
    known = typed(content, _Content, path, _REMEDY)
    tiers = read_tiers(known.tiers, f'{path}: ')
    for name, one in known.recordings.items():
        _check_recording(one, tiers, f'{path}: recording {shown(name)}')
    project = Project(path, tiers, known.id, known.recordings)
    for i, entry in enumerate(known.history):
        project.history.append(_entry(entry, f'{path}: history[{i}]'))
    project.compared, project.options = known.compared, {**known.options}
    project.undone, count = known.undone, len(project.history)
    if not 0 <= project.undone <= count:
        raise UserError(f'{path}: undone is {project.undone} of {count}; {_REMEDY}.')
    _check_history(project)
    for place, step in steps:
        _take(project, step, place)
    _forget_removed(project)
    return project


def _check_history(project: Project) -> None:
    """Raise a UserError unless each change fits the tiers of its time."""
    history, done = project.history, len(project.history) - project.undone
    edits = [entry for entry in history if isinstance(entry, Edit)]
    sides = [project.tiers, *(side for e in edits for side in (e.before, e.after))]
    last = [e.after for e in history[done:] if isinstance(e, Edit)]
    # What is known before an edit includes what files had brought until then.
    tiers = [project.tiers, *last][-1]
    for i, entry in reversed([*enumerate(history)]):
        if isinstance(entry, Edit):
            tiers = entry.before
            continue
        own = [
            replace(tier, made=max(side[k].made for side in sides if side[k:]))
            for k, tier in enumerate(tiers)
        ]
        with _remedied(f'{project.path}: history[{i}]'):
            project.check_change(entry, own)


def _check_recording(
    known: LabelledRecording, tiers: Sequence[LabelTier], place: str
) -> None:
    if len(known.labels) != len(tiers):
        expected = f'a list for each of {len(tiers)} tiers'
        raise misfit(place, 'labels', known.labels, expected, _REMEDY)
    with _remedied(place):
        for row, tier in zip(known.labels, tiers, strict=True):
            check_segments(row, 0, known.frames, tier)


def _entry(entry: Mapping[str, Any], place: str) -> Change | Edit:
    """Return an entry of the history."""
    if 'before' not in entry or 'recording' in entry:
        return typed(entry, Change, place, _REMEDY)
    sides = (
        read_tiers(entry.get(side), f'{place}: {side}: ')
        for side in ('before', 'after')
    )
    return Edit(*sides)


def _take(project: Project, given: Any, place: str) -> None:
    """Carry out a step of the file, after checking it."""
    step = typed(given, _Step, place, _REMEDY)
    if step.do == 'change':
        change = typed(given, Change, place, _REMEDY)
        with _remedied(place):
            project.check_change(change)
        given = {'do': step.do, **change.as_dict()}
    elif step.do == 'edit':
        read_tiers(step.tiers, f'{place}: ')
    elif step.do == 'compare':
        given = vars(typed(given, _Comparison, place, _REMEDY))
    else:
        with _remedied(place):
            project.check_travel(step.do)
    project.take(given)


def read_states(path: Path) -> tuple[list[VideoSegments], Classes] | None:
    """Return the states in a project, and its classes; None for another file."""
    if project_of(path.name) is None:
        return None
    project = load_project(path)
    videos = [project.segments(name) for name in project.recordings]
    states = [[one for one in v.segments if not one.is_point] for v in videos]
    own = zip(videos, states, strict=True)
    return [replace(video, segments=its) for video, its in own], project.classes


@contextmanager
def _remedied(place: str) -> Iterator[None]:
    """Say where errors of the block are, and what to do."""
    try:
        yield
    except UserError as error:
        raise UserError(f'{place}: {error} {_REMEDY.capitalize()}.') from None


def _forget_removed(project: Project) -> None:
    """Forget changes of recordings that somebody has removed from the file."""
    done = len(project.history) - project.undone
    kept = [
        [
            entry
            for entry in part
            if isinstance(entry, Edit) or entry.recording in project.recordings
        ]
        for part in (project.history[:done], project.history[done:])
    ]
    project.history, project.undone = [*kept[0], *kept[1]], len(kept[1])
