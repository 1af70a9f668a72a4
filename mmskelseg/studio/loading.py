"""Reading the file of a project, which anybody may have changed."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmskelseg.runtime.files.inputs import check_fps
from mmskelseg.runtime.files.parsing import check_shape
from mmskelseg.runtime.messages.errors import UserError, check_name, shown
from mmskelseg.studio.journal import Journal
from mmskelseg.studio.project import (
    FORMAT,
    TOOL,
    Change,
    LabelledRecording,
    LabelSegment,
    LabelTier,
    Project,
    check_segments,
)

_REMEDY = 'restore it from a backup, or move it away to begin anew'
_CHANGE = {
    'recording': str, 'tier': int, 'start': int, 'end': int, 'before': [[int]],
    'after': [[int]],
}  # fmt: skip
_SHAPE = {
    'format': int,
    'id': str,
    'tiers': [{'name': str, 'classes': [str], 'background?': int}],
    'recordings': {...: {'frames': int, 'fps': float, 'labels': [[[int]]]}},
    'history': [_CHANGE],
    'undone': int,
}
# What a step has, by what it does.
_STEPS: Mapping[str, Mapping[str, Any]] = {
    'change': _CHANGE,
    'undo': {},
    'redo': {},
    'name': {'tier': int, 'name': str, 'class?': int},
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
    tiers = _tiers(content['tiers'], path)
    recordings = {
        name: _recording(known, tiers, name, path)
        for name, known in content['recordings'].items()
    }
    project = Project(path, tiers, content['id'], recordings)
    for i, entry in enumerate(content['history']):
        project.history.append(_change(project, entry, f'{path}: history[{i}]'))
    project.undone, count = content['undone'], len(project.history)
    if not 0 <= project.undone <= count:
        raise UserError(f'{path}: undone is {project.undone} of {count}; {_REMEDY}.')
    for place, step in steps:
        _take(project, step, place)
    _forget_removed(project)
    return project


def _tiers(given: Sequence[Mapping[str, Any]], path: Path) -> list[LabelTier]:
    tiers = [LabelTier(t['name'], t['classes'], t.get('background')) for t in given]
    names = [tier.name for tier in tiers]
    if not tiers or len({*names}) < len(names) or ('' in names and len(names) > 1):
        raise UserError(
            f'{path}: tiers has the names {shown(names)}, expected at least one, and '
            f'different ones; {_REMEDY}.'
        )
    for i, tier in enumerate(tiers):
        place = f'{path}: tiers[{i}]'
        check_name(tier.name, f'{place}.name')
        for name, count in Counter(tier.classes).items():
            check_name(name, f'{place}.classes')
            if not name or count > 1:
                raise UserError(
                    f'{place}.classes has {shown(name)}, expected a different name for '
                    f'each class; {_REMEDY}.'
                )
        if not 0 <= (tier.background or 0) < max(len(tier.classes), 1):
            raise UserError(
                f'{place}.background is {tier.background}, but the tier {tier.name!r} '
                f'has {len(tier.classes)} classes; {_REMEDY}.'
            )
    return tiers


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
        rows = [_segments(row, 'labels') for row in known['labels']]
        for row, tier in zip(rows, tiers, strict=True):
            check_segments(row, 0, known['frames'], len(tier.classes))
    return LabelledRecording(known['frames'], fps, rows)


def _segments(values: Sequence[Sequence[int]], place: str) -> list[LabelSegment]:
    for one in values:
        if len(one) != 3:
            raise UserError(
                f'{place} has the segment {shown(one)}, expected start, end and class.'
            )
    return [(start, end, kind) for start, end, kind in values]


def _change(project: Project, entry: Mapping[str, Any], place: str) -> Change:
    """Return an entry as a change, after checking that it fits."""
    with _remedied(place):
        before, after = (_segments(entry[key], key) for key in ('before', 'after'))
        recording, tier, start, end = (
            entry[key] for key in ('recording', 'tier', 'start', 'end')
        )
        change = Change(recording, tier, start, end, before, after)
        if change.recording in project.recordings:
            project.check_change(change)
    return change


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
        step = {'do': do, **vars(_change(project, step, place))}
    else:
        with _remedied(place):
            if do == 'name':
                project.check_class(step['tier'], step['name'], step.get('class'))
            else:
                project.check_travel(do)
    project.take(step)


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
        [change for change in part if change.recording in project.recordings]
        for part in (project.history[:done], project.history[done:])
    ]
    project.history, project.undone = [*kept[0], *kept[1]], len(kept[1])
