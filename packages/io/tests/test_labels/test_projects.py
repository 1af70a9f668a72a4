"""Unfinished projects: usable parts are read, a note lists the others."""

import gzip
import json

import pytest

from mmskelseg_io.labels import read_segments
from tests.errors import raises_naming
from tests.test_labels.test_readers import SAMPLES, spans

TYPES = {'s': 'State event', 'r': 'State event', 'p': 'Point event'}


def events(subject, *rows):
    """Return events of BORIS: [time, subject, code, modifiers, comment]."""
    return [[time, subject, code, *(more or ['']), ''] for time, code, *more in rows]


# The media files and the events of each observation; s and r are states, p is a point.
OBSERVATIONS = {
    'point events': (['a.mp4'], events('', (1, 'p'), (2, 'p'))),
    'ann and bob': (
        ['b.mp4'],
        [*events('ann', (3.3, 's'), (7.75, 's')), *events('bob', (8, 's'), (9, 's'))],
    ),
    'bob live': ([], events('bob', (1, 's'), (2.5, 's'))),
    'unpaired': (['c.mp4'], events('ann', (1, 's'), (2, 's'), (4, 's'))),
    'modifiers': (
        ['d.mp4'],
        events('ann', (1, 'r', 'm1'), (2, 'r', '-'), (3, 'r', 'm1'), (5, 'r', '-')),
    ),
    'again': (['d.mp4'], events('ann', (1, 's'), (2, 's'))),
    'empty': ({}, []),
}


@pytest.fixture
def project(tmp_path):
    """A project of BORIS 7 with these observations."""
    content = {
        'behaviors_conf': {
            code: {'code': code, 'type': kind} for code, kind in TYPES.items()
        },
        'observations': {
            name: {
                'file': {'1': files, '2': []} if files else files,
                'time offset': 0.0,
                'events': rows,
                'media_info': {'length': {}, 'fps': {}, 'offset': {}},
            }
            for name, (files, rows) in OBSERVATIONS.items()
        },
    }
    path = tmp_path / 'lab.boris'
    path.write_text(json.dumps(content))
    return path


def read(path, **options):
    """Return the spans of each video, and the notes."""
    notes = []
    videos = read_segments(path, notes=notes, **options)
    return {video.name: spans(video) for video in videos}, notes


def test_observations_that_fit_are_read_and_the_others_told(project):
    found, notes = read(project, subject='ann')
    assert found == {'b': [(3.3, 7.75, 's')], 'd': [(1, 3, 'r'), (2, 5, 'r')]}
    assert notes == [
        f'{project}: 5 of 7 observations are left out: '
        "'point events', 'empty' (without labels); "
        "'bob live' (there is no subject 'ann'); "
        "'unpaired' (the state 's' that starts at 4.000 s has no end); "
        "'again' (the video 'd' is labelled twice, by 'modifiers' as well)"
    ]


def test_the_note_is_a_warning_by_default(project, logged):
    (video,) = read_segments(project, subject='bob', observation='bob live')
    assert spans(video) == [(1, 2.5, 's')]
    assert not logged.records
    read_segments(project, subject='bob')
    (record,) = logged.records
    assert record.levelname == 'WARNING'
    assert '5 of 7 observations are left out: ' in record.getMessage()


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'subject': 'ann', 'strict': True}, "'bob live' | 'ann' | 'bob'"),
        ({'subject': 'carl'}, "'ann and bob' | 'carl' | 7 observations"),
        # Those that are chosen by name have to fit.
        (
            {'subject': 'ann', 'observation': ['again', 'unpaired']},
            "'unpaired' | 's' | 4.000 s",
        ),
        ({'observation': ['again', 'agian']}, "'agian' | 'point events'"),
        ({'observation': 'point events'}, '2 point events | point_seconds=0.1'),
        ({'observation': 'point events', 'point_seconds': '-1'}, 'point_seconds | -1'),
        ({'observation': 'point events', 'point_seconds': 'x'}, "point_seconds | 'x'"),
    ],
)
def test_what_cannot_be_read_is_an_error(project, options, named):
    with raises_naming(ValueError, project, named):
        read_segments(project, **options)


def test_several_observations_are_chosen_by_name(project):
    found, _ = read(project, subject='ann', observation=['again', 'ann and bob'])
    assert list(found) == ['d', 'b']


def test_point_events_are_skipped_with_a_note_or_get_a_length(project):
    content = json.loads(project.read_text())
    observation = content['observations']['modifiers']
    observation['time offset'] = 1
    observation['events'] += events('ann', (4, 'p'), (6, 'to label'))
    content['behaviors_conf']['3'] = {'code': 'to label', 'type': 'Point event'}
    project.write_text(json.dumps(content))
    found, (note,) = read(project, observation='modifiers')
    states = [(0, 2, 'r'), (1, 4, 'r')]
    assert found == {'d': states}
    assert '1 point events are skipped' in note
    assert '--label-option point_seconds=0.1' in note
    found, notes = read(project, observation='modifiers', point_seconds=0.25)
    assert (found, notes) == ({'d': [*states, (3, 3.25, 'p')]}, [])
    # As a text, as the command line gives it.
    found, _ = read(project, observation='point events', point_seconds='0.5')
    assert found == {'a': [(1, 1.5, 'p'), (2, 2.5, 'p')]}


@pytest.mark.parametrize(
    ('times', 'rows'),
    [
        ('Time', 's,START,1 s,STOP,2 p,POINT,3'),
        ('Start (s),Stop (s)', 's,STATE,1,2 p,POINT,3,3'),
        ('Start (s),Stop (s)', 's,STATE,1,2 p,POINT,3,NA'),
    ],
)
def test_point_events_of_a_table(times, rows, tmp_path):
    path = tmp_path / 'events.csv'
    lines = [f'Observation id,Subject,Behavior,Behavior type,{times}']
    lines += [f'one,ann,{row}' for row in rows.split()]
    path.write_text('\n'.join(lines))
    found, notes = read(path)
    assert found == {'one': [(1, 2, 's')]}
    assert '1 point events are skipped' in notes[0]
    found, _ = read(path, point_seconds=0.5)
    assert found == {'one': [(1, 2, 's'), (3, 3.5, 'p')]}


@pytest.mark.parametrize('columns', ['', 'Observation id,'])
def test_a_table_without_observations_is_of_the_video_of_its_file(columns, tmp_path):
    path = tmp_path / 'take1.csv'
    row = ',' * bool(columns)
    path.write_text(f'{columns}Behavior,Start (s),Stop (s)\n{row}walk,1,2\n')
    assert read(path)[0] == {'take1': [(1, 2, 'walk')]}


def test_a_packed_project_is_the_same(project, tmp_path):
    packed = tmp_path / 'lab.boris.gz'
    whole = gzip.compress(project.read_bytes())
    packed.write_bytes(whole)
    assert read(packed, subject='ann')[0] == read(project, subject='ann')[0]
    for content in (whole[:-20], project.read_bytes()):
        packed.write_bytes(content)
        with raises_naming(ValueError, packed):
            read_segments(packed)


def test_a_note_names_few_of_many(project):
    content = json.loads(project.read_text())
    observations = content['observations']
    for i in range(30):
        observations[f'empty {i}'] = observations['empty']
    for i in range(7):
        observations[f'odd {i}'] = {'file': [], 'events': events('ann', (i, f'x{i}'))}
    project.write_text(json.dumps(content))
    _, (note,) = read(project, subject='ann')
    assert "'point events', 'empty', 'empty 0' and 29 more (without labels)" in note
    assert note.endswith('the ethogram lacks); and for 5 other reasons')


def test_a_table_of_boris_leaves_out_observations_too(tmp_path):
    path = tmp_path / 'events.csv'
    path.write_text(
        'Observation id,Subject,Behavior,Behavior type,Time,Media file name\n'
        'one,ann,s,START,1,a.mp4\none,ann,s,STOP,2,a.mp4\ntwo,ann,s,START,1,b.mp4\n'
        'three,bob,s,START,1,c.mp4\nthree,bob,s,STOP,2,c.mp4\n'
        'four,ann,s,START,soon,d.mp4'
    )
    found, (note,) = read(path, subject='ann')
    assert found == {'a': [(1, 2, 's')]}
    assert "'four' (line 7: Time is 'soon'" in note
    with raises_naming(ValueError, path, "'two'", "'s'", '1.000 s'):
        read_segments(path, subject='ann', strict=True)


def span(start, end, **value):
    return {'from_name': 'x', 'value': {'start': start, 'end': end, **value}}


def test_label_studio_leaves_out_tasks_that_are_not_finished(tmp_path):
    """Two people annotated the second, nobody the third; the fourth is no video."""
    walk = span(0, 1, labels=['walk'])
    # What was said in that region, and a region without a label.
    said = span(0, 1, text=['hm'])
    box = {'value': {'sequence': [{'frame': 1, 'enabled': True}]}}
    tasks = [
        ({'video': 'a.mp4'}, [{'result': [walk, said, box]}]),
        ({'video': 'b.mp4'}, [{'result': [walk]}] * 2),
        ({'video': 'c.mp4'}, []),
        ({'image': 'd.jpg'}, [{'result': []}]),
    ]
    content = [
        {'id': i, 'data': data, 'annotations': made}
        for i, (data, made) in enumerate(tasks, 1)
    ]
    path = tmp_path / 'export.json'
    path.write_text(json.dumps(content))
    assert read(path) == (
        {'a': [(0, 1, 'walk')]},
        [
            f'{path}: 3 of 4 tasks are left out: task 2 (has 2 annotations); '
            'task 3 (without labels); task 4 (its data has no video file)'
        ],
    )
    with raises_naming(ValueError, path, 'task 2 ', '2 annotations'):
        read_segments(path, strict=True)


def test_via_leaves_out_videos_with_a_segment_without_a_class(tmp_path):
    entries = {'a': ('1', '1'), 'b': ('2', '1'), 'c': ('2', '')}
    attribute = {'aname': 'action', 'anchor_id': 'FILE1_Z2_XY0', 'type': 4}
    project = {
        'attribute': {'1': {**attribute, 'options': {'1': 'walk'}}},
        'file': {vid: {'fname': f'take{vid}.mp4'} for vid in '12'},
        'view': {vid: {'fid_list': [vid]} for vid in '12'},
        'metadata': {
            key: {'vid': vid, 'flg': 0, 'z': [0, 1], 'xy': [], 'av': {'1': value}}
            for key, (vid, value) in entries.items()
        },
    }
    path = tmp_path / 'via.json'
    path.write_text(json.dumps(project))
    found, (note,) = read(path)
    assert list(found) == ['take1']
    assert "1 of 2 videos are left out: view 2 (metadata 'c': action is ''" in note


def test_elan_leaves_out_annotations_without_a_value(tmp_path):
    """Such as unnamed pauses; with strict, the first is an error."""
    text = (SAMPLES / 'labels.eaf').read_text()
    path = tmp_path / 'labels.eaf'

    def empty(name):
        nonlocal text
        value = f'<ANNOTATION_VALUE>{name}</ANNOTATION_VALUE>'
        assert text.count(value) == 1
        text = text.replace(value, '<ANNOTATION_VALUE/>')
        path.write_text(text)

    empty('walk')
    found, (note,) = read(path)
    assert found == {'take1': [(1.28, 2.52, 'lift')]}
    assert "1 of 2 annotations of 'actions' are left out: a1 (without a value)" in note
    with raises_naming(ValueError, path, "'actions'", ' a1:', "''"):
        read_segments(path, strict=True)
    empty('lift')
    with raises_naming(ValueError, path):
        read_segments(path)


def test_points_between_media_are_moments_of_one_of_them(project):
    """At the start, on the boundary of two files of 10 s, and at the end."""
    content = json.loads(project.read_text())
    points = events('', (0, 'p'), (10, 'p'), (20, 'p'), (2, 's'), (10, 's'))
    content['observations'] = {
        'two': {
            'file': {'1': ['a.mp4', 'b.mp4']},
            'events': points,
            'media_info': {'length': {'a.mp4': 10, 'b.mp4': 10}},
        }
    }
    project.write_text(json.dumps(content))
    one, two = read_segments(project, point_seconds=0)
    assert [(s.label, s.start, s.end) for s in one.segments] == [
        ('p', 0, 0), ('s', 2, 10)
    ]  # fmt: skip
    assert [(s.label, s.start, s.end) for s in two.segments] == [
        ('p', 0, 0), ('p', 10, 10)
    ]  # fmt: skip


def test_box_that_is_off_twice_ends_once(tmp_path):
    keys = [(1, True), (10, False), (20, False)]
    box = {'sequence': [{'frame': frame, 'enabled': on} for frame, on in keys]}
    region = {'value': {**box, 'labels': ['walk'], 'framesCount': 30}}
    task = {
        'data': {'video': 'a.mp4', 'fps': 10},
        'annotations': [{'result': [region]}],
    }
    path = tmp_path / 'a.json'
    path.write_text(json.dumps([task]))
    (video,) = read_segments(path)
    assert [(s.start, s.end) for s in video.segments] == [(0, 1)]
