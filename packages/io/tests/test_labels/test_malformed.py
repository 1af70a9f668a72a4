"""Malformed label files: each ends in one sentence with file, place and value."""

import json

import pytest

from mmskelseg_io.labels import read_segments
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.oracle import check_sentence
from tests.test_labels.test_readers import SAMPLES

OPTIONS = {
    'project.boris': {'observation': 'take one'},
    'label_studio.json': {'fps': 25},
    'cvat_video.xml': {'fps': 25, 'attribute': 'action'},
    'cvat_project.xml': {'fps': 25},
}
# A sample, a text in it, another text in its place, and what the message names.
FAULTS = (
    ('project.boris', '[0.0,"cook","walk","","",0],', '',
     "observation 'take one' | 'walk' | 1.280 s has no end"),
    ('project.boris', '[1.6,"cook","drop"', '[1.6,"cook","fall"',
     "observation 'take one' | event 3 | 'fall' | ethogram"),
    ('project.boris', '[1.28,"cook","lift"', '["1,28","cook","lift"',
     "observation 'take one' | event 1 | time is '1,28'"),
    ('project.boris', '"behaviors_conf"', '"behaviours"', 'lacks behaviors_conf'),
    ('project.boris', '"0":{"key"', '"0"{"key"', 'line 8, column 6 | BORIS'),
    ('project.boris', '"code":"lift"', '"code":"walk"', "behavior | 'walk'"),
    ('project.boris', '"live":{', '"take one":{', "keys | 'take one'"),
    ('project.boris', '{"videos/take1.mp4":25.0', '{"videos/take1.mp4":"fast"',
     "observation 'take one' | fps | 'fast'"),
    ('aggregated_events.tsv', 'STATE\t1.280', 'STATE\t', "line 3 | Start (s) is ''"),
    ('aggregated_events.tsv', '\t0.000\t1.280', '\t1.280\t0.000',
     "line 2 | 'walk' starts at 1.28 s and stops at 0 s"),
    ('tabular_events.csv', ',Time,', ',When,', 'Behavior and Time'),
    ('labels.eaf', '<ANNOTATION_VALUE>walk</ANNOTATION_VALUE>',
     '<ANNOTATION_VALUE/>', "tier 'actions' | annotation a1 | 0.000 to 1.280 s is ''"),
    ('labels.eaf', ' TIME_VALUE="1280"', '', "annotation a1 | time slot 'ts2'"),
    ('labels.eaf', 'milliseconds', 'PAL-frames', "TIME_UNITS is 'PAL-frames'"),
    ('labels.eaf', '</HEADER>', '', 'line 59, column 3 | ELAN'),
    ('labels.eaf', '<ANNOTATION_DOCUMENT',
     '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><ANNOTATION_DOCUMENT',
     'a document type'),
    ('labels.eaf', '<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="default"/>',
     '<TIER LINGUISTIC_TYPE_REF="action" TIER_ID="actions"/>', "TIER | 'actions'"),
    ('labels.eaf', 'TIME_SLOT_ID="ts3"', 'TIME_SLOT_ID="ts2"', "TIME_SLOT | 'ts2'"),
    ('labels.eaf', 'TIME_VALUE="2520"', 'TIME_VALUE="1e308"', 'annotation a2 | 1e+305'),
    ('label_studio.json', '"timelinelabels": ["lift"]',
     '"timelinelabels": ["lift", "walk"]', "task 11, region pM1xZ | 'lift', 'walk'"),
    ('label_studio.json', '"was_cancelled": true', '"was_cancelled": false',
     'task 11 has 2 annotations'),
    ('label_studio.json', '"ranges": [{"start": 33, "end": 63}]',
     '"ranges": {"start": 33, "end": 63}',
     "task 11, region pM1xZ | ranges | {'start': 33, 'end': 63}"),
    ('label_studio.json', '"start": 33', '"start": null',
     'task 11, region pM1xZ | start is None'),
    ('label_studio.json', '"start": 33', '"start": 33.7',
     'task 11, region pM1xZ | start is 33.7 | whole number'),
    ('via.json', '"av":{"1":"2"}', '"av":{"1":"7"}',
     "metadata '1_aB3dE6gH' | TEMPORAL-SEGMENTS is '7' | walk, lift"),
    ('via.json', '"aname":"object","anchor_id":"FILE1_Z1_XY1"',
     '"aname":"TEMPORAL-SEGMENTS","anchor_id":"FILE1_Z2_XY0"',
     "attribute | 'TEMPORAL-SEGMENTS'"),
    ('via.json', '[1.28,2.52]', '[2.52,1.28]',
     "metadata '1_aB3dE6gH' | 'lift' starts at 2.520 s and ends at 1.280 s"),
    ('via.json', '"fid_list":["1"]', '"fid_list":["9"]',
     "metadata '1_aB3dE6gH' | view '1'"),
    ('cvat_video.xml', '<box frame="32"', '<box frame="middle"',
     "track 0 | frame is 'middle'"),
    ('cvat_video.xml', 'frame="0"', 'frame="0.7"', "frame is '0.7' | whole number"),
    ('cvat_video.xml', '<attribute name="action">', '<attribute name="deed">',
     "track 0, frame 0 | attribute 'action'"),
    ('cvat_project.xml', 'step=5', 'step=x',
     "task 2 ('take2.mp4') | frame_filter is 'step=x'"),
    ('cvat_project.xml', '<name>take2', '<name>take1', "'take1' is labelled twice"),
    ('cvat_project.xml', 'task_id="12"', 'task_id="14"',
     "track '1', task_id, is '14'"),
    ('cvat_project.xml', '<id>12', '<id>11', 'two of its 3 tasks have the same id'),
)  # fmt: skip
TABLES = (
    ('start,end,class\n0,1,walk\n', 'start, end, class | without label'),
    ('start,end,label\n0,1,walk\n1,two,lift\n', "line 3 | end | 'two'"),
    ('start,end,label\n0,0:04,walk\n', "line 2 | end | seconds | '0:04'"),
    ('start,end,label\n0,1,walk, fast\n', 'line 2 has 4 cells | line 1 has 3'),
    ('start,end,label\n0,1,\n', "line 2 | the label from 0.000 to 1.000 s is ''"),
    ('start,end,label\n', 'no video'),
    ('', 'without start, end, label'),
    ('video,start,end,label\na,0,1,walk\n,1,2,lift\n', "line 3 | video is ''"),
)


def check_fault(path, *named, **options):
    """Check that reading a file fails with one sentence, and what this names."""
    with raises_naming(UserError, *named) as error:
        read_segments(path, **options)
    check_sentence(str(error.value), (str(path),))


@pytest.mark.parametrize(('name', 'old', 'new', 'named'), FAULTS)
def test_malformed_file_is_named_with_place_and_value(tmp_path, name, old, new, named):
    text = (SAMPLES / name).read_text()
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new, 1))
    check_fault(path, named, strict=True, **OPTIONS.get(name, {}))


@pytest.mark.parametrize(('text', 'named'), TABLES)
def test_malformed_table_is_named_with_line_and_value(tmp_path, text, named):
    path = tmp_path / 'labels.csv'
    path.write_text(text)
    check_fault(path, named)


@pytest.mark.parametrize(
    ('name', 'place'),
    [('cvat_video.xml', 'frame numbers'), ('label_studio.json', 'region kQ3vT')],
)
def test_frames_without_a_rate_name_the_option(name, place):
    check_fault(SAMPLES / name, place, '--label-fps')


def test_two_observations_of_one_video_are_an_error(tmp_path):
    project = json.loads((SAMPLES / 'project.boris').read_text())
    observation = project['observations']['take one']
    project['observations'] = {'first': observation, 'second': observation}
    path = tmp_path / 'twice.boris'
    path.write_text(json.dumps(project))
    check_fault(path, "'take1'", "'first'", strict=True)
    assert read_segments(path, observation='second')[0].name == 'take1'


def test_length_of_a_medium_is_none_below_zero(tmp_path):
    text = (SAMPLES / 'project.boris').read_text()
    path = tmp_path / 'project.boris'
    path.write_text(text.replace('{"videos/take2.mp4":3.0', '{"videos/take2.mp4":-3.0'))
    check_fault(path, "'two files'", 'videos/take2.mp4', '-3', observation='two files')
