"""Observers: each labels alone; then they compare, and settle what differs."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mmskelseg_behaviour.agreement import compare_observers
from mmskelseg_behaviour.commands.agree import main as agree
from mmskelseg_io.files.projects import observers, project_file
from mmskelseg_io.labels.bouts import to_bouts
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_studio.comparing import compare
from mmskelseg_studio.ethogram import LabelTier
from mmskelseg_studio.folder import open_folder
from mmskelseg_studio.loading import load_project
from mmskelseg_studio.project import Project
from mmskelseg_studio.studio import Studio
from tests.conftest import add_class, ethogram, paint, project_of, trained
from tests.errors import raises_naming
from tests.test_server import client_of


def studio_of(folder, observer=''):
    opened = open_folder(folder, observer=observer)
    return Studio(opened, 'mediapipe', lambda: open_folder(folder, observer=observer))


@pytest.fixture
def pair(tmp_path):
    """Two projects: walk and lift; and walk, lift, sit, and nothing at the end."""
    mine = project_of(tmp_path, 100, (0, 40, 0), (40, 100, 1))
    theirs = project_of(
        tmp_path, 100, (0, 30, 1), (30, 60, 0), (60, 80, 2),
        classes=('lift', 'walk', 'sit'), name='studio.bob.json',
    )  # fmt: skip
    return mine, theirs


def settle(project, start, end, kind, take):
    settled = {'observer': 'bob', 'take': take, 'start': start, 'end': end}
    where = 'take', 0, start, end, [(start, end, kind)]
    return project.replace(*where, project.revision, settled)


def open_ones(mine, theirs):
    found = compare(mine, theirs, 'bob', ['take'])['disagreements']
    return [(row['start'], row['end'], row['take']) for row in found]


def test_agreement_is_that_of_agree(pair):
    mine, theirs = pair
    found = compare(mine, theirs, 'bob', ['take'])
    classes = ['walk', 'lift', 'sit']
    bouts = {
        who: to_bouts(one.segments('take'), classes, 'here')
        for who, one in (('ann', mine), ('bob', theirs))
    }
    tiers = tiers_of({'classes': classes})
    expected = compare_observers(['ann', 'bob'], {'take': bouts}, tiers, 10.0)
    (row,), (overall,) = expected['overall'], found['overall']
    # 30 walk and 20 lift alike, 10 walk-lift, 20 lift-sit; by chance 40*30 + 40*30.
    kappa = (50 / 80 - 2400 / 6400) / (1 - 2400 / 6400)
    assert row['kappa'] == pytest.approx(kappa)
    for one in (overall, overall['recordings']['take']):
        assert one['kappa'] == row['kappa']
        assert one['f1'] == row['f1@50']
        assert one['seconds'] == row['seconds'] == 8.0
    of_classes = [(one['class'], one['kappa']) for one in overall['classes']]
    assert of_classes == [(r['class'], r['kappa']) for r in expected['by_class']]
    # Each class has one segment of either; those of walk overlap by 30 of 40 frames.
    assert [one['f1'] for one in overall['classes']] == [100, 0, 0]


def test_disagreements_are_the_longest_first_with_both_labels(pair):
    found = compare(*pair, 'bob', ['take'])
    rows = [
        (row['start'], row['end'], row['mine'], row['theirs'], row['seconds'])
        for row in found['disagreements']
    ]
    assert rows == [(60, 80, 1, 'sit', 2.0), (30, 40, 0, 'lift', 1.0)]
    # My ids; what I don't have is grey, under its name.
    assert found['labels']['take'] == [
        [(0, 30, 0, None, 'walk'), (30, 60, 1, None, 'lift'), (60, 80, -2, None, 'sit')]
    ]


@pytest.mark.parametrize('is_saved', [False, True])
def test_settled_disagreements_are_remembered_and_undone(pair, is_saved):
    mine, theirs = pair

    def now():
        if is_saved:
            return open_ones(load_project(mine.path), theirs)
        return open_ones(mine, theirs)

    settle(mine, 60, 80, 1, 'undecided')
    assert now() == [(60, 80, 'undecided'), (30, 40, '')]
    settle(mine, 60, 80, 1, 'mine')
    assert now() == [(60, 80, 'mine'), (30, 40, '')]
    settle(mine, 30, 40, 1, 'theirs')
    assert now() == [(60, 80, 'mine')]
    mine.undo(mine.revision)
    mine.undo(mine.revision)
    assert now() == [(60, 80, 'undecided'), (30, 40, '')]
    # Who labels it otherwise opens it again; another observer has an opinion, too.
    paint(mine, 60, 80, 0)
    assert now() == [(60, 80, ''), (30, 40, '')]
    mine.undo(mine.revision)
    found = compare(mine, theirs, 'eve', ['take'])['disagreements']
    assert {row['take'] for row in found} == {''}


def test_tiers_are_compared_by_name(tmp_path):
    tiers = [LabelTier.of('legs', ['walk']), LabelTier.of('gaze', ['up', 'down'])]
    mine, theirs = (
        Project(tmp_path / name, own)
        for name, own in (('studio.json', tiers), ('studio.bob.json', tiers[::-1]))
    )
    for project, tier, kind in ((mine, 1, 0), (theirs, 0, 1)):
        project.add_recording('take', 20, 10.0)
        paint(project, 0, 20, 0)
        project.replace('take', tier, 5, 10, [(5, 10, kind)], project.revision)
    theirs.tiers[1] = replace(theirs.tiers[1], name='arms')
    found = compare(mine, theirs, 'bob', ['take'])
    assert [row['tier'] for row in found['overall']] == ['gaze']
    (row,) = found['disagreements']
    assert (row['tier'], row['start'], row['theirs']) == (1, 5, 'down')
    assert [note.split("'")[1] for note in found['notes']] == ['arms', 'legs']


def test_recordings_of_other_frames_are_left_out_with_a_note(tmp_path):
    mine = project_of(tmp_path, 100, (0, 100, 0))
    theirs = project_of(tmp_path, 90, (0, 90, 0), name='studio.bob.json')
    found = compare(mine, theirs, 'bob', ['take'])
    assert found['overall'][0]['kappa'] is None
    assert '100 frames' in found['notes'][0]
    assert '90' in found['notes'][0]


def test_observer_begins_with_the_classes_and_without_labels(folder):
    """Neither labels of files, nor predictions of a model of the others' labels."""
    trained(folder)
    first = studio_of(folder)
    tiers = ethogram(first.folder.project)
    tiers[0]['classes'][1] |= {'key': 's', 'color': '#ff0000', 'name': 'sit'}
    first.folder.project.edit(tiers, 0)
    second = studio_of(folder, 'bob')
    assert second.tiers() == first.tiers()
    assert first.project()['model']
    assert second.project()['model'] is None
    assert [one['labelled'] for one in second.project()['recordings']] == [0, 0, 0]
    assert second.recording(2)['predictions'] is None
    assert observers(folder) == ['', 'bob']
    # Each goes on alone.
    add_class(second.folder.project, 'rear')
    project = second.folder.project
    project.replace('video_0', 0, 0, 9, [(0, 9, 3)], project.revision)
    again = [studio_of(folder, who).folder for who in ('', 'bob')]
    assert [len(one.project.tiers[0].classes) for one in again] == [3, 4]
    assert again[1].project.visible('video_0') == [[(0, 9, 3)]]
    (file,) = studio_of(folder, 'bob').write(['csv'], 'labels')
    assert file.parent == folder / 'studio' / 'observers' / 'bob' / 'files'


@pytest.mark.parametrize('name', ['a/b', '..', 'a b', 'x' * 41, 'ann.', '\u202eann'])
def test_names_that_are_none_of_files_are_refused(tmp_path, name):
    with raises_naming(UserError, '--observer', 'letters'):
        project_file(tmp_path, name)


def test_names_differ_by_more_than_case(tmp_path):
    """Some file systems would take them for one."""
    project_file(tmp_path, 'ann').touch()
    assert project_file(tmp_path, 'ann').name == 'studio.ann.json'
    with raises_naming(UserError, '--observer', "'Ann'", "'ann'"):
        project_file(tmp_path, 'Ann')


def test_comparing_ends_being_blind_which_the_project_says(folder):
    studio_of(folder)
    studio = studio_of(folder, 'bob')
    client = client_of(studio)
    project = client.get('api/project').json()
    assert (project['observer'], project['others']) == ('bob', [''])
    assert project['compared'] == []
    for _ in range(2):
        reply = client.post('api/compare', json={'observer': ''}).json()
        assert reply['revision'] == 1
    assert client.get('api/project').json()['compared'] == ['']
    assert load_project(folder / 'studio.bob.json').compared == ['']
    # Bob has not labelled anything.
    assert reply['disagreements'] == []
    (start, end, kind), *_ = open_folder(folder).project.visible('video_0')[0]
    assert reply['labels']['video_0'][0][0] == [start, end, kind, None, f'class_{kind}']
    body = {'tier': 0, 'start': 0, 'end': 9, 'segments': [[0, 9, 2]], 'revision': 1}
    url = 'api/recordings/0/labels'
    assert client.post(url, json=body).status_code == 200
    reply = client.post('api/compare', json={'observer': ''}).json()
    row = reply['disagreements'][0]
    assert (row['recording'], row['mine'], row['take']) == ('video_0', 2, '')
    settled = {'observer': '', 'take': 'mine', 'start': row['start'], 'end': row['end']}
    body |= {'revision': 2, 'settled': settled}
    wrong = body | {'settled': settled | {'take': 'all'}}
    assert client.post(url, json=wrong).status_code == 400
    assert client.post(url, json=body).status_code == 200
    reply = client.post('api/compare', json={'observer': ''}).json()
    assert [one['take'] for one in reply['disagreements']][:1] == ['mine']


def test_projects_are_compared_by_agree(pair, tmp_path):
    mine, theirs = pair
    settle(mine, 30, 40, 1, 'theirs')
    files = [str(one.path) for one in pair]
    agree([*files, '--out', str(tmp_path / 'out')], prog='agree')
    content = json.loads((tmp_path / 'out' / 'agreement.json').read_text())
    (row,), (own,) = content['overall'], compare(*pair, 'bob', ['take'])['overall']
    assert row['observers'] == ['studio', 'bob']
    assert (row['kappa'], row['f1@50']) == (own['kappa'], own['f1'])
    assert [one['said'] for one in content['disagreements']] == [
        {'studio': 'lift', 'bob': 'sit'}
    ]


@pytest.mark.parametrize('name', ['bob', 'eve', '../x'])
def test_observer_who_is_not_there_is_named(folder, name):
    client = client_of(studio_of(folder, 'bob'))
    reply = client.post('api/compare', json={'observer': name})
    assert reply.status_code == 400
    assert repr(name) in reply.json()['error']


def test_project_that_cannot_be_read_is_named_and_not_asked_for_again(folder):
    client = client_of(studio_of(folder, 'bob'))
    (folder / 'studio.eve.json').symlink_to('nowhere')
    reply = client.post('api/compare', json={'observer': 'eve'})
    # With another status, the page would hold labels back until it is there.
    assert reply.status_code == 400
    assert 'studio.eve.json' in reply.json()['error']
    assert load_project(folder / 'studio.bob.json').compared == []


def test_observers_see_no_file_of_each_other(folder):
    """A project is no file of labels."""
    studio_of(folder, 'bob')
    assert open_folder(folder).notes == open_folder(folder, observer='eve').notes == []


def test_many_disagreements_are_found_soon(tmp_path, rng):
    """An hour of 5,000 segments answers while somebody waits."""
    cuts = [np.sort(rng.choice(90_000, 5000, replace=False)) for _ in range(2)]
    rows = [
        [(a, b, i % 2) for i, (a, b) in enumerate(pairwise(own))]
        for own in (one.tolist() for one in cuts)
    ]
    mine = project_of(tmp_path, 90_000, *rows[0])
    theirs = project_of(tmp_path, 90_000, *rows[1], name='studio.bob.json')
    found = compare(mine, theirs, 'bob', ['take'])
    differ = mine.frame_labels('take') != theirs.frame_labels('take')
    both = (mine.frame_labels('take') >= 0) & (theirs.frame_labels('take') >= 0)
    total = sum(row['end'] - row['start'] for row in found['disagreements'])
    assert total == np.count_nonzero(differ & both)
