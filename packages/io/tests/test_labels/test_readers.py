"""Readers of label files, on small files in the formats of the tools."""

import json
import re
from pathlib import Path

import pytest

from mmskelseg_io.labels import Segment, VideoSegments, read_segments, write_elan
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming

SAMPLES = Path(__file__).parent / 'samples'
# The labels of take1 in every sample, at 25 frames per second.
TAKE1 = [(0.0, 1.28, 'walk'), (1.28, 2.52, 'lift')]


def spans(video):
    return [(s.start, s.end, s.label) for s in video.segments]


def by_name(videos):
    return {video.name: video for video in videos}


@pytest.mark.parametrize(
    ('name', 'options', 'expected'),
    [
        # Point events and empty observations are skipped.
        ('project.boris', {'observation': 'take one'}, {'take1': TAKE1}),
        # Times run on over the files and include the observation's time offset.
        (
            'project.boris',
            {'observation': 'two files'},
            {'take2': [(1.0, 3.0, 'walk')], 'take3': [(0.0, 1.5, 'walk')]},
        ),
        ('aggregated_events.tsv', {}, {'take1': TAKE1}),
        ('tabular_events.csv', {}, {'take1': TAKE1}),
        ('tabular_events_boris7.csv', {}, {'take1': TAKE1}),
        # The only independent tier.
        ('labels.eaf', {}, {'take1': TAKE1}),
        # Those that are not deleted.
        ('via.json', {}, {'take1': TAKE1, 'take2': [(0.5, 2.0, 'walk')]}),
        # The last shape of a track lasts to the end of the task.
        (
            'cvat_video.xml',
            {'fps': 25, 'attribute': 'action'},
            {'take1': [*TAKE1, (3.0, 4.0, 'walk')]},
        ),
        (
            'cvat_video.xml',
            {'fps': 25},
            {'take1': [(0.0, 2.52, 'person'), (3.0, 4.0, 'person')]},
        ),
        # Every third frame is labelled, and stands for three.
        (
            'cvat_images.xml',
            {'fps': 3},
            {'take2': [(0.0, 2.0, 'walk'), (3.0, 4.0, 'lift')]},
        ),
    ],
)
def test_sample_gives_the_segments_of_each_video(name, options, expected):
    videos = read_segments(SAMPLES / name, **options)
    assert {video.name: spans(video) for video in videos} == expected


def test_media_and_rate_are_those_that_the_tool_states():
    (video,) = read_segments(SAMPLES / 'project.boris', observation='take one')
    assert (video.fps, video.filename) == (25, 'videos/take1.mp4')
    (video,) = read_segments(SAMPLES / 'labels.eaf')
    assert video.filename == 'file:///home/me/my videos/take1.mp4'


@pytest.mark.parametrize(
    ('name', 'options', 'fps'),
    [
        ('project.boris', {'observation': 'take one'}, 25),
        ('aggregated_events.tsv', {}, 25),
        ('tabular_events.csv', {}, 25),
        ('tabular_events_boris7.csv', {}, 25),
        ('cvat_video.xml', {'fps': 25}, 25),
    ],
)
def test_length_and_rate_are_those_that_the_file_states(name, options, fps):
    (video,) = read_segments(SAMPLES / name, **options)
    assert (video.seconds, video.fps) == (4.0, fps)


def test_boris_project_takes_one_of_several_subjects():
    path = SAMPLES / 'project.boris'
    (video,) = read_segments(path, observation='live', subject='guest')
    assert (video.name, spans(video)) == ('live', [(2.0, 4.0, 'walk')])
    with raises_naming(ValueError, path, "'live'", "'cook', 'guest'", '--person each'):
        read_segments(path, observation='live')


def test_boris_table_whose_state_stops_before_it_starts_is_an_error(tmp_path):
    lines = (SAMPLES / 'tabular_events.csv').read_text().splitlines()
    swapped = [
        line.replace('START', 'STOP').replace('STOP,1.280', 'START,1.280')
        if ',walk,' in line
        else line
        for line in lines[:4]
    ]
    path = tmp_path / 'swapped.csv'
    path.write_text('\n'.join([*swapped, '']))
    with raises_naming(ValueError, path, "'walk'", '0.000 s'):
        read_segments(path, strict=True)


def test_elan_adds_the_offset_of_the_media(tmp_path):
    """Annotation time 0 is the media's time TIME_ORIGIN."""
    text = (SAMPLES / 'labels.eaf').read_text()
    path = tmp_path / 'offset.eaf'
    path.write_text(
        text.replace('MIME_TYPE="video/mp4"', 'MIME_TYPE="video/mp4" TIME_ORIGIN="500"')
    )
    (video,) = read_segments(path)
    assert spans(video) == [(0.5, 1.78, 'walk'), (1.78, 3.02, 'lift')]


def test_label_studio_reads_frames_boxes_and_seconds():
    """Frames count from 1 and include both ends, at the rate of the interface."""
    videos = by_name(read_segments(SAMPLES / 'label_studio.json', fps=25))
    assert sorted(videos) == ['take1', 'take2', 'take3']
    assert spans(videos['take1']) == TAKE1
    assert [s.score for s in videos['take1'].segments] == [None, 0.75]
    assert spans(videos['take2']) == [(0.0, 1.0, 'walk'), (3.0, 4.0, 'walk')]
    assert spans(videos['take3']) == [(0.5, 1.75, 'lift')]


def test_label_studio_takes_one_control_alone():
    videos = read_segments(SAMPLES / 'label_studio.json', fps=25, control='box')
    assert [video.name for video in videos] == ['take2']


def test_cvat_project_is_a_video_for_each_task():
    """Named after the tasks, since a project states no source."""
    path, notes = SAMPLES / 'cvat_project.xml', []
    videos = by_name(read_segments(path, fps=25, notes=notes))
    assert {name: spans(video) for name, video in videos.items()} == {
        'take1': [(0.0, 2.0, 'walk')],
        'take2': [(0.8, 2.0, 'lift')],
    }
    assert notes == [f"{path}: 1 of 3 tasks are left out: 'take3.mp4' (without labels)"]


@pytest.mark.parametrize('separator', [',', ';', '\t'])
def test_csv_reads_any_separator_and_order_of_columns(tmp_path, separator):
    path = tmp_path / 'take1.csv'
    rows = ['label,start,end,score', 'lift,1.28,2.52,', '"walk",0,1.28,0.5']
    path.write_text('\n'.join(rows).replace(',', separator), encoding='utf-8-sig')
    (video,) = read_segments(path)
    assert (video.name, spans(video)) == ('take1', TAKE1)
    assert [s.score for s in video.segments] == [0.5, None]


def test_csv_divides_rows_by_video(tmp_path):
    path = tmp_path / 'all.csv'
    path.write_text(
        'Video,Start,end,label\na,0,1,walk,\nb,0,2,lift\na,1,2,lift\n,,,,,\n'
    )
    videos = by_name(read_segments(path))
    assert spans(videos['a']) == [(0, 1, 'walk'), (1, 2, 'lift')]
    assert spans(videos['b']) == [(0, 2, 'lift')]


def test_format_or_option_that_does_not_exist_is_named(tmp_path):
    for path, format, options, named in (
        (tmp_path / 'labels.docx', None, {}, '--label-format'),
        (tmp_path / 'labels.xls', None, {}, 'CSV'),
        (tmp_path / 'labels.txt', 'praat', {}, "'praat' | csv, boris"),
        (SAMPLES / 'labels.eaf', None, {'fps': 25}, "elan | 'fps' | tier"),
    ):
        if path.parent == tmp_path:
            path.touch()
        with raises_naming(UserError, f'{path}: ', named):
            read_segments(path, format, **options)
    assert read_segments(SAMPLES / 'labels.eaf', fps=None)[0].name == 'take1'


def of_tiers(video):
    return [(s.tier, s.start, s.end, s.label) for s in video.segments]


TIERS = [('left hand', 0, 2, 'rest'), ('posture', 0, 1, 'sit'), ('posture', 1, 2, 'up')]


def test_table_may_have_a_column_of_tiers(tmp_path):
    path = tmp_path / 'take1.csv'
    rows = [f'{tier},{start},{end},{label}' for tier, start, end, label in TIERS]
    path.write_text('\n'.join(['tier,start,end,label', *rows, ',3,4,x']))
    (video,) = read_segments(path)
    assert sorted(of_tiers(video)) == [('', 3, 4, 'x'), *TIERS]


@pytest.fixture
def elan(tmp_path):
    """A file with two tiers, and an empty one."""
    segments = [Segment(s, e, label, 0.5, tier) for tier, s, e, label in TIERS]
    tiers = {'posture': ['sit', 'up'], 'left hand': ['rest'], 'gaze': ['up']}
    marks = [Segment(0, 1, 'look here')]
    video = VideoSegments('take1', segments, 10, 20, marks=marks)
    write_elan(tmp_path / 'take1.eaf', video, tiers)
    return tmp_path / 'take1.eaf'


def test_tiers_of_elan_are_read_together_or_alone(elan):
    (video,) = read_segments(elan)
    assert sorted(of_tiers(video)) == TIERS
    (video,) = read_segments(elan, tier=['posture', 'left hand'])
    assert sorted(of_tiers(video)) == TIERS
    (video,) = read_segments(elan, tier='posture')
    assert of_tiers(video) == [('', 0, 1, 'sit'), ('', 1, 2, 'up')]
    with raises_naming(ValueError, elan, "'gaze'", "'posture', 'left hand'"):
        read_segments(elan, tier='gaze')


def test_tier_of_elan_keeps_its_name_beside_an_empty_one(elan):
    """So that it means the same in each file of a data set."""
    text = re.sub(
        r'<TIER [^>]*TIER_ID="left hand">.*?</TIER>', '', elan.read_text(), flags=re.S
    )
    elan.write_text(text)
    (video,) = read_segments(elan)
    assert {s.tier for s in video.segments} == {'posture'}
    elan.write_text(text.replace('TIER_ID="gaze"', 'TIER_ID="default"'))
    (video,) = read_segments(elan)
    assert {s.tier for s in video.segments} == {''}


FIRST = 'TEMPORAL-SEGMENTS'  # The attribute of the sample.


def test_attributes_of_via_are_tiers(tmp_path):
    project = json.loads((SAMPLES / 'via.json').read_text())
    project['attribute']['7'] = {
        'aname': 'hand',
        'anchor_id': 'FILE1_Z2_XY0',
        'type': 1,
    }
    first = next(iter(project['metadata'].values()))
    first['av']['7'] = 'rest'
    path = tmp_path / 'via.json'
    path.write_text(json.dumps(project))
    videos = by_name(read_segments(path))
    names = {s.name for video in videos.values() for s in video.segments}
    assert names == {f'{FIRST}: walk', f'{FIRST}: lift', 'hand: rest'}
    videos = by_name(read_segments(path, attribute=FIRST))
    assert spans(videos['take1']) == TAKE1
    first['av'] = {}
    path.write_text(json.dumps(project))
    with raises_naming(ValueError, path, FIRST, "''", 'walk, lift'):
        read_segments(path, strict=True)


def test_several_attributes_of_cvat_are_tiers(tmp_path):
    text = (SAMPLES / 'cvat_video.xml').read_text()
    attribute = '<attribute name="action">'
    hand = '<attribute name="hand">rest</attribute>'
    path = tmp_path / 'cvat.xml'
    path.write_text(text.replace(attribute, hand + attribute))
    (video,) = read_segments(path, fps=25, attribute=['action', 'hand'])
    action = [(s.start, s.end, s.label) for s in video.segments if s.tier == 'action']
    assert action == [*TAKE1, (3, 4, 'walk')]
    hand = [(s.start, s.end, s.label) for s in video.segments if s.tier == 'hand']
    assert hand == [(0, 2.52, 'rest'), (3, 4, 'rest')]


def test_controls_of_label_studio_are_tiers_if_a_task_has_several(tmp_path):
    tasks = json.loads((SAMPLES / 'label_studio.json').read_text())
    first = tasks[0]['annotations'][0]['result']
    first.append({**first[0], 'from_name': 'hand'})
    path = tmp_path / 'tasks.json'
    path.write_text(json.dumps(tasks))
    videos = by_name(read_segments(path, fps=25))
    assert of_tiers(videos['take1'])[:2] == [
        ('videoLabels', 0, 1.28, 'walk'), ('hand', 0, 1.28, 'walk')
    ]  # fmt: skip
    assert {s.tier for s in videos['take2'].segments} == {'box'}
    (video,) = read_segments(path, fps=25, control='hand')
    assert of_tiers(video) == [('', 0, 1.28, 'walk')]
    (video, *_) = read_segments(path, fps=25, control=['hand', 'videoLabels'])
    assert len({s.tier for s in video.segments}) == 2


def test_boris_hands_on_categories_and_exclusions():
    (video,) = read_segments(SAMPLES / 'project.boris', observation='take one')
    assert video.ethogram.excluded['walk'] == {'lift'}
    assert list(video.ethogram.categories.items())[:2] == [('walk', ''), ('lift', '')]
    (video,) = read_segments(SAMPLES / 'aggregated_events.tsv')
    assert video.ethogram.excluded == {}
