"""Label files of other labs: one behavior is one segmentation, whatever the tool."""

import json
from datetime import time
from pathlib import Path

import numpy as np
import pytest

from mmskelseg_io.commands import convert
from mmskelseg_io.converters.keypoint_videos import find_labels
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.names import recording_of
from mmskelseg_io.inputs import LabelInput
from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    label_format,
    read_segments,
    segments_to_labels,
)
from mmskelseg_io.labels.bento import write_bento
from mmskelseg_io.labels.deepethogram import write_deepethogram
from mmskelseg_io.labels.writing import EXPORTS, write_recordings
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.test_labels import labs
from tests.test_poses.trackers import coco, netcdf

NAMES = list(labs.NAMES)
LABEL = np.full(labs.FRAMES, -1)
for _a, _b, _name in labs.BOUTS:
    LABEL[_a:_b] = NAMES.index(_name)


def frames(segments, **more):
    options = {'missing': 'unlabelled', **more}
    return segments_to_labels(segments, labs.FRAMES, labs.FPS, NAMES, **options)


@pytest.mark.parametrize('tool', labs.TOOLS)
def test_one_behavior_is_one_segmentation(tool, tmp_path):
    write, options = labs.TOOLS[tool]
    path = write(tmp_path)
    assert label_format(path) == tool.partition(' ')[0]
    (video,) = read_segments(path, **options)
    assert video.name == 'take1'
    assert [(s.tier, s.individual, s.label) for s in video.segments] == [
        ('', '', name) for *_, name in labs.BOUTS
    ]
    assert (frames(video.segments) == LABEL).all()


@pytest.mark.parametrize('tool', labs.TOOLS)
def test_commands_recognise_the_file(tool, tmp_path):
    path = labs.TOOLS[tool][0](tmp_path)
    (labels,), _ = find_labels([path], LabelInput(label_fps=labs.FPS))
    assert labels.lines == ()
    assert (frames(labels.segments) == LABEL).all()


def test_calms21_states_every_frame_at_30_fps(tmp_path):
    (video,) = read_segments(labs.calms21(tmp_path))
    assert (video.name, video.fps, video.num_frames) == ('take1', 30, 100)
    assert [s.label for s in video.segments[:3]] == ['other', 'attack', 'other']
    label = segments_to_labels(video.segments, 100, 30, [*NAMES, 'other'])
    assert (np.where(label == 2, -1, label) == LABEL).all()


def test_behaviors_at_the_same_time_overlap(tmp_path):
    """As those of BORIS do, so that `--overlap` decides."""
    path = labs.simba(tmp_path, [(0, 20, 'attack'), (10, 30, 'sniff')])
    (video,) = read_segments(path)
    assert [(s.start, s.end, s.label) for s in video.segments] == [
        (0, 0.8, 'attack'), (0.4, 1.2, 'sniff')
    ]  # fmt: skip
    with raises_naming(UserError, 'attack', 'sniff', '--overlap'):
        frames(video.segments)


def test_columns_of_simba_are_those_of_its_project_or_named(tmp_path):
    notes = []
    path = labs.simba_alone(tmp_path)
    read_segments(path, fps=25, notes=notes)
    assert len(notes) == 1
    assert 'attack, sniff' in notes[0]
    (video,) = read_segments(path, fps=25, behavior='sniff', notes=notes)
    assert {s.label for s in video.segments} == {'sniff'}
    assert len(notes) == 1
    with raises_naming(UserError, path, '--label-option behavior=NAME'):
        read_segments(path, fps=25, strict=True)
    with raises_naming(UserError, path, "'Attack'; there is 'attack', 'sniff'."):
        read_segments(path, fps=25, behavior='Attack')
    with raises_naming(UserError, 'take1.csv: line 3: speed'):
        read_segments(labs.simba(tmp_path), behavior=['sniff', 'speed'])
    # The project's own rate can be replaced.
    (video,) = read_segments(labs.simba(tmp_path), fps=50, notes=notes)
    assert (video.segments[0].start, len(notes)) == (0.2, 1)


@pytest.mark.parametrize(('file', 'content', 'named'), [
    ('logs/video_info.csv', 'Video,fps\ntake1,fast\n', "line 2 | fps | 'fast'"),
    ('logs/video_info.csv', 'Video\ntake1\n', 'video, fps'),
    ('project_config.ini', 'target_name_1 = attack\n', 'target_name_1'),
])  # fmt: skip
def test_fault_in_a_project_of_simba_is_named(file, content, named, tmp_path):
    path = labs.simba(tmp_path)
    (path.parents[2] / file).write_text(content)
    with raises_naming(UserError, file, named):
        read_segments(path)


def test_absence_in_jabs_makes_tiers(tmp_path):
    path = labs.jabs(tmp_path, absent=[(60, 80, 'sniff')])
    (video,) = read_segments(path, fps=25)
    assert [(s.tier, s.label) for s in video.segments] == [
        ('attack', 'attack'), ('sniff', 'sniff'), ('attack', 'attack'),
        ('sniff', 'no sniff'),
    ]  # fmt: skip
    assert (video.num_frames, video.filename) == (100, 'take1.avi')
    (video,) = read_segments(path, fps=25, subject='each')
    assert {s.individual for s in video.segments} == {'mouse8'}


def test_background_of_deepethogram_is_a_class(tmp_path):
    table = [['', 'background', 'attack'], [0, 1, 0], [1, 0, 1], [2, -1, -1]]
    path = labs.rows(tmp_path / 'take1_labels.csv', table)
    (video,) = read_segments(path, fps=2)
    assert [(s.start, s.end, s.label) for s in video.segments] == [
        (0, 0.5, 'background'), (0.5, 1, 'attack')
    ]  # fmt: skip


def test_backgrounds_of_a_model_are_that_of_deepethogram(tmp_path):
    """It holds where no behavior of any tier does."""
    video = VideoSegments('take1', [Segment(0, 1, 'a'), Segment(1, 2, 'rest')], 2, 4)
    classes, path = ['rest', 'a'], tmp_path / 'take1.csv'
    prediction = {'classes': classes, 'background': 'rest'}
    write_deepethogram(path, video, classes, prediction)
    rows = [line.split(',')[1:] for line in path.read_text().splitlines()]
    assert rows == [['background', 'a'], *[['0', '1']] * 2, *[['1', '0']] * 2]
    tiers = {'x': ['rest', 'a'], 'y': ['rest', 'b']}
    segments = [Segment(0, 1, 'rest', tier='x'), Segment(0, 0.5, 'b', tier='y')]
    prediction = {'tiers': tiers, 'background': {'x': 'rest', 'y': None}}
    video = VideoSegments('take1', segments, 2, 2)
    write_deepethogram(path, video, tiers, prediction)
    rows = [line.split(',')[1:] for line in path.read_text().splitlines()]
    assert rows[0] == ['background', 'x: a', 'y: rest', 'y: b']
    assert rows[1:] == [['0', '0', '0', '1'], ['1', '0', '0', '0']]


@pytest.mark.parametrize(('background', 'gap'), [('rest', '-1,-1'), (None, '1,0')])
def test_frames_without_a_label_are_background_only_if_it_is_no_class(
    background, gap, tmp_path
):
    """As DeepEthogram writes those that nobody has labelled."""
    video = VideoSegments('take1', [Segment(0, 1, 'a')], 2, 3)
    classes = ['rest', 'a'] if background else ['a']
    meta = {'classes': classes, 'background': background}
    given = EXPORTS['deepethogram'], [video], classes, tmp_path, 'labels', meta
    (path,) = write_recordings(*given)
    lines = path.read_text().splitlines()
    assert lines == [',background,a', '0,0,1', '1,0,1', f'2,{gap}']


def test_variables_of_solomon_are_tiers(tmp_path):
    path = labs.solomon(tmp_path)
    (video,) = read_segments(path, tier=['Light', 'Behaviour'])
    assert {s.tier for s in video.segments} == {'Light', 'Behaviour'}
    assert video.duration == 4


def test_point_events_of_the_observer_are_read_if_asked_for(tmp_path):
    (video,) = read_segments(labs.observer(tmp_path), point_seconds=0)
    assert [s.label for s in video.segments if s.is_point] == ['squeak']


def test_times_of_workbooks_may_be_clocks_or_seconds(tmp_path):
    clock = labs.observer_table()
    clock[1:] = [[time.fromisoformat(row[0]), *row[1:]] for row in clock[1:]]
    # The Observer also says when the observation starts, without a behavior.
    clock.insert(1, [time(), 'take1', 'mouse', '', 'Observation start'])
    seconds = [[2.5, 'take1', 'a', 'State start'], [4, 'take1', 'a', 'State stop']]
    header = ['Time_Relative_sf', 'Observation', 'Behavior', 'Event_Type']
    (video,) = read_segments(labs.workbook(tmp_path / 'a.xlsx', clock))
    assert (frames(video.segments) == LABEL).all()
    (video,) = read_segments(labs.workbook(tmp_path / 'b.xlsx', [header, *seconds]))
    assert [(s.start, s.end, s.label) for s in video.segments] == [(2.5, 4, 'a')]


def test_tracks_are_read_without_a_log(tmp_path):
    notes = []
    track = labs.ethovision_track()
    path = labs.workbook(tmp_path / 'a.xlsx', track, [['Hardware']])
    (video,) = read_segments(path, notes=notes)
    assert (frames(video.segments) == LABEL).all()
    assert len(notes) == 1
    assert 'attack, sniff' in notes[0]
    (video,) = read_segments(path, behavior=['sniff'], notes=notes)
    assert ({s.label for s in video.segments}, len(notes)) == ({'sniff'}, 1)
    with raises_naming(UserError, path, 'X center | line 7 | 12.5'):
        read_segments(path, behavior='X center')


def test_length_is_that_of_the_track_or_stated(tmp_path):
    track = labs.ethovision_track()
    (video,) = read_segments(
        labs.workbook(tmp_path / 'a.xlsx', track), behavior='sniff'
    )
    assert video.seconds == pytest.approx(labs.FRAMES / labs.FPS)
    path = labs.ethovision_xlsx(tmp_path, [['Recording duration', '0:02:10.5']])
    assert read_segments(path)[0].seconds == 130.5
    assert read_segments(labs.ethovision_xlsx(tmp_path))[0].seconds is None


@pytest.mark.parametrize(('write', 'ending', 'options'), [
    (write_bento, 'annot', {}), (write_deepethogram, 'csv', {'fps': 29.97}),
])  # fmt: skip
def test_written_labels_are_read_back(write, ending, options, tmp_path):
    label = np.repeat([0, 1, -1, 0, 1], [7, 1, 5, 2, 9])
    fps = 29.97
    segments = [
        Segment(a / fps, b / fps, NAMES[label[a]])
        for a, b in ((0, 7), (7, 8), (13, 15), (15, 24))
    ]
    video = VideoSegments('take1', segments, fps, len(label))
    path = tmp_path / f'take1.{ending}'
    write(path, video, NAMES)
    (back,) = read_segments(path, **options)
    own = [s for s in back.segments if s.label != 'background']
    found = segments_to_labels(own, len(label), fps, NAMES, missing='unlabelled')
    assert (found == label).all()
    assert back.num_frames == len(label)
    with raises_naming(UserError, "'take1'", 'num_frames'):
        write(path, VideoSegments('take1', segments, fps), NAMES)


@pytest.mark.parametrize('name', ['bento', 'deepethogram', 'elan', 'movement', 'nwb'])
def test_exports_come_back_under_the_name_of_their_recording(name, tmp_path):
    end = Path(EXPORTS[name].file)
    assert recording_of(tmp_path / f'take1_{end}') == 'take1'
    assert recording_of(tmp_path / end) == end.stem
    if name in ('bento', 'deepethogram', 'elan'):
        video = VideoSegments('take1', [Segment(0, 1, 'a')], 10, 20)
        EXPORTS[name](tmp_path / f'take1_{end}', video=video, classes=['a'])
        options = {'fps': 10} if name == 'deepethogram' else {}
        (back,) = read_segments(tmp_path / f'take1_{end}', **options)
        assert back.name == 'take1'


def test_class_that_a_dataset_of_movement_does_not_name(tmp_path):
    ids = ('time', 'individuals'), np.repeat([0, 1, 9], 2)[:, None]
    walk = np.ones((6, 3, 3))
    path = netcdf(tmp_path / 'a.nc', walk, behaviour=ids, classes=['walk', 'lift'])
    with raises_naming(UserError, path, 'behaviour', ' 9,', '2 classes'):
        read_segments(path)


def test_simba_can_read_what_is_written_for_bento(tmp_path):
    """It splits lines into words, of which the second line must have most.

    A frame is the time times the frame rate, rounded down.
    """
    segments = [Segment(i / 29.97, (i + 1) / 29.97, 'a') for i in range(0, 300, 2)]
    path = tmp_path / 'take1.annot'
    write_bento(path, VideoSegments('take1', segments, 29.97, 300), ['a'])
    lines = [line.split() for line in path.read_text().split('\n')]
    assert lines[0] == ['Bento', 'annotation', 'file']
    assert max(map(len, lines)) == len(lines[1])
    begin = lines.index(['Ch1----------'])
    times = [line for line in lines[begin + 3 :] if line]
    assert [int(float(row[0]) * 29.97) for row in times] == [*range(0, 300, 2)]
    assert [int(float(row[1]) * 29.97) for row in times] == [*range(0, 300, 2)]


@pytest.mark.parametrize(('stated', 'seconds'), [
    ('stop frame: 100', 4), ('stop time: 130.0', 130), ('stop time: 1.5', None),
    ('stop time:', None),
])  # fmt: skip
def test_bento_states_the_length_in_frames_or_seconds(stated, seconds, tmp_path):
    path = labs.bento(tmp_path)
    path.write_text(path.read_text().replace('stop frame: 100', stated))
    (video,) = read_segments(path)
    assert video.seconds == seconds


def test_tiers_are_channels_of_bento(tmp_path):
    segments = [Segment(0, 1, 'a', tier='left hand'), Segment(0, 1, 'b', tier='gaze')]
    video = VideoSegments('take1', segments, 10, 20)
    path = tmp_path / 'take1.annot'
    write_bento(path, video, {'left hand': ['a'], 'gaze': ['b']})
    (back,) = read_segments(path)
    assert {(s.tier, s.label) for s in back.segments} == {
        ('left_hand', 'a'), ('gaze', 'b')
    }  # fmt: skip
    (back,) = read_segments(path, tier='gaze')
    assert [(s.tier, s.start, s.end) for s in back.segments] == [('', 0, 1)]


# The tool, what is changed into what, and what the message names.
FAULTS = [
    ('simba', ',1,0\n', ',2,0\n', 'line 12 | attack | 2'),
    ('simba alone', 'nose_1_p', 'nose_1_q', 'Nose_p'),
    ('deepethogram', '\n3,', '\n4,', 'line 5 | not 3'),
    ('deepethogram', ',1,0\n', ',x,0\n', "line 12 | attack | 'x'"),
    ('solomon', '\n0.08,', '\n0.02,', 'line 4 | 0.02 | 0.04'),
    ('solomon', '\n0.08,', '\nnow,', "line 4 | Time | 'now'"),
    ('bento', '0.4\t', '9\t', 'line 19 | attack | starts at 9'),
    ('bento', '0.4\t', 'x\t', "line 19 | start | 'x'"),
    ('bento', '25.000000', '0', 'fps is 0'),
    ('bento', '>attack\n', '', 'line 18 | behavior'),
    ('caltech', '      11 ', '      0 ', 'line 9 | (0, 35)'),
    ('caltech', ' sniff\n', ' \n', 'line 10 | behavior'),
    ('jabs', '"end": 34', '"end": 100', 'attack[0] | 100'),
    ('jabs', '"present": true', '"present": 1', 'attack[0] | present is 1'),
    ('jabs', '"num_frames": 100', '"num_frames": 0', 'num_frames | is 0'),
]


@pytest.mark.parametrize(('tool', 'old', 'new', 'named'), FAULTS)
def test_fault_is_named_with_its_place(tool, old, new, named, tmp_path):
    write, options = labs.TOOLS[tool]
    path = write(tmp_path)
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, -1 if tool == 'jabs' else 1))
    with raises_naming(UserError, path, named):
        read_segments(path, tool.partition(' ')[0], **options)


@pytest.mark.parametrize(('tool', 'old', 'new', 'named'), [
    ('observer', 'State start', 'Begin', "line 2 | Event_Type | 'Begin'"),
    ('observer', '00:00:00.400', '4 s', "line 2 | Time_Relative_hmsf | '4 s'"),
    ('observer', 'State stop', 'State start', 'attack | STOP | The Observer'),
    ('ethovision', '"6"', '"600"', 'Number of header lines: | 600'),
    ('ethovision', '"0,08"', '"x"', "line 9 | Recording time | 'x'"),
])  # fmt: skip
def test_fault_of_noldus_is_named_with_its_place(tool, old, new, named, tmp_path):
    path = labs.TOOLS[tool][0](tmp_path)
    content = path.read_text('utf-16')
    assert old in content
    path.write_text(content.replace(old, new, 2 if old == '"0,08"' else 1), 'utf-16')
    with raises_naming(UserError, path, named):
        read_segments(path)


@pytest.mark.parametrize(
    'tool', [tool for tool, (_, options) in labs.TOOLS.items() if options]
)
def test_frames_need_a_rate(tool, tmp_path):
    path = labs.TOOLS[tool][0](tmp_path)
    with raises_naming(UserError, path, '--label-fps'):
        read_segments(path)


def test_workbooks_are_tables_too(tmp_path):
    table = [['start', 'end', 'label'], [0, 1.5, 'walk'], [None, None, None]]
    path = labs.workbook(tmp_path / 'take1.xlsx', [], table)
    (video,) = read_segments(path)
    assert [(s.start, s.end, s.label) for s in video.segments] == [(0, 1.5, 'walk')]
    path.write_bytes(path.read_bytes()[:-30])
    with raises_naming(UserError, path, 'workbook'):
        read_segments(path)


@pytest.mark.parametrize(('tool', 'empty', 'first'), [
    ('caltech', 'S2: start    end     type', 'S1'),
    ('bento of MARS', 'Ch2----------', 'classifier_output'),
])  # fmt: skip
def test_a_stream_without_bouts_leaves_others_their_names(tool, empty, first, tmp_path):
    path = labs.TOOLS[tool][0](tmp_path)
    path.write_text(f'{path.read_text()}\n{empty}\n')
    (video,) = read_segments(path, fps=25)
    assert {one.tier for one in video.segments} == {first}


def test_streams_may_share_classes_and_have_backgrounds(rng, tmp_path):
    """In CRIM13, either animal has bouts of `base`; one may have none."""
    for name, second in (('a', ['1 40 base', '41 100 calm']), ('b', [])):
        lines = ['Caltech Behavior Annotator - Annotation File', 'S1: start end type']
        lines += ['1 50 base', '51 100 peace', 'S2: start end type', *second]
        labs.text(tmp_path / f'{name}.txt', lines)
        walk = rng.uniform((100, 50, 0.2), (300, 200, 1), (labs.FRAMES, 17, 3))
        labs.text(tmp_path / f'{name}.json', [json.dumps(coco(walk))])
    given = ['keypoints', *tmp_path.glob('?.json'), tmp_path / 'out', '--labels']
    given += [*tmp_path.glob('?.txt'), '--fps', 25, '--label-fps', 25, '--unlabelled']
    given += ['ignore', '--background', 'S1=base', 'S2=calm']
    convert.main([*map(str, given)], 'convert')
    meta = load_annotations(tmp_path / 'out' / 'annotations.pkl')['metainfo']
    assert meta['classes'] == ['S1: base', 'S1: peace', 'S2: base', 'S2: calm']
    assert meta['background'] == {'S1': 'base', 'S2': 'calm'}


def test_data_sets_of_all_tools_are_the_same(rng, tmp_path):
    """`mmskelseg convert keypoints` of one recording makes two videos of it."""
    walk = rng.uniform((100, 50, 0.2), (300, 200, 1), (labs.FRAMES, 17, 3))
    poses = labs.text(tmp_path / 'take1.json', [json.dumps(coco(walk))])
    words = ['--fps', 25, '--label-fps', 25, '--classes', 'rest', *NAMES]
    words += ['--background', 'rest', '--unlabelled', 'background']
    for i, (write, _) in enumerate(labs.TOOLS.values()):
        folder = tmp_path / str(i)
        folder.mkdir()
        out = folder / 'out'
        given = ['keypoints', poses, out, '--labels', write(folder), *words]
        convert.main([*map(str, given)], 'convert')
        data = load_annotations(out / 'annotations.pkl')
        assert data['metainfo']['classes'] == ['rest', *NAMES]
        begin, _, end = (video['label'] for video in data['annotations'])
        assert (begin == LABEL[:70] + 1).all()
        assert (end == LABEL[75:] + 1).all()


def test_a_project_of_simba_is_a_data_set_by_itself(tmp_path):
    path = labs.simba(tmp_path, [(0, 60, 'attack'), (30, 100, 'sniff')])
    out = tmp_path / 'out'
    given = ['keypoints', path.parent, out, '--labels', path.parent]
    convert.main([*map(str, given)], 'convert')
    data = load_annotations(out / 'annotations.pkl')
    assert data['metainfo']['tiers'] == {
        'attack': ['no attack', 'attack'], 'sniff': ['no sniff', 'sniff']
    }  # fmt: skip
    first = data['annotations'][0]
    assert (first['fps'], first['img_shape']) == (25, (480, 640))
    assert first['label'][:, 40].tolist() == [1, 1]
