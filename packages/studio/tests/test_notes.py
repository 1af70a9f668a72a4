"""Modifiers and comments stay with their segments, through edits and files."""

import json

import pytest

from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    read_segments,
    write_boris,
    write_elan,
)
from mmskelseg_io.messages.errors import UserError
from mmskelseg_studio.folder import open_folder, training_data
from mmskelseg_studio.loading import load_project
from tests.conftest import studio_of
from tests.errors import raises_naming
from tests.small_data import save_poses, small_annotations

SEGMENTS = [
    Segment(0, 2, 'walk', modifiers='slow|left', comment='limps'),
    Segment(2, 4, 'walk'),
    Segment(3, 3, 'call', modifiers='loud'),
]
SLOW = ('slow|left', 'limps')


def write(folder, *segments):
    video = VideoSegments('take', segments, 10.0, 60)
    write_boris(folder / 'a.boris', [video], ['walk'])


@pytest.fixture
def observed(tmp_path):
    """A folder with poses, and a BORIS project with modifiers and comments."""
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    write(tmp_path, *SEGMENTS)
    return tmp_path


def test_notes_come_from_boris_and_go_back(observed):
    studio = studio_of(observed)
    project = load_project(studio.folder.project.path)
    assert project.recordings['take'].labels == [
        [(0, 20, 0, SLOW), (20, 40, 0)],
        [(30, 31, 0, ('loud', ''))],
    ]
    for file in studio.write(['boris', 'boris-events', 'csv'], 'labels'):
        options = {} if file.name == 'labels_segments.csv' else {'point_seconds': 0}
        (video,) = read_segments(file, **options)
        assert [one for one in video.segments if not one.is_point] == SEGMENTS[:2]
        assert [one for one in video.segments if one.is_point] == SEGMENTS[2:]


def test_models_know_nothing_of_notes(observed):
    folder = open_folder(observed)
    (entry,) = training_data(folder, ['take'])['annotations']
    assert entry['label'].tolist() == [0] * 40 + [-1] * 20
    assert folder.project.labelled_seconds('take') == 4


def test_parts_of_a_segment_keep_its_note(observed):
    project = open_folder(observed).project
    row = project.recordings['take'].labels[0]
    project.replace('take', 0, 5, 10, [(5, 10, 0, ('', 'falls'))], 0)
    parts = [(0, 5, 0, SLOW), (5, 10, 0, ('', 'falls')), (10, 20, 0, SLOW)]
    assert project.recordings['take'].labels[0] == [*parts, (20, 40, 0)]
    project = load_project(project.path)
    project.undo(project.revision)
    assert project.recordings['take'].labels[0] == row
    project.redo(project.revision)
    assert project.recordings['take'].labels[0][:3] == parts


@pytest.mark.parametrize(
    ('segment', 'named'),
    [
        ([0, 9], 'labels[0][0] | [0, 9]'),
        ([0, 9, 0, 1], 'labels[0][0][3] | 1'),
        ([0, 9, 0, ['a']], "labels[0][0][3] | ['a']"),
        ([0, 9, 0, ['a', 1]], 'labels[0][0][3][1] | 1'),
        ([0, 9, ['a', 'b']], "labels[0][0][2] | ['a', 'b']"),
        ([0, 9, 0, ['a', '\x07']], "'take' | comment | frame 0 | \\x07"),
    ],
)
def test_damaged_notes_are_named(project, segment, named):
    content = json.loads(project.path.read_text())
    content['recordings']['take']['labels'] = [[segment]]
    project.path.write_text(f'{json.dumps(content)}\n')
    with raises_naming(UserError, project.path, 'take', named):
        load_project(project.path)


def test_comments_added_in_boris_are_offered(observed):
    studio = studio_of(observed)
    walk, more, call = SEGMENTS
    write(observed, walk, Segment(2, 4, 'walk', comment='again'), call)
    (offer,) = studio.look()['labels']
    studio.take_offers([offer['id']], studio.folder.project.revision)
    labels = studio.folder.project.recordings['take'].labels[0]
    assert labels == [(0, 20, 0, SLOW), (20, 40, 0, ('', 'again'))]
    # A format without comments says nothing of them.
    write_elan(observed / 'a.eaf', VideoSegments('take', [walk, more]), ['walk'])
    assert studio.look()['labels'] == []
