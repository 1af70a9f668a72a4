"""The file of a project as somebody may have changed it."""

import json

import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_studio.ethogram import LabelTier
from mmskelseg_studio.loading import load_project
from mmskelseg_studio.project import Project
from tests.conftest import of, paint
from tests.errors import raises_naming


def changed(path, change):
    """Change the first line of a file, which is what the project was when opened."""
    first, *steps = path.read_text().splitlines()
    content = json.loads(first)
    change(content)
    path.write_text('\n'.join([json.dumps(content), *steps, '']))


@pytest.mark.parametrize('is_saved', [True, False])
def test_recording_may_be_removed_from_the_file(project, is_saved):
    paint(project, 0, 5, 1)
    project.add_recording('other', 50, 10.0)
    project.save()
    project.replace('other', 0, 0, 5, [(0, 5, 1)], project.revision)
    paint(project, 60, 70, 0)
    project.undo(project.revision)
    if is_saved:
        project.save()
    changed(project.path, lambda content: content['recordings'].pop('other'))
    kept = load_project(project.path)
    assert ([c.recording for c in kept.history], kept.undone) == (['take', 'take'], 1)
    kept.redo(kept.revision)
    assert kept.recordings['take'].labels[0][-1] == (60, 70, 0)


TAKE = ('recordings', 'take')
TIER = ('tiers', 0)
WALK = {'id': 0, 'name': 'walk'}
STEP = ('history', 0)


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        (of(format=3), 'of this version'),
        (lambda c: c.pop('history'), 'history'),
        # It names the folders of models.
        (of(id='../../../evil'), 'id | ../../../evil'),
        (of(id='../../ab'), 'id | ../../ab'),
        (of(id='0123456*'), 'id | 0123456*'),
        (of(id=''), "id is ''"),
        (of(id='\u0661' * 8), 'id | \u0661'),
        (of(tiers=[]), 'tiers'),
        (of(*TIER, name='a\ud800'), "tiers[0].name | 'a\\ud800'"),
        (of(*TIER, classes=[WALK], made=1), "'take' | [0, 5, 1]"),
        (of(*TIER, classes=[{**WALK, 'name': 'a\ud800'}]), r"classes | 'a\ud800'"),
        (of(*TIER, classes=[WALK, {**WALK, 'id': 1}]), "tiers[0].classes | 'walk'"),
        (of(*TIER, classes=[{**WALK, 'name': ''}]), "tiers[0].classes | ''"),
        (of(*TIER, classes=['walk']), "tiers[0].classes[0] | 'walk'"),
        (of(*TIER, background=2), 'background is 2'),
        (of(*TIER, background=-1), 'background is -1'),
        (of(*TIER, background='walk'), 'background'),
        (of(*TAKE, frames=0), 'take.frames is 0'),
        (of(*TAKE, frames=40), "'take' | [30, 50, 1]"),
        (of(*TAKE, frames=10**30), '31 digits'),
        (of(*TAKE, fps=0), 'take.fps is 0'),
        (of(*TAKE, fps=-10), 'take.fps is -10'),
        (of(*TAKE, fps=float('nan')), 'take.fps is nan'),
        (of(*TAKE, fps=float('inf')), 'take.fps is inf'),
        (of(*TAKE, fps=5e-324), 'take.fps is 5e-324'),
        (of(*TAKE, fps=True), 'take.fps | True'),
        (of(*TAKE, labels=[]), "'take' | is [] | 1 tiers"),
        (of(*TAKE, labels=[[], []]), "'take' | [[], []] | 1 tiers"),
        (of(*TAKE, labels=[[[0, 200, 1]]]), "'take' | 200"),
        (of(*TAKE, labels=[[[0, 2]]]), 'take.labels[0][0] | [0, 2]'),
        (of(*TAKE, labels=[[[4, 2, 0]]]), "'take' | [4, 2, 0]"),
        (of(*TAKE, labels=[[[0, 5, 0], [4, 9, 0]]]), "'take' | [4, 9, 0]"),
        (of(*TAKE, labels=[[[0, 5, 0.5]]]), 'take.labels[0][0][2] | 0.5'),
        (of('recordings', **{'a\ud800': None}), 'recordings'),
        (of('recordings', **{'a\ud800': {'frames': 1, 'fps': 1, 'labels': [[]]}}),
         "'a\\ud800'"),
        (of(undone=3), 'undone is 3'),
        (of(undone=-1), 'undone is -1'),
        (of(*STEP, tier=1), 'history[0] | tier is 1'),
        (of(*STEP, tier=-1), 'history[0] | tier is -1'),
        (of(*STEP, start=-5), 'history[0] | -5'),
        (of(*STEP, end=101), 'history[0] | 101'),
        (of(*STEP, start=9, end=5), 'history[0] | (9, 5)'),
        (of(*STEP, before=[[0, 5, 2]]), 'history[0] | [0, 5, 2]'),
        (of(*STEP, before=[[0, 6, 0]]), 'history[0] | [0, 6, 0]'),
        (of(*STEP, before=[[0, 5]]), 'history[0] | before | [0, 5]'),
        (of(*STEP, after=[[2, 4, 0], [0, 1, 0]]), 'history[0] | [0, 1, 0]'),
        (of(*STEP, more=1), ''),
    ],
)  # fmt: skip
def test_damaged_project_names_file_and_place(project, change, named):
    """What can be opened can be undone, and what can be undone can be opened."""
    paint(project, 0, 5, 1)
    project.save()
    changed(project.path, change)
    if named:
        with raises_naming(UserError, project.path, named):
            load_project(project.path)
    else:
        found = load_project(project.path)
        found.undo(0)
        load_project(project.path)


@pytest.mark.parametrize(
    ('line', 'named'),
    [
        ('{', 'JSON'),
        ('[]', 'expected a dict'),
        ('{}', 'do'),
        ('{"do": "jump"}', "do is 'jump'"),
        ('{"do": "redo"}', 'redo'),
        ('{"do": "change", "recording": "take", "tier": 0, "start": 0, "end": 500, '
         '"before": [], "after": []}', '500'),
        ('{"do": "change", "recording": "take", "tier": 0, "start": 0, "end": 5, '
         '"before": [], "after": [[0, 5, 9]]}', '[0, 5, 9]'),
    ],
)  # fmt: skip
def test_damaged_step_names_its_line(project, line, named):
    paint(project, 0, 5, 1)
    with project.path.open('a') as file:
        file.write(f'{line}\n')
    with raises_naming(UserError, f'{project.path}: line 3', named):
        load_project(project.path)


@pytest.mark.parametrize(
    'content', [b'', b'\xff', b'\0' * 9, b'[' * 10**6, b'[]', b'1']
)
def test_file_that_is_no_project_is_named(tmp_path, content):
    path = tmp_path / 'studio.json'
    path.write_bytes(content)
    with raises_naming(UserError, path):
        load_project(path)


def test_folder_in_place_of_the_file_is_named(tmp_path):
    with raises_naming(UserError, tmp_path):
        load_project(tmp_path)


def test_names_of_several_tiers_differ(tmp_path):
    project = Project(tmp_path / 'a', [LabelTier('hand'), LabelTier('gaze')])
    project.save()
    changed(project.path, of('tiers', 1, name='hand'))
    with raises_naming(UserError, project.path, 'tiers', 'hand'):
        load_project(project.path)
