"""Predictions that go to another tool for correction come back the same."""

import json
from dataclasses import replace

import pytest

from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    read_segments,
    write_boris,
    write_boris_events,
    write_elan,
    write_label_studio,
    write_srt,
)
from mmskelseg_io.labels.boris import read_boris_events
from tests.errors import raises_naming
from tests.tables import read_table


@pytest.fixture
def video():
    segments = [Segment(0, 0.5, 'walk', 0.9), Segment(0.5, 2, 'lift', 0.625)]
    return VideoSegments('take1', segments, 10, 20, 'take1.mp4')


def test_boris_project_offers_classes_that_exclude_each_other(tmp_path, video):
    path = tmp_path / 'out.boris'
    write_boris(path, [video, replace(video, name='take2')], ['walk', 'lift', 'rest'])
    project = json.loads(path.read_text())
    behaviors = project['behaviors_conf'].values()
    assert [(b['code'], b['key'], b['excluded']) for b in behaviors] == [
        ('walk', '1', 'lift,rest'),
        ('lift', '2', 'walk,rest'),
        ('rest', '3', 'walk,lift'),
    ]
    assert project['observations']['take1']['events'] == [
        [0, '', 'walk', '', 'confidence 0.900', 0],
        [0.5, '', 'walk', '', '', 5],
        [0.5, '', 'lift', '', 'confidence 0.625', 5],
        [2, '', 'lift', '', '', 20],
    ]
    assert list(project['observations']) == ['take1', 'take2']


@pytest.mark.parametrize('lacking', ['fps', 'num_frames'])
def test_boris_project_needs_the_duration(tmp_path, video, lacking):
    with raises_naming(ValueError, "'take1'", lacking):
        write_boris(tmp_path / 'a', [replace(video, **{lacking: None})], ['walk'])


def test_boris_project_refuses_unknown_classes_and_equal_names(tmp_path, video):
    with raises_naming(ValueError, "'take1'", "'lift'", ' walk.'):
        write_boris(tmp_path / 'a', [video], ['walk'])
    with raises_naming(ValueError, tmp_path / 'a', "'take1'"):
        write_boris(tmp_path / 'a', [video, video], ['walk', 'lift'])
    assert not list(tmp_path.iterdir())


def test_boris_table_has_the_columns_of_an_export(tmp_path, video):
    path = tmp_path / 'out.csv'
    write_boris_events(path, [video])
    rows = read_table(path)
    assert len(rows[0]) == 24
    assert rows[1]['Behavior'] == 'lift'
    assert rows[1]['Behavior type'] == 'STATE'
    assert (rows[1]['Start (s)'], rows[1]['Stop (s)']) == ('0.500', '2.000')
    assert read_boris_events(path)[0].name == 'take1'


def test_label_studio_counts_frames_from_one_and_keeps_scores(tmp_path, video):
    path = tmp_path / 'out.json'
    write_label_studio(path, [video])
    (task,) = json.loads(path.read_text())
    assert task['data'] == {'video': 'take1.mp4', 'fps': 10, 'frame_dir': 'take1'}
    (prediction,) = task['predictions']
    assert prediction['score'] == pytest.approx(0.7625)
    assert [r['value'] for r in prediction['result']] == [
        {'ranges': [{'start': 1, 'end': 5}], 'timelinelabels': ['walk']},
        {'ranges': [{'start': 6, 'end': 20}], 'timelinelabels': ['lift']},
    ]
    with raises_naming(ValueError, path, '--label-option part=predictions'):
        read_segments(path)


def test_elan_file_is_what_pympi_reads(tmp_path, video):
    pympi = pytest.importorskip('pympi')
    path = tmp_path / 'out.eaf'
    write_elan(path, video, ['walk', 'lift'])
    eaf = pympi.Eaf(str(path))
    assert eaf.get_annotation_data_for_tier('actions') == [
        (0, 500, 'walk'),
        (500, 2000, 'lift'),
    ]
    below = eaf.get_ref_annotation_data_for_tier('confidence')
    assert [row[2] for row in below] == ['0.900', '0.625']
    assert eaf.get_linked_files()[0]['MEDIA_URL'] == './take1.mp4'


def test_elan_reads_what_pympi_writes(tmp_path):
    pympi = pytest.importorskip('pympi')
    eaf = pympi.Eaf()
    eaf.add_linked_file('/videos/take1.mp4', mimetype='video/mp4')
    eaf.add_annotation('default', 500, 2000, 'lift')
    eaf.add_annotation('default', 0, 500, 'walk')
    eaf.to_file(str(tmp_path / 'out.eaf'))
    (back,) = read_segments(tmp_path / 'out.eaf')
    assert back.name == 'take1'
    assert back.segments == [Segment(0, 0.5, 'walk'), Segment(0.5, 2, 'lift')]


def test_subtitles_show_labels_and_confidences(tmp_path, video):
    path = tmp_path / 'out.srt'
    write_srt(path, [*video.segments, Segment(3661.5, 3662, 'rest')])
    assert path.read_text() == (
        '1\n00:00:00,000 --> 00:00:00,500\nwalk (90%)\n\n'
        '2\n00:00:00,500 --> 00:00:02,000\nlift (62%)\n\n'
        '3\n01:01:01,500 --> 01:01:02,000\nrest\n\n'
    )
