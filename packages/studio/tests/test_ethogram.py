"""The ethogram: each change is saved, can be undone, and loses no label."""

import json
import time
from base64 import b64encode

import pytest

from mmskelseg_io.labels import ClassInfo, Segment, VideoSegments, write_boris
from mmskelseg_io.labels.segments import Ethogram
from mmskelseg_io.messages.errors import UserError
from mmskelseg_studio.ethogram import LabelClass, LabelTier, read_tiers, with_infos
from mmskelseg_studio.folder import open_folder
from mmskelseg_studio.loading import load_project
from mmskelseg_studio.project import OutdatedError
from tests.conftest import add_class, ethogram, studio_of
from tests.errors import assert_names, raises_naming
from tests.small_data import save_poses, small_annotations


def add_file(studio, name, content, revision):
    """Add the classes of a file as the page sends it."""
    return studio.add_classes(name, b64encode(content).decode(), revision)


def edit(project, change):
    """Edit the ethogram by a function that changes the classes of the first tier."""
    tiers = ethogram(project)
    change(tiers[0]['classes'])
    return project.edit(tiers, project.revision)


def labels(project):
    return [[s.label, s.start, s.end] for s in project.segments('take').segments]


def test_classes_get_names_keys_colors_groups_and_descriptions(project):
    more = dict(
        key='B', color='#AABBCC', description='bends  the back', group='posture'
    )
    add_class(project, ' bend ', **more)
    edit(project, lambda classes: classes[0].update(name='go'))
    tier = load_project(project.path).tiers[0]
    bend = LabelClass(2, 'bend', 'B', '#aabbcc', 'bends the back', 'posture')
    assert tier.classes == (LabelClass(0, 'go'), LabelClass(1, 'lift'), bend)
    # Names are what labels show.
    assert labels(project) == [['go', 1, 3], ['lift', 3, 5]]


def test_order_of_classes_is_that_of_their_ids_in_training(project):
    edit(project, lambda classes: classes.reverse())
    assert project.classes == ['lift', 'walk']
    assert project.frame_labels('take')[[10, 30]].tolist() == [1, 0]
    assert labels(project) == [['walk', 1, 3], ['lift', 3, 5]]
    assert load_project(project.path).classes == ['lift', 'walk']


def test_deleted_class_takes_its_labels_and_brings_them_back(project):
    edit(project, lambda classes: classes.pop(0))
    assert labels(project) == [['lift', 3, 5]]
    assert project.labelled_seconds('take') == 2
    assert (project.frame_labels('take') == 0).sum() == 20
    # A new class of the same name is another one.
    add_class(project, 'walk')
    assert labels(project) == [['lift', 3, 5]]
    project.undo(project.revision)
    project = load_project(project.path)
    project.undo(project.revision)
    assert labels(project) == [['walk', 1, 3], ['lift', 3, 5]]
    project.redo(project.revision)
    assert labels(project) == [['lift', 3, 5]]


def test_tiers_are_added_labelled_and_undone(project):
    tiers = ethogram(project)
    tiers[0]['name'] = 'actions'
    project.edit([*tiers, {'name': 'gaze', 'classes': []}], project.revision)
    add_class(project, 'up', tier=1)
    project.replace('take', 1, 20, 30, [(20, 30, 0)], project.revision)
    assert project.frame_labels('take')[:, 25].tolist() == [0, 0]
    for _ in range(3):
        project.undo(project.revision)
        # What is undone can be opened, and redone.
        project = load_project(project.path)
        project.save()
    assert [tier.name for tier in project.tiers] == ['']
    for _ in range(3):
        project.redo(project.revision)
    assert project.classes == {'actions': ['walk', 'lift'], 'gaze': ['up']}
    assert project.recordings['take'].labels[1] == [(20, 30, 0)]


def with_gaze(project):
    tiers = ethogram(project)
    tiers[0]['name'] = 'actions'
    project.edit([*tiers, {'name': 'gaze', 'classes': []}], project.revision)


def test_empty_tier_is_removed_and_comes_back_with_all_it_had(project):
    with_gaze(project)
    add_class(project, 'up', tier=1)
    project.replace('take', 1, 20, 30, [(20, 30, 0)], project.revision)
    with raises_naming(UserError, '1 of 2'):
        project.edit(ethogram(project)[:1], project.revision)
    tiers = ethogram(project)
    tiers[1]['classes'] = []
    project.edit(tiers, project.revision)
    project.edit(ethogram(project)[:1], project.revision)
    assert [tier.name for tier in project.tiers] == ['actions']
    assert len(project.recordings['take'].labels) == 1
    # Another one takes its place, of another kind.
    points = {'name': 'calls', 'kind': 'points', 'classes': [{'name': 'call'}]}
    project.edit([*ethogram(project), points], project.revision)
    both = [(5, 6, 0), (5, 6, 0)]
    project.replace('take', 1, 5, 6, both, project.revision)
    steps = [len(project.history)]
    while project.can_undo:
        project = load_project(project.path)
        project.undo(project.revision)
        project.save()
        steps.append([*map(len, project.recordings['take'].labels)])
    # Call, its tier, the removal, the label of a deleted class, that class, its label.
    assert steps == [8, [2, 0], [2], [2, 0], [2, 1], [2, 1], [2, 0], [2, 0], [2]]
    while project.can_redo:
        project = load_project(project.path)
        project.redo(project.revision)
        project.save()
    assert project.recordings['take'].labels[1] == both


def test_removal_of_a_tier_is_not_travelled_when_files_have_brought_one(project):
    with_gaze(project)
    project.edit(ethogram(project)[:1], project.revision)
    project.add_recording('new', 20, 10.0, [Segment(1, 1, 'bite')])
    with raises_naming(UserError, "'points'"):
        project.undo(project.revision)
    assert project.recordings['new'].labels == [[], [(10, 11, 0)]]


def test_classes_of_files_stay_when_older_changes_are_undone(project):
    edit(project, lambda classes: classes.pop(0))
    project.add_recording('new', 20, 10.0, [Segment(0, 1, 'walk')])
    project.undo(project.revision)
    assert project.classes == ['walk', 'lift', 'walk 2']
    assert project.segments('new').segments[0].label == 'walk 2'


def test_tier_that_has_got_labels_of_files_is_not_undone(project):
    tiers = [{'name': 'a', 'classes': []}, {'name': 'gaze', 'classes': []}]
    project.edit(tiers, project.revision)
    project.add_recording('new', 20, 10.0, [Segment(0, 1, 'up', tier='gaze')])
    with raises_naming(UserError, "'gaze'"):
        project.undo(project.revision)


@pytest.mark.parametrize(
    ('values', 'named'),
    [
        ({'name': ' '}, "called ''"),
        ({'name': 'lift'}, "name 'lift'"),
        ({'name': 'a\nb'}, repr('a\nb')),
        ({'key': 'ab'}, "key | 'walk' | 'ab'"),
        ({'key': 'F13'}, "key | 'walk' | 'F13'"),
        ({'key': 'l'}, "key 'l'"),
        ({'color': 'blue'}, "color | 'walk' | 'blue'"),
        ({'description': 'a\x07'}, "description | 'walk' | \\x07"),
        ({'group': '\ud800'}, "group | 'walk' | \\ud800"),
        ({'id': 7}, 'class is 7'),
    ],
)
def test_values_are_checked_where_they_enter(project, values, named):
    edit(project, lambda classes: classes[1].update(key='l'))
    before = project.path.read_bytes()
    with raises_naming(UserError, named):
        edit(project, lambda classes: classes[0].update(values))
    assert project.path.read_bytes() == before


def test_tiers_have_different_names(project):
    tiers = ethogram(project)
    for names in (['a', 'a'], ['', 'a']):
        wanted = [{**tiers[0], 'name': names[0]}, {'name': names[1], 'classes': []}]
        with raises_naming(UserError, str(names)):
            project.edit(wanted, project.revision)


def test_ids_in_a_file_are_checked():
    classes = [{'id': 1, 'name': 'a'}, {'id': 1, 'name': 'b'}]
    for made, named in ((2, '[1, 1] | 1'), (0, '[1, 1] | -1')):
        tier = {
            'name': '',
            'classes': classes,
            'background': None,
            'made': made,
            'kind': 'states',
        }
        with raises_naming(UserError, 'x: tiers[0].classes', named):
            read_tiers([tier], 'x: ')


def test_files_of_classes_alone_give_them_in_their_order(tmp_path):
    """They are no recordings, and no notes say that something is wrong with them."""
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    columns, row = 'class,key,colour,description,group', 'walk,w,#FF0000,on foot,moves'
    (tmp_path / 'a.csv').write_text(f'{columns}\n{row}\nbow,,,,\n')
    walk = LabelClass(0, 'walk', 'w', '#ff0000', 'on foot', 'moves')
    studio = studio_of(tmp_path)
    assert studio.folder.project.tiers[0].classes == (walk, LabelClass(1, 'bow'))
    assert studio.folder.notes == []
    # What is exported is read in another folder, in the format of each tool.
    files = studio.write(['boris', 'elan', 'classes'], 'labels')
    for i, file in enumerate(files):
        folder = tmp_path / 'studio' / f'other{i}'
        folder.mkdir()
        save_poses(folder / 'take.npz', small_annotations()['annotations'][0])
        (folder / file.name).write_bytes(file.read_bytes())
        other = open_folder(folder)
        found, bow = other.project.tiers[0].classes
        assert (other.notes, bow.name) == ([], 'bow')
        assert found.description == 'on foot'
        if file.suffix != '.eaf':
            assert found == walk


def test_damaged_file_of_classes_is_noted(tmp_path):
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    (tmp_path / 'a.csv').write_text('class,key\nwalk,ab\n')
    folder = open_folder(tmp_path)
    assert_names(folder.notes[0], tmp_path / 'a.csv', 'line 2', "'ab'")
    assert folder.project.classes == []


def test_classes_of_files_come_before_those_of_labels(tmp_path):
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    (tmp_path / 'a.csv').write_text('class,key\nwalk,w\nlift,w\n')
    rows = 'video,start,end,label\ntake,0,1,bow\ntake,1,2,lift\n'
    (tmp_path / 'labels.csv').write_text(rows)
    project = open_folder(tmp_path).project
    assert project.classes == ['walk', 'lift', 'bow']
    assert [one.key for one in project.tiers[0].classes] == ['w', '', '']
    assert [s.label for s in project.segments('take').segments] == ['bow', 'lift']


def test_classes_of_a_file_are_added_to_those_of_a_project(tmp_path):
    """What is known stays, what a file has beside is added, and clashes are said."""
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    studio = studio_of(tmp_path)
    project = studio.folder.project
    add_class(project, 'walk', key='w')
    add_class(project, 'lift', color='#00ff00')
    given = ['walk,g,#ff0000,on foot', 'sit,w,,', 'lift,,#0000ff,', 'run,r,,']
    table = '\n'.join(['class,key,color,description', *given]).encode()
    answer = add_file(studio, 'a.csv', table, project.revision)
    assert project.tiers[0].classes == (
        LabelClass(0, 'walk', 'w', '#ff0000', 'on foot'),
        LabelClass(1, 'lift', color='#00ff00'),
        LabelClass(2, 'sit'),
        LabelClass(3, 'run', 'r'),
    )
    for note, named in zip(
        answer['notes'],
        ["'walk' | 'w' | 'g'", "'sit' | 'w' | 'walk'", "'lift' | '#0000ff'"],
        strict=True,
    ):
        assert_names(note, named)
    with raises_naming(UserError, 'It adds nothing', "'walk'"):
        add_file(studio, 'a.csv', table, project.revision)
    project.undo(project.revision)
    assert project.classes == ['walk', 'lift']
    with pytest.raises(OutdatedError):
        add_file(studio, 'a.csv', table, 0)


def test_classes_of_boris_are_added_with_their_tiers_and_kinds(tmp_path):
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    studio = studio_of(tmp_path)
    add_class(studio.folder.project, 'walk')
    infos = [ClassInfo('rest', 'left'), ClassInfo('rest', 'right', '1')]
    classes = {'left': ['rest'], 'right': ['rest']}
    known = Ethogram(classes=[*infos, ClassInfo('bite', '', 'b', kind='point')])
    file = tmp_path / 'studio' / 'a.boris'
    write_boris(file, [VideoSegments('a', [], 10, 9, ethogram=known)], classes)
    content = json.loads(file.read_text())
    content['behaviors_conf']['0'] |= {'key': 'Space', 'color': 'red'}
    data = json.dumps(content).encode()
    notes = add_file(studio, 'a.boris', data, studio.folder.project.revision)['notes']
    assert_names(notes[0], 'a.boris', "key 'Space'", "color 'red'", "'left: rest'")
    assert str(tmp_path) not in notes[0]
    tiers = [(one.name, one.kind, [*one.ids]) for one in studio.folder.project.tiers]
    assert tiers == [
        ('actions', 'states', ['walk']),
        ('left', 'states', ['rest']),
        ('right', 'states', ['rest']),
        ('points', 'points', ['bite']),
    ]


@pytest.mark.parametrize(
    ('name', 'content', 'named'),
    [
        ('a.csv', b'start,end\n0,1\n', 'a.csv'),
        ('a.csv', b'class,key\nwalk,ab\n', "a.csv | line 2 | 'ab'"),
        ('a.boris', b'{', 'a.boris'),
        ('a.png', b'', 'a.png'),
        ('a\x07.csv', b'', 'a\\x07.csv'),
        ('..', b'', '..'),
    ],
)
def test_file_that_states_no_classes_is_refused(studio, name, content, named):
    tiers = [*studio.folder.project.tiers]
    with raises_naming(UserError, named):
        add_file(studio, name, content, 0)
    assert studio.folder.project.tiers == tiers


def test_tiers_of_files_are_those_of_a_new_project():
    infos = [ClassInfo('rest', 'left'), ClassInfo('rest', 'right')]
    tiers = with_infos([LabelTier('')], infos, [])
    assert [(tier.name, [*tier.ids]) for tier in tiers] == [
        ('left', ['rest']),
        ('right', ['rest']),
    ]


def test_too_many_classes_are_refused_where_they_enter(project):
    """In seconds, whatever a file lists, and nothing is added."""
    before = ethogram(project)
    infos = [ClassInfo(f'c{i}') for i in range(200_000)]
    began = time.monotonic()
    with raises_naming(UserError, '2000'):
        project.add_classes(infos, [], project.revision)
    with raises_naming(UserError, '2000'):
        classes = [{'name': one.name} for one in infos]
        project.edit([{'name': '', 'classes': classes}], project.revision)
    assert time.monotonic() - began < 10
    assert ethogram(project) == before
