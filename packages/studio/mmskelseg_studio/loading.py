"""Reading the file of a project, which anybody may have changed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmskelseg_io.files.inputs import check_fps
from mmskelseg_io.files.names import project_of
from mmskelseg_io.files.parsing import check_shape
from mmskelseg_io.labels import VideoSegments
from mmskelseg_io.labels.segments import Classes
from mmskelseg_io.messages.errors import UserError, check_name, shown
from mmskelseg_studio.ethogram import Edit, LabelTier, read_tiers
from mmskelseg_studio.journal import Journal
from mmskelseg_studio.options import OPTIONS
from mmskelseg_studio.project import (
    FORMAT,
    SEGMENTS,
    SETTLED,
    TOOL,
    Change,
    LabelledRecording,
    Project,
    check_segments,
    label_segments,
)

_REMEDY = 'restore it from a backup, or move it away to begin anew'
_TIERS = [
    {
        'name': str,
        'classes': [dict],
        'background?': int,
        'made': int,
        'kind': str,
    }
]
_CHANGE = {
    'recording': str, 'tier': int, 'start': int, 'end': int, 'before': SEGMENTS,
    'after': SEGMENTS, 'settled?': SETTLED,
}  # fmt: skip
_SHAPE = {
    'format': int,
    'id': str,
    'tiers': _TIERS,
    'recordings': {...: {'frames': int, 'fps': float, 'labels': [SEGMENTS]}},
    'history': [dict],
    'undone': int,
    'compared?': [str],
    'options?': OPTIONS,
}
# What a step has, by what it does.
_STEPS: Mapping[str, Mapping[str, Any]] = {
    'change': _CHANGE,
    'undo': {},
    'redo': {},
    'edit': {'tiers': _TIERS},
    'compare': {'observer': str},
}


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
    check_shape(content, _SHAPE, str(path), _REMEDY)
    # It becomes part of the names of folders.
    if not re.fullmatch('[0-9a-f]{8}', content['id']):
        raise UserError(
            f'{path}: id is {shown(content["id"])}, expected eight digits from 0 to f; '
            f'{_REMEDY}.'
        )
    tiers = read_tiers(content['tiers'], f'{path}: ')
    recordings = {
        name: _recording(known, tiers, name, path)
        for name, known in content['recordings'].items()
    }
    project = Project(path, tiers, content['id'], recordings)
    for i, entry in enumerate(content['history']):
        project.history.append(_entry(entry, f'{path}: history[{i}]'))
    project.compared = [*(content.get('compared') or ())]
    names = [name.removesuffix('?') for name in OPTIONS]
    stated = content.get('options') or {}
    project.options = {name: stated[name] for name in names if name in stated}
    project.undone, count = content['undone'], len(project.history)
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


def _recording(
    known: Mapping[str, Any], tiers: Sequence[LabelTier], name: str, path: Path
) -> LabelledRecording:
    check_name(name, f'{path}: a recording')
    place = f'{path}: recording {shown(name)}'
    fps = check_fps(known['fps'], place)
    if known['frames'] < 1 or len(known['labels']) != len(tiers):
        raise UserError(
            f'{place} has {known["frames"]} frames, and labels of '
            f'{len(known["labels"])} of {len(tiers)} tiers; {_REMEDY}.'
        )
    with _remedied(place):
        rows = [label_segments(row, 'labels') for row in known['labels']]
        for row, tier in zip(rows, tiers, strict=True):
            check_segments(row, 0, known['frames'], tier)
    return LabelledRecording(known['frames'], fps, rows)


def _entry(entry: Mapping[str, Any], place: str) -> Change | Edit:
    """Return an entry of the history."""
    if 'before' not in entry or 'recording' in entry:
        return _change(entry, place)
    check_shape(entry, {'before': _TIERS, 'after': _TIERS}, place, _REMEDY)
    before, after = (
        read_tiers(entry[side], f'{place}: {side}: ') for side in ('before', 'after')
    )
    return Edit(before, after)


def _change(entry: Mapping[str, Any], place: str) -> Change:
    check_shape(entry, _CHANGE, place, _REMEDY)
    with _remedied(place):
        before, after = (label_segments(entry[key], key) for key in ('before', 'after'))
        recording, tier, start, end = (
            entry[key] for key in ('recording', 'tier', 'start', 'end')
        )
    settled = entry.get('settled')
    return Change(recording, tier, start, end, before, after, settled)


def _take(project: Project, step: Any, place: str) -> None:
    """Carry out a step of the file, after checking it."""
    check_shape(step, {'do': str}, place, _REMEDY)
    do = step['do']
    if do not in _STEPS:
        raise UserError(
            f'{place}: do is {shown(do)}, expected one of {", ".join(_STEPS)}; '
            f'{_REMEDY}.'
        )
    check_shape(step, _STEPS[do], place, _REMEDY)
    if do == 'change':
        change = _change(step, place)
        with _remedied(place):
            project.check_change(change)
        step = {'do': do, **change.as_dict()}
    elif do == 'edit':
        read_tiers(step['tiers'], f'{place}: ')
    elif do != 'compare':
        with _remedied(place):
            project.check_travel(do)
    project.take(step)


def read_states(path: Path) -> tuple[list[VideoSegments], Classes] | None:
    """Return the states in a project, and its classes; None for another file."""
    if project_of(path.name) is None:
        return None
    project = load_project(path)
    videos = [project.segments(name) for name in project.recordings]
    states = [[one for one in v.segments if not one.is_point] for v in videos]
    return [
        replace(video, segments=own) for video, own in zip(videos, states, strict=True)
    ], project.classes


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
