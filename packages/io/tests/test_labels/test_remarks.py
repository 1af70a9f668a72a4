"""Modifiers and comments of BORIS: read from its files, and written back the same."""

import json

import pytest

from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    read_segments,
    write_boris,
    write_boris_events,
    write_csv_segments,
)
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming

SEGMENTS = [
    Segment(0, 1, 'walk', modifiers='slow|left', comment='limps, "badly"'),
    Segment(1, 1, 'call', modifiers='loud,long'),
    Segment(1, 2, 'walk', modifiers='fast|None'),
    Segment(2, 2, 'call', comment='to whom?'),
    Segment(2, 4, 'sit', comment='until the end'),
    Segment(4, 5, 'walk'),
]
VIDEO = VideoSegments('take', SEGMENTS, 10, 50)
WRITERS = {
    'out.boris': lambda path: write_boris(path, [VIDEO], ['walk', 'sit']),
    'events.csv': lambda path: write_boris_events(path, [VIDEO]),
    'out.csv': lambda path: write_csv_segments(path, [VIDEO]),
}


def observed(path, *events):
    """Write a project of BORIS that has a state s and a point p."""
    types = {'s': 'State event', 'p': 'Point event'}
    behaviors = {code: {'code': code, 'type': kind} for code, kind in types.items()}
    live = {'file': [], 'events': [[*event, 0] for event in events]}
    content = {'behaviors_conf': behaviors, 'observations': {'one': live}}
    path.write_text(json.dumps(content))


@pytest.mark.parametrize('name', WRITERS)
def test_remarks_come_back_the_same(tmp_path, name):
    WRITERS[name](tmp_path / name)
    points = {} if name == 'out.csv' else {'point_seconds': 0}
    (video,) = read_segments(tmp_path / name, **points)
    key = vars(Segment(0, 0, '')).keys()
    assert sorted(video.segments, key=lambda s: [str(getattr(s, k)) for k in key]) == (
        sorted(SEGMENTS, key=lambda s: [str(getattr(s, k)) for k in key])
    )


def test_project_has_the_sets_of_modifiers_that_segments_have(tmp_path):
    write_boris(tmp_path / 'out.boris', [VIDEO], ['walk', 'sit'])
    content = json.loads((tmp_path / 'out.boris').read_text())
    sets = {one['code']: one['modifiers'] for one in content['behaviors_conf'].values()}
    assert sets == {
        'walk': {
            '0': {'name': '', 'type': 0, 'values': ['fast', 'slow']},
            '1': {'name': '', 'type': 0, 'values': ['left']},
        },
        'sit': '',
        'call': {'0': {'name': '', 'type': 1, 'values': ['long', 'loud']}},
    }


def test_comments_of_start_and_stop_are_joined(tmp_path):
    observed(
        tmp_path / 'a.boris',
        (0, '', 's', 'm', 'first\nline'),
        (1, '', 's', 'm', 'last'),
        (2, '', 's', '', 'same'),
        (3, '', 's', '', 'same'),
        # Of a prediction, which says nothing of what a person saw.
        (4, '', 's', '', 'confidence 0.875'),
        (5, '', 's', '', ''),
        (6, '', 'p', 'loud', 'far'),
    )
    (video,) = read_segments(tmp_path / 'a.boris', point_seconds=0)
    assert video.segments == [
        Segment(0, 1, 's', modifiers='m', comment='first line; last'),
        Segment(2, 3, 's', comment='same'),
        Segment(4, 5, 's'),
        Segment(6, 6, 'p', modifiers='loud', comment='far'),
    ]


def test_tabular_events_have_several_modifiers(tmp_path):
    rows = [
        'Observation id,Behavior,Modifier #1,Modifier #2,Behavior type,Time,Comment',
        'one,s,slow,left,START,0,seen',
        'one,s,slow,left,STOP,1,',
        'one,s,fast,,START,2,',
        'one,s,fast,,STOP,3,lost',
    ]
    (tmp_path / 'a.csv').write_text('\n'.join(rows))
    (video,) = read_segments(tmp_path / 'a.csv')
    assert video.segments == [
        Segment(0, 1, 's', modifiers='slow|left', comment='seen'),
        Segment(2, 3, 's', modifiers='fast', comment='lost'),
    ]


def test_target_is_the_first_of_the_modifiers(tmp_path):
    given = [
        Segment(0, 1, 's', individual='ann', target='bob', modifiers='hard'),
        Segment(1, 2, 's', individual='bob', modifiers='soft'),
    ]
    write_boris(tmp_path / 'a.boris', [VideoSegments('a', given, 10, 20)], ['s'])
    (video,) = read_segments(tmp_path / 'a.boris', subject='each')
    assert video.segments == given


def test_control_characters_are_refused(tmp_path):
    observed(tmp_path / 'a.boris', (0, '', 's', '', 'a\x07'), (1, '', 's', '', ''))
    with raises_naming(UserError, tmp_path / 'a.boris', "'one'", 'comment', 'a\\x07'):
        read_segments(tmp_path / 'a.boris')
