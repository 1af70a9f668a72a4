"""Malformed label files: each ends in one sentence with file, place, value, remedy."""

import json
from pathlib import Path

import pytest

from mmskelseg.runtime.labels import read_segments

SAMPLES = Path(__file__).parent / 'samples'


def broken(tmp_path, name, old, new):
    """Write a sample with one thing changed; return its path."""
    text = (SAMPLES / name).read_text()
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ('name', 'old', 'new', 'message'),
    [
        (
            'project.boris',
            '[0.0,"cook","walk","","",0],',
            '',
            "observation 'take one': the state 'walk' that starts at 1.280 s has no "
            'end; add its stop event, with the same subject and modifiers.',
        ),
        (
            'project.boris',
            '[1.6,"cook","drop"',
            '[1.6,"cook","fall"',
            "observation 'take one': event 3 has the behavior 'fall', which the "
            'ethogram lacks; add it there or delete the event.',
        ),
        (
            'project.boris',
            '[1.28,"cook","lift"',
            '["1,28","cook","lift"',
            "observation 'take one': event 1: time is '1,28', expected a number with "
            'a decimal point.',
        ),
        (
            'project.boris',
            '"behaviors_conf"',
            '"behaviours"',
            'the file lacks behaviors_conf; save it in BORIS as a project.',
        ),
        (
            'project.boris',
            '"0":{"key"',
            '"0"{"key"',
            "line 8, column 6 is no JSON (Expecting ':' delimiter); export the file "
            'from BORIS again.',
        ),
        (
            'aggregated_events.tsv',
            'STATE\t1.280',
            'STATE\t',
            "line 3: Start (s) is '', expected a number with a decimal point.",
        ),
        (
            'tabular_events.csv',
            ',Time,',
            ',When,',
            'no line has the columns Behavior and Time, or Behavior and Start (s); '
            'export the events from BORIS as aggregated or tabular events.',
        ),
        (
            'labels.eaf',
            '<ANNOTATION_VALUE>walk</ANNOTATION_VALUE>',
            '<ANNOTATION_VALUE/>',
            "tier 'actions', annotation a1: the label from 0.000 to 1.280 s is ''; "
            'give it the name of a class.',
        ),
        (
            'labels.eaf',
            ' TIME_VALUE="1280"',
            '',
            "tier 'actions', annotation a1: its time slot 'ts2' has no time; give the "
            'annotation a start and an end in ELAN.',
        ),
        (
            'labels.eaf',
            'milliseconds',
            'PAL-frames',
            "TIME_UNITS is 'PAL-frames', expected milliseconds; save the file with a "
            'current ELAN.',
        ),
        (
            'labels.eaf',
            '</HEADER>',
            '',
            'line 59, column 3 is no XML (mismatched tag); export the file from ELAN '
            'again.',
        ),
        (
            'labels.eaf',
            '<ANNOTATION_DOCUMENT',
            '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
            '<ANNOTATION_DOCUMENT',
            'declares a document type, which no file of ELAN has and which '
            'could hide entities; delete it.',
        ),
        (
            'label_studio.json',
            '"timelinelabels": ["lift"]',
            '"timelinelabels": ["lift", "walk"]',
            'task 11, region pM1xZ: expected one label, but there is '
            "'lift', 'walk'; choose one by deleting the others.",
        ),
        (
            'label_studio.json',
            '"was_cancelled": true',
            '"was_cancelled": false',
            'task 11 has 2 annotations; mark one as the ground truth in Label Studio, '
            'or delete the others.',
        ),
        (
            'label_studio.json',
            '"ranges": [{"start": 33, "end": 63}]',
            '"ranges": {"start": 33, "end": 63}',
            'task 11, annotations: [0].result[1].value.ranges is '
            "{'start': 33, 'end': 63}, expected a list; export the project from "
            'Label Studio as JSON; poses are not labels.',
        ),
        (
            'label_studio.json',
            '"start": 33',
            '"start": null',
            'task 11, region pM1xZ: start is None, expected a number with a decimal '
            'point.',
        ),
        (
            'via.json',
            '"av":{"1":"2"}',
            '"av":{"1":"7"}',
            "metadata '1_aB3dE6gH': TEMPORAL-SEGMENTS is '7', expected one of its "
            'options walk, lift; choose one in VIA.',
        ),
        (
            'via.json',
            '[1.28,2.52]',
            '[2.52,1.28]',
            "metadata '1_aB3dE6gH': 'lift' starts at 2.520 s and ends at 1.280 s; "
            'swap the two.',
        ),
        (
            'via.json',
            '"fid_list":["1"]',
            '"fid_list":["9"]',
            "metadata '1_aB3dE6gH': its view '1' shows no file of the project; add "
            'the video in VIA again.',
        ),
        (
            'cvat_video.xml',
            '<box frame="32"',
            '<box frame="middle"',
            "track 0: frame is 'middle', expected a number with a decimal point.",
        ),
        (
            'cvat_video.xml',
            '<attribute name="action">',
            '<attribute name="deed">',
            "track 0, frame 0: the track 'person' has no attribute 'action'; add it "
            'in CVAT, or take the labels themselves.',
        ),
    ],
)
def test_a_malformed_file_gives_one_clear_sentence(tmp_path, name, old, new, message):
    path = broken(tmp_path, name, old, new)
    options = {
        'project.boris': {'observation': 'take one'},
        'label_studio.json': {'fps': 25},
        'cvat_video.xml': {'fps': 25, 'attribute': 'action'},
    }
    with pytest.raises(ValueError, match=r'\.$') as error:
        read_segments(path, strict=True, **options.get(name, {}))
    assert str(error.value).removeprefix(str(path)).lstrip(': ') == message


def places(node, above=()):
    """Yield the keys to every value of a JSON document."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from places(value, (*above, key))


@pytest.mark.parametrize('value', [None, 'text', -3, [], [[]], {}])
@pytest.mark.parametrize('name', ['project.boris', 'label_studio.json', 'via.json'])
def test_a_value_of_another_type_is_read_or_named(tmp_path, name, value):
    """Whatever stands in the file, the error names the file."""
    text = (SAMPLES / name).read_text()
    path = tmp_path / name
    options = {'fps': 25} if name == 'label_studio.json' else {}
    told = []
    for *above, key in places(json.loads(text)):
        document = json.loads(text)
        parent = document
        for step in above:
            parent = parent[step]
        parent[key] = value
        path.write_text(json.dumps(document))
        try:
            read_segments(path, **options)
        except ValueError as error:
            told.append(str(error))
    assert told
    assert [text for text in told if not text.startswith(f'{path}: ')] == []


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            'start,end,class\n0,1,walk\n',
            'the columns are start, end, class, without label; the first line must '
            'be a header with start, end, label.',
        ),
        (
            'start,end,label\n0,1,walk\n1,two,lift\n',
            "line 3: end is 'two', expected a number with a decimal point.",
        ),
        (
            'start,end,label\n0,1,walk, fast\n',
            'line 2 has 4 cells, but the header in line 1 has 3; complete it, or quote '
            'a text that holds the separator.',
        ),
        (
            'start,end,label\n0,1,\n',
            "line 2: the label from 0.000 to 1.000 s is ''; give it the name of a "
            'class.',
        ),
        ('start,end,label\n', 'no video in it has a label; label one first.'),
        (
            '',
            'the columns are none, without start, end, label; the first line must '
            'be a header with start, end, label.',
        ),
    ],
)
def test_a_malformed_table_gives_one_clear_sentence(tmp_path, text, message):
    path = tmp_path / 'labels.csv'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'\.$') as error:
        read_segments(path)
    assert str(error.value).removeprefix(str(path)).lstrip(': ') == message


def test_a_file_in_another_encoding_gives_one_clear_sentence(tmp_path):
    path = tmp_path / 'labels.csv'
    path.write_bytes('start,end,label\n0,1,gehört\n'.encode('latin-1'))
    with pytest.raises(ValueError, match=r'labels.csv: byte 23 is no text in UTF-8'):
        read_segments(path)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('cvat_video.xml', 'its times are frame numbers, and CVAT does not write'),
        (
            'label_studio.json',
            'region kQ3vT has frame numbers, but the task has no fps',
        ),
    ],
)
def test_frames_without_a_rate_are_an_error(name, message):
    with pytest.raises(ValueError, match=message):
        read_segments(SAMPLES / name)


def test_two_observations_of_one_video_are_an_error(tmp_path):
    project = json.loads((SAMPLES / 'project.boris').read_text())
    observation = project['observations']['take one']
    project['observations'] = {'first': observation, 'second': observation}
    path = tmp_path / 'twice.boris'
    path.write_text(json.dumps(project))
    with pytest.raises(ValueError, match="'take1' is labelled twice, by 'first' as"):
        read_segments(path, strict=True)
    assert read_segments(path, observation='second')[0].name == 'take1'
