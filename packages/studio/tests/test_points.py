"""Point events: moments that are kept, counted and exported, but never learnt."""

from dataclasses import replace

import pytest

from mmskelseg_io.labels import (
    ClassInfo,
    Segment,
    VideoSegments,
    read_ethogram,
    read_segments,
    write_boris,
)
from mmskelseg_io.labels.segments import Ethogram
from mmskelseg_io.messages.errors import UserError
from mmskelseg_studio.folder import open_folder, training_data
from mmskelseg_studio.loading import load_project
from tests.conftest import add_class, ethogram, studio_of
from tests.errors import raises_naming
from tests.small_data import save_poses, small_annotations

BITE = ClassInfo('bite', '', 'b', '#ff0000', 'teeth', kind='point')
CALL = ClassInfo('call', '', 'c', kind='point')
SEGMENTS = [
    Segment(0.0, 2.0, 'walk'),
    Segment(1.0, 1.0, 'bite'),
    Segment(1.0, 1.0, 'call'),
    Segment(3.5, 3.5, 'bite'),
]


@pytest.fixture
def observed(tmp_path):
    """A folder with poses, and a BORIS project that has a state and point events."""
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    known = Ethogram(classes=[ClassInfo('walk', '', 'w'), BITE, CALL])
    video = VideoSegments('take', SEGMENTS, 10.0, 60, ethogram=known)
    write_boris(tmp_path / 'a.boris', [video], ['walk'])
    return tmp_path


def moments(project):
    return [s for s in project.segments('take').segments if s.is_point]


def test_point_events_of_boris_are_a_tier_of_their_own(observed):
    project = open_folder(observed).project
    assert [(t.name, t.kind, [*t.ids]) for t in project.tiers] == [
        ('', 'states', ['walk']),
        ('points', 'points', ['bite', 'call']),
    ]
    assert project.recordings['take'].labels == [
        [(0, 20, 0)],
        [(10, 11, 0), (10, 11, 1), (35, 36, 0)],
    ]
    project.save()
    assert load_project(project.path).tiers == project.tiers


def test_point_events_go_back_to_boris_and_tables(observed):
    studio = studio_of(observed)
    project, events, table = studio.write(['boris', 'boris-events', 'csv'], 'labels')
    for path, options in ((project, {'point_seconds': 0}), (table, {})):
        (video,) = read_segments(path, **options)
        assert video.segments == [SEGMENTS[i] for i in (0, 1, 2, 3)]
    (video,) = read_segments(events, point_seconds=0)
    assert [s for s in video.segments if s.is_point] == SEGMENTS[1:]
    # A class without a colour of its own has the one that the page shows.
    shown = studio.tiers()[1]['classes'][1]['paint']
    assert read_ethogram(project)[1:] == [BITE, replace(CALL, color=shown)]
    # Formats of segments alone have none.
    (elan,) = studio.write(['elan'], 'labels')
    (video,) = read_segments(elan)
    assert [s.label for s in video.segments] == ['walk']


def test_models_learn_states_alone(observed):
    folder = open_folder(observed)
    data = training_data(folder, ['take'])
    assert data['metainfo']['classes'] == ['walk']
    assert data['annotations'][0]['label'].shape == (60,)
    assert folder.project.labelled_seconds('take') == 2


def test_moments_are_marked_and_undone(observed):
    project = open_folder(observed).project
    both = [(10, 11, 0), (10, 11, 1)]
    project.replace('take', 1, 10, 11, both[:1], project.revision)
    assert [s.label for s in moments(project)] == ['bite', 'bite']
    project.undo(project.revision)
    assert len(moments(project)) == 3
    for segments in ([(20, 22, 0)], [(20, 21, -1)], [(20, 21, 2)]):
        with raises_naming(UserError, str([*segments[0]])):
            project.replace('take', 1, 20, 25, segments, project.revision)


def test_classes_of_moments_are_edited_and_deleted(observed):
    project = open_folder(observed).project
    add_class(project, 'sniff', tier=1, key='s')
    tiers = ethogram(project)
    del tiers[1]['classes'][0]
    project.edit(tiers, project.revision)
    assert [s.label for s in moments(project)] == ['call']
    project = load_project(project.path)
    project.undo(project.revision)
    assert len(moments(project)) == 3


def test_older_changes_are_undone_when_files_have_brought_moments(project):
    add_class(project, 'run')
    project.add_recording('new', 20, 10.0, [Segment(1, 1, 'bite')])
    project.undo(project.revision)
    assert project.classes == ['walk', 'lift']
    assert project.recordings['new'].labels == [[], [(10, 11, 0)]]


def test_kind_of_a_tier_is_checked(project):
    tiers = [*ethogram(project), {'name': 'a', 'kind': 'lines', 'classes': []}]
    tiers[0]['name'] = 'b'
    with raises_naming(UserError, "'lines'"):
        project.edit(tiers, project.revision)
