"""Classes with keys, colors and descriptions in files of tools, read and written."""

import json

import pytest

from mmskelseg_io.labels import (
    ClassInfo,
    Segment,
    VideoSegments,
    read_ethogram,
    read_segments,
    write_boris,
    write_elan,
)
from mmskelseg_io.labels.segments import Ethogram
from mmskelseg_io.labels.text import write_csv_classes
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming

WALK = ClassInfo('walk', '', 'w', '#ff0000', 'goes on foot', 'moves')
LIFT = ClassInfo('lift', '', 'L', '', 'lifts, a box', 'moves')
BOW = ClassInfo('bow', '', '1', '#00ff00')
HANDS = [ClassInfo('rest', 'left', 'r', group='still'), ClassInfo('wave', 'left', 'v'),
         ClassInfo('rest', 'right', '1', '#0000ff', 'lies')]  # fmt: skip
TEMPLATE = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/><TIME_ORDER/>
<TIER LINGUISTIC_TYPE_REF="hands" TIER_ID="left"/>
<TIER LINGUISTIC_TYPE_REF="hands" TIER_ID="right@ann" PARTICIPANT="ann"/>
<TIER LINGUISTIC_TYPE_REF="free" TIER_ID="notes"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="hands" CONTROLLED_VOCABULARY_REF="cv"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="free"/>
<CONTROLLED_VOCABULARY CV_ID="cv">{}</CONTROLLED_VOCABULARY>
</ANNOTATION_DOCUMENT>"""


def video(infos, *segments):
    return VideoSegments('take', segments, 10.0, 50, ethogram=Ethogram(classes=infos))


def names(infos):
    tiers = {}
    for one in infos:
        tiers.setdefault(one.tier, []).append(one.name)
    return tiers if len(tiers) > 1 else tiers['']


@pytest.mark.parametrize('infos', [[WALK, LIFT, BOW], HANDS])
def test_boris_project_states_what_was_written(tmp_path, infos):
    path = tmp_path / 'a.boris'
    done = Segment(0, 1, infos[0].name, tier=infos[0].tier)
    write_boris(path, [video(infos, done)], names(infos))
    assert read_ethogram(path) == infos
    assert read_segments(path)[0].segments == [done]


def test_boris_gives_free_keys_to_others_and_lists_categories(tmp_path):
    path = tmp_path / 'a.boris'
    infos = [BOW, ClassInfo('sit', group='still')]
    write_boris(path, [video(infos)], names(infos))
    assert [one.key for one in read_ethogram(path)] == ['1', '2']
    project = json.loads(path.read_text())
    assert project['behavioral_categories'] == ['still']


def test_boris_keys_and_colors_that_cannot_be_used_are_left_out(tmp_path):
    path = tmp_path / 'a.boris'
    write_boris(path, [video([WALK, BOW])], ['walk', 'bow'])
    project = json.loads(path.read_text())
    project['behaviors_conf']['0'] |= {'key': 'F13', 'color': 'red'}
    project['behaviors_conf']['1'] |= {'key': None, 'color': '#00FF00'}
    path.write_text(json.dumps(project))
    walk, bow = read_ethogram(path)
    assert (walk.key, walk.color, bow.key, bow.color) == ('', '', '', '#00ff00')


def test_table_of_classes_states_what_was_written(tmp_path):
    path = tmp_path / 'a.csv'
    write_csv_classes(path, [WALK, LIFT, *HANDS])
    assert read_ethogram(path) == [WALK, LIFT, *HANDS]
    path.write_text('class;colour\nwalk;#AABBCC\nsit;\n')
    assert read_ethogram(path) == [ClassInfo('walk', color='#aabbcc'), ClassInfo('sit')]


@pytest.mark.parametrize(
    ('row', 'named'),
    [
        ('walk,ab,', "key | 'walk' | 'ab'"),
        ('walk,,blue', "color | 'walk' | 'blue'"),
        (',a,', "called ''"),
    ],
)
def test_table_of_classes_names_its_line(tmp_path, row, named):
    path = tmp_path / 'a.csv'
    path.write_text(f'class,key,color\nsit,,\n{row}\n')
    with raises_naming(UserError, path, 'line 3', named):
        read_ethogram(path)


@pytest.mark.parametrize(
    'entries',
    [
        '<CV_ENTRY_ML CVE_ID="a"><CVE_VALUE DESCRIPTION="lies" LANG_REF="und">rest'
        '</CVE_VALUE></CV_ENTRY_ML><CV_ENTRY_ML CVE_ID="b"><CVE_VALUE LANG_REF="und">'
        'act</CVE_VALUE></CV_ENTRY_ML>',
        '<CV_ENTRY DESCRIPTION="lies">rest</CV_ENTRY><CV_ENTRY>act</CV_ENTRY>',
    ],
)
def test_elan_template_states_the_vocabularies_of_its_tiers(tmp_path, entries):
    path = tmp_path / 'a.etf'
    path.write_text(TEMPLATE.format(entries))
    assert read_ethogram(path) == [
        ClassInfo(name, tier, description=text)
        for tier in ('left', 'right')
        for name, text in (('rest', 'lies'), ('act', ''))
    ]


def test_elan_file_states_what_was_written(tmp_path):
    path = tmp_path / 'a.eaf'
    write_elan(path, video([WALK, LIFT], Segment(0, 1, 'lift')), ['walk', 'lift'])
    walk, lift = read_ethogram(path)
    assert (walk.name, walk.description) == ('walk', 'goes on foot')
    assert (lift.name, lift.description) == ('lift', 'lifts, a box')
    (found,) = read_segments(path)
    assert found.segments[0].label == 'lift'


def test_file_without_classes_is_named(tmp_path):
    path = tmp_path / 'a.etf'
    path.write_text(TEMPLATE.format(''))
    with raises_naming(UserError, path):
        read_ethogram(path)
