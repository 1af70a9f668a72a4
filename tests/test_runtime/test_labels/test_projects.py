"""Unfinished projects: usable parts are read, a note lists the others."""

import gzip
import json

import pytest
from mmengine.logging import MMLogger

from mmskelseg.runtime.labels import read_segments
from tests.test_runtime.test_labels.test_readers import SAMPLES, spans

# [time, subject, code, modifiers, comment]; s is a state, p a point event.
OBSERVATIONS = {
    'point events': (['a.mp4'], [[1, '', 'p', '', ''], [2, '', 'p', '', '']]),
    'ann and bob': (
        ['b.mp4'],
        [
            [3.3, 'ann', 's', '', ''],
            [7.75, 'ann', 's', '', ''],
            [8, 'bob', 's', '', ''],
            [9, 'bob', 's', '', ''],
        ],
    ),
    'bob live': ([], [[1, 'bob', 's', '', ''], [2.5, 'bob', 's', '', '']]),
    'unpaired': (
        ['c.mp4'],
        [[1, 'ann', 's', '', ''], [2, 'ann', 's', '', ''], [4, 'ann', 's', '', '']],
    ),
    'modifiers': (
        ['d.mp4'],
        [
            [1, 'ann', 'r', 'm1', ''],
            [2, 'ann', 'r', 'None', ''],
            [3, 'ann', 'r', 'm1', ''],
            [5, 'ann', 'r', 'None', ''],
        ],
    ),
    'again': (['d.mp4'], [[1, 'ann', 's', '', ''], [2, 'ann', 's', '', '']]),
    'empty': ({}, []),
}


@pytest.fixture
def project(tmp_path):
    """A project of BORIS 7 with these observations."""
    content = {
        'behaviors_conf': {
            str(i): {'code': code, 'type': kind}
            for i, (code, kind) in enumerate(
                [('s', 'State event'), ('r', 'State event'), ('p', 'Point event')]
            )
        },
        'observations': {
            name: {
                'file': {'1': files, '2': []} if files else files,
                'type': 'MEDIA' if files else 'LIVE',
                'time offset': 0.0,
                'events': events,
                'media_info': {'length': {}, 'fps': {}, 'offset': {}},
            }
            for name, (files, events) in OBSERVATIONS.items()
        },
    }
    path = tmp_path / 'lab.boris'
    path.write_text(json.dumps(content))
    return path


def test_observations_that_fit_are_read_and_the_others_told(project):
    notes = []
    videos = read_segments(project, subject='ann', notes=notes)
    assert {video.name: spans(video) for video in videos} == {
        'b': [(3.3, 7.75, 's')],
        'd': [(1, 3, 'r'), (2, 5, 'r')],
    }
    assert notes == [
        f'{project}: 5 of 7 observations are left out: '
        "'point events', 'empty' (without labels); "
        "'bob live' (there is no subject 'ann'); "
        "'unpaired' (the state 's' that starts at 4.000 s has no end); "
        "'again' (the video 'd' is labelled twice, by 'modifiers' as well)"
    ]


def test_the_note_is_a_warning_by_default(project, caplog, monkeypatch):
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'handlers', [caplog.handler])
    (video,) = read_segments(project, subject='bob', observation='bob live')
    assert spans(video) == [(1, 2.5, 's')]
    assert not caplog.records
    read_segments(project, subject='bob')
    (record,) = caplog.records
    assert record.levelname == 'WARNING'
    assert '5 of 7 observations are left out: ' in record.getMessage()


def test_strict_makes_the_first_that_does_not_fit_an_error(project):
    with pytest.raises(ValueError, match="'bob live': there is no subject 'ann'; ther"):
        read_segments(project, subject='ann', strict=True)


def test_a_project_of_which_nothing_fits_is_an_error(project):
    message = r"'ann and bob': there is no.*\(the first of 7 observations, none of whi"
    with pytest.raises(ValueError, match=message):
        read_segments(project, subject='carl')


def test_several_observations_are_chosen_by_name_and_have_to_fit(project):
    videos = read_segments(project, subject='ann', observation=['again', 'ann and bob'])
    assert [video.name for video in videos] == ['d', 'b']
    with pytest.raises(ValueError, match="'unpaired': the state 's'"):
        read_segments(project, subject='ann', observation=['again', 'unpaired'])
    with pytest.raises(ValueError, match="no observation 'agian'; there is 'point eve"):
        read_segments(project, observation=['again', 'agian'])


def test_point_events_are_skipped_with_a_note_or_get_a_length(project):
    content = json.loads(project.read_text())
    observation = content['observations']['modifiers']
    observation['time offset'] = 1
    observation['events'] += [[4, 'ann', 'p', '', ''], [6, 'ann', 'to label', '', '']]
    content['behaviors_conf']['3'] = {'code': 'to label', 'type': 'Point event'}
    project.write_text(json.dumps(content))
    options = {'observation': 'modifiers', 'notes': []}
    (video,) = read_segments(project, **options)
    assert spans(video) == [(0, 2, 'r'), (1, 4, 'r')]
    assert options['notes'] == [
        f'{project}: 1 point events are skipped, since they have no duration; '
        '--label-option point_seconds=0.1 reads each as a tenth of a second'
    ]
    options['notes'].clear()
    (video,) = read_segments(project, point_seconds=0.25, **options)
    assert spans(video) == [(0, 2, 'r'), (1, 4, 'r'), (3, 3.25, 'p')]
    assert not options['notes']


def test_a_project_of_nothing_but_point_events_names_the_option(project):
    name = {'observation': 'point events'}
    message = r'lab\.boris: no states, only 2 point events.*--label-option point_s'
    with pytest.raises(ValueError, match=message):
        read_segments(project, **name)
    # As a text, as the command line gives it.
    (video,) = read_segments(project, point_seconds='0.5', **name)
    assert spans(video) == [(1, 1.5, 'p'), (2, 2.5, 'p')]
    for wrong, told in (('-1', 'point_seconds is -1, expected'), ('x', "is 'x'")):
        with pytest.raises(ValueError, match=told):
            read_segments(project, point_seconds=wrong, **name)


@pytest.mark.parametrize(
    'table',
    [
        'Observation id,Subject,Behavior,Behavior type,Time\n'
        'one,ann,s,START,1\none,ann,s,STOP,2\none,ann,p,POINT,3\n',
        'Observation id,Subject,Behavior,Behavior type,Start (s),Stop (s)\n'
        'one,ann,s,STATE,1,2\none,ann,p,POINT,3,3\n',
        'Observation id,Subject,Behavior,Behavior type,Start (s),Stop (s)\n'
        'one,ann,s,STATE,1,2\none,ann,p,POINT,3,NA\n',
    ],
)
def test_point_events_of_a_table(table, tmp_path):
    path = tmp_path / 'events.csv'
    path.write_text(table)
    notes = []
    (video,) = read_segments(path, notes=notes)
    assert spans(video) == [(1, 2, 's')]
    assert '1 point events are skipped' in notes[0]
    (video,) = read_segments(path, point_seconds=0.5)
    assert spans(video) == [(1, 2, 's'), (3, 3.5, 'p')]


def test_a_packed_project_is_the_same(project, tmp_path):
    packed = tmp_path / 'lab.boris.gz'
    packed.write_bytes(gzip.compress(project.read_bytes()))
    options = {'subject': 'ann', 'notes': []}
    assert read_segments(packed, **options) == read_segments(project, **options)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ValueError, match='not a complete gzip file'):
        read_segments(packed)
    packed.write_bytes(project.read_bytes())
    with pytest.raises(ValueError, match='not a complete gzip file'):
        read_segments(packed)


def test_a_note_names_few_of_many(project):
    content = json.loads(project.read_text())
    observations = content['observations']
    for i in range(30):
        observations[f'empty {i}'] = observations['empty']
    for i in range(7):
        event = [i, 'ann', f'x{i}', '', '']
        observations[f'odd {i}'] = {'file': [], 'events': [event]}
    project.write_text(json.dumps(content))
    notes = []
    read_segments(project, subject='ann', notes=notes)
    (note,) = notes
    assert "'point events', 'empty', 'empty 0' and 29 more (without labels)" in note
    assert note.endswith('the ethogram lacks); and for 5 other reasons')


def test_a_table_of_boris_leaves_out_observations_too(tmp_path):
    path = tmp_path / 'events.csv'
    head = 'Observation id,Subject,Behavior,Behavior type,Time,Media file name\n'
    rows = [
        'one,ann,s,START,1,a.mp4',
        'one,ann,s,STOP,2,a.mp4',
        'two,ann,s,START,1,b.mp4',
        'three,bob,s,START,1,c.mp4',
        'three,bob,s,STOP,2,c.mp4',
        'four,ann,s,START,soon,d.mp4',
    ]
    path.write_text(head + '\n'.join(rows))
    notes = []
    (video,) = read_segments(path, subject='ann', notes=notes)
    assert (video.name, spans(video)) == ('a', [(1, 2, 's')])
    (note,) = notes
    assert "'four' (line 7: Time is 'soon', expected a number with a decimal" in note
    with pytest.raises(ValueError, match="'two': the state 's'"):
        read_segments(path, subject='ann', strict=True)


def span(start, end, **value):
    return {'from_name': 'x', 'value': {'start': start, 'end': end, **value}}


def test_label_studio_leaves_out_tasks_that_are_not_finished(tmp_path):
    """Two people annotated the second, nobody the third; the fourth is no video."""
    tasks = [
        {
            'id': 1,
            'data': {'video': 'a.mp4'},
            'annotations': [
                {
                    'result': [
                        span(0, 1, labels=['walk']),
                        # What was said in that region, and a region without a label.
                        span(0, 1, text=['hm']),
                        {'value': {'sequence': [{'frame': 1, 'enabled': True}]}},
                    ]
                }
            ],
        },
        {
            'id': 2,
            'data': {'video': 'b.mp4'},
            'annotations': [{'result': [span(0, 1, labels=['walk'])]}] * 2,
        },
        {'id': 3, 'data': {'video': 'c.mp4'}, 'annotations': []},
        {'id': 4, 'data': {'image': 'd.jpg'}, 'annotations': [{'result': []}]},
    ]
    path = tmp_path / 'export.json'
    path.write_text(json.dumps(tasks))
    notes = []
    (video,) = read_segments(path, notes=notes)
    assert (video.name, spans(video)) == ('a', [(0, 1, 'walk')])
    assert notes == [
        f'{path}: 3 of 4 tasks are left out: '
        'task 2 (has 2 annotations); task 3 (without labels); '
        'task 4 (its data has no video file)'
    ]
    with pytest.raises(ValueError, match='task 2 has 2 annotations'):
        read_segments(path, strict=True)


def test_via_leaves_out_videos_with_a_segment_without_a_class(tmp_path):
    entries = {'a': ('1', '1'), 'b': ('2', '1'), 'c': ('2', '')}
    project = {
        'attribute': {
            '1': {
                'aname': 'action',
                'anchor_id': 'FILE1_Z2_XY0',
                'type': 4,
                'options': {'1': 'walk'},
            }
        },
        'file': {vid: {'fname': f'take{vid}.mp4'} for vid in '12'},
        'view': {vid: {'fid_list': [vid]} for vid in '12'},
        'metadata': {
            key: {'vid': vid, 'flg': 0, 'z': [0, 1], 'xy': [], 'av': {'1': value}}
            for key, (vid, value) in entries.items()
        },
    }
    path = tmp_path / 'via.json'
    path.write_text(json.dumps(project))
    notes = []
    (video,) = read_segments(path, notes=notes)
    assert video.name == 'take1'
    (note,) = notes
    assert "1 of 2 videos are left out: view 2 (metadata 'c': action is ''" in note


def test_elan_leaves_out_annotations_without_a_value(tmp_path):
    """Such as unnamed pauses; with strict, the first is an error."""
    text = (SAMPLES / 'labels.eaf').read_text()
    value = '<ANNOTATION_VALUE>walk</ANNOTATION_VALUE>'
    assert text.count(value) == 1
    path = tmp_path / 'labels.eaf'
    path.write_text(text.replace(value, '<ANNOTATION_VALUE/>'))
    notes = []
    (video,) = read_segments(path, notes=notes)
    assert spans(video) == [(1.28, 2.52, 'lift')]
    assert notes == [
        f"{path}: 1 of 2 annotations of 'actions' are left out: a1 (without a value)"
    ]
    with pytest.raises(ValueError, match=r"annotation a1: the label .* is ''; give"):
        read_segments(path, strict=True)
    lift = '<ANNOTATION_VALUE>lift</ANNOTATION_VALUE>'
    path.write_text(path.read_text().replace(lift, '<ANNOTATION_VALUE/>'))
    with pytest.raises(ValueError, match='no video in it has a label; label one'):
        read_segments(path)
