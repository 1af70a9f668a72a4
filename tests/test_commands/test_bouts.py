"""Bout statistics of recordings, as a user asks for them."""

import json

import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mmskelseg_behaviour.commands.bouts import main  # noqa: F401
from mmskelseg_io.commands.convert import main as convert_main
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.labels import (
    ClassInfo,
    Segment,
    VideoSegments,
    write_boris,
    write_elan,
)
from mmskelseg_io.labels.segments import Ethogram
from mmskelseg_runtime.drawing.palette import REST, class_color
from mmskelseg_studio.ethogram import LabelTier, points_tier
from mmskelseg_studio.project import Project
from tests.clips import write_video
from tests.oracle import bounded_memory
from tests.small_data import small_annotations
from tests.tables import read_table

LABELS = """video,start,end,label
m1,0,30,walk
m1,30,90,groom
m2,0,10,groom
m2,10,60,walk
m3,20,80,groom
m4,0,100,groom
"""
OVERLAPPING = """video,start,end,label
m1,0,60,walk
m1,30,50,sniff
m1,70,100,sniff
"""
GROUPS = 'video,group\nm3,drug\nm4,drug\nm1,saline\nm2,saline\n'


@pytest.fixture
def bouts(tmp_path, call):
    """Run the command on a table of labels."""

    def run(labels=LABELS, *options):
        (tmp_path / 'lab.csv').write_text(labels)
        return call(tmp_path / 'lab.csv', *options)

    return run


@pytest.fixture
def table(tmp_path):
    return lambda name: read_table(tmp_path / 'out' / name)


def test_labels_after_the_end_are_cut_and_counted(bouts, table):
    said = bouts(LABELS, '--duration', 97)
    assert '1 label of 1 recording cut, since' in said
    assert [r['observed_s'] for r in table('bouts.csv')][6:] == ['97.000', '97.000']
    assert '--clip-labels' in bouts(LABELS, '--duration', 50)
    assert '4 labels of 4 rec' in bouts(LABELS, '--duration', 50, '--clip-labels')


def test_parts_of_a_recording_are_one_again(tmp_path, call, table):
    """Two bouts of 15 s in 30 s, of which one crosses both cuts."""
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / 'take1.npz', keypoint=rng.normal(200, 50, (1, 300, 17, 2)),
        keypoint_score=np.ones((1, 300, 17)), fps=10.0, img_shape=(480, 640),
    )  # fmt: skip
    rows = 'start,end,label\n0,5,rear\n5,20,walk\n20,30,rear\n'
    (tmp_path / 'take1.csv').write_text(rows)
    words = ['keypoints', tmp_path / 'take1.npz', tmp_path / 'data', '--labels']
    convert_main([*map(str, [*words, tmp_path / 'take1.csv'])], 'convert')
    call(tmp_path / 'data' / 'annotations.pkl')
    (rear,) = (row for row in table('bouts.csv') if row['class'] == 'rear')
    shown = [rear[column] for column in ('video', 'bouts', 'total_s')]
    assert shown == ['take1', '2', '15.000']


def test_command_writes_tables_and_an_ethogram(run_tool, tmp_path, table):
    (tmp_path / 'lab.csv').write_text(LABELS)
    (tmp_path / 'groups.csv').write_text(GROUPS)
    done = run_tool(
        'mmskelseg', 'bouts', 'lab.csv', '--out', 'out', '--groups', 'groups.csv',
        '--bin', 60, '--background', 'other', '--duration', 120,
    )  # fmt: skip
    names = (
        'transitions.csv', 'bouts.csv', 'comparison.csv', 'bouts_by_bin.csv',
        'comparison_by_bin.csv', 'ethogram.png', 'transitions.png',
        'comparison_groom.png', 'comparison_walk.png', 'comparison_other.png',
        'time_courses.png', 'bouts.html',
    )  # fmt: skip
    assert done.stdout.split() == [f'out/{name}' for name in names]
    assert np.ptp(matplotlib.image.imread(tmp_path / 'out/ethogram.png')) == 1
    page = (tmp_path / 'out/bouts.html').read_text('utf-8')
    assert '4 individuals in 2 groups: drug, saline.' in ' '.join(page.split())
    assert '<title>walk, 0:00.0 to ' in page
    rows = table('bouts.csv')
    assert [(r['video'], r['class']) for r in rows[:4]] == [
        ('m3', 'groom'), ('m3', 'walk'), ('m3', 'other'), ('m4', 'groom')
    ]  # fmt: skip
    assert rows[2] == {
        'video': 'm3', 'group': 'drug', 'class': 'other', 'bouts': '2',
        'rate_per_min': '1.000', 'total_s': '60.000', 'share_percent': '50.000',
        'mean_s': '30.000', 'median_s': '30.000', 'sd_s': '14.142',
        'latency_s': '0.000', 'observed_s': '120.000', 'next: groom': '1',
        'next: walk': '0', 'next: other': '0',
    }  # fmt: skip
    binned = table('bouts_by_bin.csv')
    assert len(binned) == 2 * len(rows)
    first = [r for r in binned if (r['video'], r['class']) == ('m3', 'groom')]
    assert [(r['from_s'], r['to_s']) for r in first] == [
        ('0.000', '60.000'), ('60.000', '120.000')
    ]  # fmt: skip
    assert [(r['bouts'], r['total_s']) for r in first] == [
        ('1', '40.000'), ('0', '20.000')
    ]  # fmt: skip
    compared = table('comparison.csv')
    found = next(
        r for r in compared if (r['class'], r['measure']) == ('groom', 'total_s')
    )
    assert found == {
        'class': 'groom', 'measure': 'total_s', 'n: drug': '2', 'n: saline': '2',
        'mean: drug': '80.000', 'mean: saline': '35.000', 'sd: drug': '28.284',
        'sd: saline': '35.355', 'difference': '-45.000', 'hedges_g': '-0.793',
        'g_low': '-2.056', 'g_high': '0.584', 'rank_biserial': '-0.750',
        'test': 'Mann-Whitney U',
        'statistic': '3.500', 'p': '0.6667', 'p_holm': '1',
    }  # fmt: skip
    assert len(table('comparison_by_bin.csv')) == 2 * len(compared)


def test_time_without_a_label_is_not_observed(bouts, table):
    """Of the 330 s of four recordings, 20 s; the command says so."""
    assert '20.0 s of 330.0 s have no label' in bouts()
    assert [r['observed_s'] for r in table('bouts.csv')[::2]] == [
        '90.000', '60.000', '60.000', '100.000'
    ]  # fmt: skip
    assert 'group' not in table('bouts.csv')[0]


def test_recordings_of_an_individual_count_as_one(bouts, table, tmp_path):
    groups = tmp_path / 'groups.csv'
    groups.write_text('video,group,individual\nm1,x,a\nm2,x,a\nm3,y,b\nm4,y,c\n')
    bouts(LABELS, '--groups', groups)
    rows = table('bouts.csv')
    assert [(r['individual'], r['bouts'], r['total_s']) for r in rows[::2]] == [
        ('a', '2', '70.000'), ('b', '1', '60.000'), ('c', '1', '100.000')
    ]  # fmt: skip
    found = table('comparison.csv')[0]
    assert (found['n: x'], found['n: y'], found['p']) == ('1', '2', '')


CYCLES = """video,start,end,label
a,0,2,reach
a,2,10,place
a,10,12,reach
a,12,20,screw
a,20,22,reach
a,24,30,place
a,30,32,reach
a,32,41,screw
a,42,43,reach
a,43,50,place
b,0,2,reach
b,2,6,place
b,6,8,reach
b,8,10,place
"""


def test_cycles_last_from_one_start_to_the_next(bouts, table, tmp_path):
    """Of a, 10, 10, 10 and 12 s."""
    bouts(CYCLES, '--cycle', 'reach')
    rows = table('cycles.csv')
    assert [row['cycle_s'] for row in rows if row['video'] == 'a'] == [
        '10.000', '10.000', '10.000', '12.000'
    ]  # fmt: skip
    assert rows[2] == {
        'video': 'a', 'cycle': '3', 'start_s': '20.000', 'end_s': '30.000',
        'cycle_s': '10.000', 'of_median': '1.000', 'seconds: place': '6.000',
        'seconds: reach': '2.000', 'seconds: screw': '0.000',
    }  # fmt: skip
    found = table('cycle_statistics.csv')
    assert [row['video'] for row in found] == ['a', 'b', 'all']
    assert found[0] == {
        'video': 'a', 'cycles': '4', 'mean_s': '10.500', 'median_s': '10.000',
        'sd_s': '1.000', 'cv_percent': '9.524', 'shortest_s': '10.000',
        'longest_s': '12.000',
    }  # fmt: skip
    assert (tmp_path / 'out' / 'cycles.png').is_file()


def test_task_that_follows_tells_starts_apart(bouts, table):
    """Of a, from 0 to 20 and 42 s, though once there is a pause before placing."""
    bouts(CYCLES, '--cycle', 'reach', 'place')
    rows = [r for r in table('cycles.csv') if r['video'] == 'a']
    assert [(r['start_s'], r['end_s']) for r in rows] == [
        ('0.000', '20.000'), ('20.000', '42.000')
    ]  # fmt: skip


def test_files_of_an_earlier_run_that_this_one_does_not_write_are_removed(
    bouts, tmp_path
):
    """Those of groups; never what the user has there."""
    out, groups = tmp_path / 'out', tmp_path / 'groups.csv'
    groups.write_text(GROUPS)
    bouts(LABELS, '--groups', groups, '--bin', 60)
    own = [out / name for name in ('comparison_mine.png', 'notes.csv', 'cycles_a.png')]
    for path in own:
        path.touch()
    said = bouts(LABELS)
    assert f'{out / "comparison_groom.png"}: of an earlier run' in said
    assert {path.name for path in out.glob('[!.]*')} == {
        'bouts.csv', 'transitions.csv', 'transitions.png', 'ethogram.png', 'bouts.html',
        *(path.name for path in own),
    }  # fmt: skip


def test_folder_without_our_table_of_bouts_is_left_as_it_is(bouts, tmp_path):
    kept = tmp_path / 'out' / 'comparison.csv'
    kept.parent.mkdir()
    kept.write_text('mine')
    bouts(LABELS)
    assert kept.read_text() == 'mine'


def test_cycles_are_compared_between_groups(bouts, table, tmp_path):
    """One has cycles of 10 and 12 s, another of 14 s, the other group of 20 and 24."""
    starts = {'a': [0, 10, 22], 'b': [0, 14], 'c': [0, 20], 'd': [0, 24]}
    rows = [f'{n},{s},{s + 1},reach\n' for n, own in starts.items() for s in own]
    groups = tmp_path / 'groups.csv'
    groups.write_text('video,group\na,old\nb,old\nc,new\nd,new\n')
    labels = 'video,start,end,label\n' + ''.join(rows)
    bouts(labels, '--cycle', 'reach', '--groups', groups)
    found = {row['measure']: row for row in table('cycle_comparison.csv')}
    assert [*found] == ['cycles', 'mean_s', 'median_s', 'sd_s', 'cv_percent']
    mean = found['mean_s']
    assert (mean['mean: old'], mean['mean: new']) == ('12.500', '22.000')
    assert (mean['n: old'], mean['difference'], mean['statistic'], mean['p']) == (
        '2', '9.500', '0.000', '0.3333'
    )  # fmt: skip
    assert found['cycles']['mean: old'] == '1.500'
    assert found['sd_s']['n: new'] == '0'
    assert (tmp_path / 'out' / 'cycle_comparison.png').is_file()


def test_class_of_one_tier_begins_cycles_without_its_tier(bouts, table):
    labels = (
        'video,tier,start,end,label\nm,hand,0,1,up\nm,hand,4,5,up\nm,hand,6,7,rest\n'
        'm,body,0,9,sit\nm,body,9,10,rest\n'
    )
    bouts(labels, '--cycle', 'up')
    assert [row['cycle_s'] for row in table('cycles.csv')] == ['4.000']
    said = bouts(labels, '--cycle', 'rest')
    assert "'rest' may be each of the classes body: rest, hand: rest" in said


@pytest.mark.parametrize(
    ('labels', 'names', 'words'),
    [
        (CYCLES, ['drill'], ["'drill'", 'place, reach, screw']),
        (CYCLES, ['screw', 'place'], ['screw place', 'no cycle']),
        (CYCLES, ['reach', 'place', 'screw'], ['3 classes']),
        (
            'video,tier,start,end,label\nm,hand,0,9,up\nm,body,0,9,sit\n',
            ['hand: up', 'body: sit'],
            ['two tiers'],
        ),
    ],
)
def test_cycles_that_cannot_be_are_named(bouts, labels, names, words):
    said = bouts(labels, '--cycle', *names)
    assert all(word in said for word in ('--cycle', *words)), said


PAIRS = 'video,group,animal\nm1,before,a\nm2,before,b\nm3,after,b\nm4,after,a\n'


def test_individuals_are_compared_in_pairs(bouts, table, tmp_path):
    """Grooming: a 60 to 100 s, b 10 to 60 s; walking: a 30 to 0, b 50 to 0."""
    (tmp_path / 'groups.csv').write_text(PAIRS)
    bouts(LABELS, '--groups', tmp_path / 'groups.csv', '--paired', 'animal')
    rows = {r['class']: r for r in table('comparison.csv') if r['measure'] == 'total_s'}
    found = rows['groom']
    assert (found['test'], found['difference']) == ('Wilcoxon signed-rank', '45.000')
    assert (found['statistic'], found['p']) == ('3.000', '0.5')
    assert (found['rank_biserial'], found['hedges_g']) == ('1.000', '')
    assert (tmp_path / 'out' / 'comparison_walk.png').is_file()


def test_three_groups_have_no_effect_of_two(bouts, table, tmp_path):
    groups = GROUPS.replace('m4,drug', 'm4,vehicle')
    (tmp_path / 'groups.csv').write_text(groups)
    said = bouts(LABELS, '--groups', tmp_path / 'groups.csv')
    found = table('comparison.csv')[0]
    assert found['test'] == 'Kruskal-Wallis'
    assert 'hedges_g' not in found
    assert 'comparison_groom.png' in said


def test_individual_without_a_partner_is_named(bouts, table, tmp_path):
    (tmp_path / 'groups.csv').write_text(PAIRS.replace('after,b', 'after,c'))
    said = bouts(LABELS, '--groups', tmp_path / 'groups.csv', '--paired', 'animal')
    assert 'b, c: in one group alone' in said
    assert table('comparison.csv')[0]['n: before'] == '1'


@pytest.mark.parametrize('flag', ['--paired', '--model'])
def test_option_of_comparisons_needs_groups(bouts, flag):
    said = bouts(LABELS, flag, 'x')
    assert all(word in said for word in (f'{flag} x', '--groups')), said


def reported(classes):
    """The text of a report that says how well classes are found."""
    data = {'persons': 4, 'train': {'videos': 1, 'minutes': 2.0}}
    return json.dumps({'data': data, 'scores': {}, 'classes': classes})


@pytest.fixture
def fitted(tmp_path):
    """The folder of a fit that was trained on m1, and finds grooming poorly."""
    folder = tmp_path / 'model'
    data = small_annotations()
    data['annotations'] = [dict(data['annotations'][0], frame_dir='m1')]
    data['split'] = {'train': ['m1']}
    save_annotations(data, folder / 'annotations.pkl')
    classes = [
        {'name': 'groom', 'counting': 'good', 'timing': 'poor'},
        {'name': 'walk', 'counting': 'fair', 'timing': 'good'},
    ]
    (folder / 'report.json').write_text(reported(classes))
    return folder


def test_verdict_of_the_model_stands_beside_each_test(bouts, table, tmp_path, fitted):
    (tmp_path / 'groups.csv').write_text(GROUPS)
    said = bouts(LABELS, '--groups', tmp_path / 'groups.csv', '--model', fitted)
    rows = {(r['class'], r['measure']): r for r in table('comparison.csv')}
    assert rows['groom', 'bouts']['verdict'] == 'good'
    assert rows['groom', 'total_s']['verdict'] == "poor: don't compare"
    assert rows['groom', 'mean_s']['verdict'] == "poor: don't compare"
    assert rows['walk', 'latency_s']['verdict'] == 'fair'
    assert rows['walk', 'bouts']['trained_on'] == '1 of 4'
    assert "groom: the model's report" in said
    assert 'the model was trained on 1 of 4 recordings (m1)' in said


@pytest.mark.parametrize(
    ('classes', 'words'),
    [
        (None, ['report.json', 'no such file']),
        ([{'name': 'walk'}], ['counting']),
        ([{'name': 'walk', 'counting': 'x', 'timing': 'good'}], ["'x'"]),
    ],
)
def test_folder_that_is_no_model_is_named(bouts, tmp_path, classes, words):
    (tmp_path / 'groups.csv').write_text(GROUPS)
    if classes:
        (tmp_path / 'report.json').write_text(reported(classes))
    said = bouts(LABELS, '--groups', tmp_path / 'groups.csv', '--model', tmp_path)
    assert all(word in said for word in (str(tmp_path), *words)), said


def test_annotations_and_predictions_are_read(call, tmp_path, table, small_data):
    """The latter in a folder that has them in other formats too; names are those of
    classes that never occur, too."""
    folder = tmp_path / 'predicted'
    folder.mkdir()
    for name in ('p1', 'p2'):
        content = {
            'frame_dir': name, 'fps': 10, 'total_frames': 50, 'notes': [],
            'classes': ['class_0', 'jump'],
            'segments': [{'start': 0, 'end': 2, 'label': 'class_0'}],
        }  # fmt: skip
        (folder / f'{name}_segments.json').write_text(json.dumps(content))
        (folder / f'{name}_segments.csv').write_text('start,end,label\n0,2,class_0\n')
    call(small_data, folder)
    rows = table('bouts.csv')
    data = load_annotations(small_data)
    names = [*data['metainfo']['classes'], 'jump']
    assert [row['class'] for row in rows[:4]] == names
    videos = {video['frame_dir']: video for video in data['annotations']}
    assert {row['video'] for row in rows} == {*videos, 'p1', 'p2'}
    for row in rows:
        if row['video'] in videos and row['class'] != 'jump':
            video = videos[row['video']]
            frames = (video['label'] == names.index(row['class'])).sum()
            assert float(row['total_s']) == pytest.approx(frames / video['fps'])


def test_lines_of_frames_are_read_at_their_rate(call, tmp_path, table):
    (tmp_path / 'a.txt').write_text('walk\nwalk\nlift\n')
    call(tmp_path / 'a.txt', '--label-fps', 2)
    assert [row['total_s'] for row in table('bouts.csv')] == ['0.500', '1.000']
    assert '--label-fps' in call(tmp_path / 'a.txt')


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'frame_dir': None}, ['frame_dir']),
        ({'fps': 0}, ['fps is 0']),
        ({'total_frames': -1}, ['total_frames is -1']),
        ({'segments': [{'start': 'x', 'end': 1, 'label': 'a'}]}, ["'x'"]),
        ({'segments': [{'start': 2, 'end': 1, 'label': 'a'}]}, ['segment 0', '2.000']),
        ({'segments': [{'start': 0, 'end': 9, 'label': 'a'}]}, ["'m1'", '9.000']),
        ({'total_frames': 10**15}, ['total_frames', '1000000000000000', 'fps']),
        ({'segments': [{'start': 0, 'end': 1e11, 'label': 'a'}]}, ['segment 0', '1e']),
        ({'segments': [{'start': -1e308, 'end': 1, 'label': 'a'}]}, ['segment 0']),
        ({'classes': ['a', 'b', 'a']}, ['classes', "'a'"]),
        ({'tiers': {'x': ['a', 'a']}}, ['tiers', "'a'"]),
        ({'tiers': {'x': ['a']}, 'classes': ['a']}, ['classes', 'x: a']),
        ({'classes': []}, ['classes is []']),
    ],
)
def test_prediction_that_cannot_be_is_named(call, tmp_path, change, words):
    content = {
        'frame_dir': 'm1', 'fps': 10, 'total_frames': 50, 'classes': ['a'],
        'segments': [],
    }  # fmt: skip
    path = tmp_path / 'segments.json'
    path.write_text(json.dumps(content | change))
    said = call(path)
    assert all(word in said for word in words), said


def test_recording_in_two_files_is_named(call, tmp_path):
    one, other = tmp_path / 'm2.csv', tmp_path / 'more' / 'm2.csv'
    other.parent.mkdir()
    for path in (one, other):
        path.write_text('start,end,label\n0,1,walk\n')
    said = call(one, other)
    assert all(word in said for word in (str(one), str(other), "'m2'")), said


def test_bout_at_the_edge_of_a_part_counts_once_in_the_later_one(bouts, table):
    """In binary, 3 * 1.1 is more than 3.3, and 6 * 1.1 more than 6.6."""
    bouts(
        'video,start,end,label\nm1,0,3.3,walk\nm1,3.3,6.6,groom\nm1,6.6,8.8,walk\n',
        *('--bin', 1.1),
    )
    rows = [r for r in table('bouts_by_bin.csv') if r['bouts'] == '1']
    assert [(row['from_s'], row['to_s'], row['class']) for row in rows] == [
        ('0.000', '1.100', 'walk'), ('3.300', '4.400', 'groom'),
        ('6.600', '7.700', 'walk'),
    ]  # fmt: skip
    assert len(table('bouts_by_bin.csv')) == 16


def test_tiers_are_counted_apart(bouts, table, tmp_path):
    shown = bouts(
        'video,tier,start,end,label\n'
        'm1,posture,0,60,up\nm1,posture,60,90,down\nm1,hand,30,90,rest\n'
        'm2,posture,0,50,up\nm2,hand,10,40,wave\n'
    )
    assert '50.0 s of 280.0 s of all tiers have no label' in shown
    rows = {(row['video'], row['class']): row for row in table('bouts.csv')}
    assert [name for video, name in rows if video == 'm1'] == [
        'hand: rest', 'hand: wave', 'posture: down', 'posture: up'
    ]  # fmt: skip
    up = rows['m1', 'posture: up']
    assert (up['observed_s'], up['share_percent']) == ('90.000', '66.667')
    assert up['next: posture: down'] == '1'
    assert rows['m1', 'hand: rest']['observed_s'] == '60.000'
    assert (tmp_path / 'out/ethogram.png').is_file()


def test_tiers_of_annotations_are_counted(tmp_path, call, table):
    data = small_annotations()
    for video in data['annotations']:
        video['label'] = np.stack([video['label'], video['label'] % 2])
    del data['metainfo']['classes']
    tiers = {'posture': ['a', 'b', 'c'], 'hand': ['rest', 'wave']}
    data['metainfo'] |= {'tiers': tiers, 'background': None}
    save_annotations(data, tmp_path / 'annotations.pkl')
    call(tmp_path / 'annotations.pkl')
    names = [row['class'] for row in table('bouts.csv')][:5]
    assert names == [*(f'posture: {c}' for c in 'abc'), 'hand: rest', 'hand: wave']


def test_states_that_overlap_have_tiers_with_their_absence(bouts, table):
    shown = bouts(OVERLAPPING)
    assert 'no label' not in shown
    assert "tiers of their own; the first: 'walk' (0.000 to 60.000 s)" in shown
    rows = {row['class']: row for row in table('bouts.csv')}
    assert list(rows) == [
        'sniff: no sniff', 'sniff: sniff', 'walk: no walk', 'walk: walk'
    ]  # fmt: skip
    assert rows['sniff: sniff']['share_percent'] == '50.000'
    assert rows['sniff: no sniff']['bouts'] == '2'
    assert rows['walk: no walk']['total_s'] == '40.000'


def test_absence_lasts_until_the_end_of_the_recording(bouts, table):
    """Two bouts are one a minute in 120 s; without the length, the command asks it."""
    shown = bouts(OVERLAPPING)
    assert "1 recording of unknown length: the time of 'no sniff', 'no walk'" in shown
    assert '--duration' not in bouts(OVERLAPPING, '--duration', 120)
    rows = {row['class']: row for row in table('bouts.csv')}
    assert rows['sniff: sniff']['rate_per_min'] == '1.000'
    assert rows['walk: no walk']['total_s'] == '60.000'


def test_background_beside_absences_adds_no_tier(bouts):
    """Whose whole time would have no label."""
    shown = bouts(OVERLAPPING, '--background', 'other', '--duration', 120)
    assert 'no label' not in shown


def test_each_individual_is_a_recording(bouts, table):
    bouts('video,individual,start,end,label\nm,ann,0,60,walk\nm,bob,0,50,sniff\n')
    rows = {(r['video'], r['class']): r['total_s'] for r in table('bouts.csv')}
    assert rows['m_ann', 'walk'] == '60.000'
    assert rows['m_bob', 'sniff'] == '50.000'


def test_folder_of_a_project_has_each_individual(tmp_path, call, table):
    """Whose observations have one are not called after it."""
    (tmp_path / 'lab').mkdir()
    both = [
        Segment(0, 6, 'walk', individual='ann'),
        Segment(2, 4, 'sit', individual='bob'),
    ]
    videos = [
        VideoSegments('m', both, 10.0, 60),
        VideoSegments('n', both[:1], 10.0, 60),
    ]
    write_boris(tmp_path / 'lab' / 'project.boris', videos, ['walk', 'sit'])
    call(tmp_path / 'lab')
    rows = {(r['video'], r['class']): r['total_s'] for r in table('bouts.csv')}
    assert {video for video, _ in rows} == {'m_ann', 'm_bob', 'n'}
    assert (rows['m_bob', 'sit'], rows['n', 'walk']) == ('2.000', '6.000')


@pytest.mark.parametrize('given', ['studio.json', ''])
def test_project_of_the_studio_is_read(tmp_path, call, table, given):
    """Its states, and its classes that nothing has, by its file or its folder."""
    tiers = [LabelTier.of('', ['walk', 'sit']), points_tier(['bark'])]
    project = Project(tmp_path / 'lab' / 'studio.json', tiers)
    project.path.parent.mkdir()
    segments = [Segment(0, 6, 'walk'), Segment(2, 2, 'bark')]
    project.add_recording('m', 100, 10.0, segments)
    project.save()
    call(tmp_path / 'lab' / given)
    rows = {row['class']: row for row in table('bouts.csv')}
    assert {k: row['total_s'] for k, row in rows.items()} == {
        'walk': '6.000', 'sit': '0.000'
    }  # fmt: skip
    assert rows['walk']['observed_s'] == '6.000'


def test_file_of_an_individual_is_not_named_twice_after_it(tmp_path, call, table):
    """As `mmskelseg segment --person each` writes them."""
    (tmp_path / 'm_ann_segments.csv').write_text(
        'video,start,end,label,individual\nm_ann,0,60,walk,ann\n'
    )
    call(tmp_path / 'm_ann_segments.csv')
    assert {row['video'] for row in table('bouts.csv')} == {'m_ann'}


TABULAR = (
    'Observation id,Media duration (s),FPS,Behavior,Behavior type,Start (s),Stop (s),'
    'Media file name\n'
    'one,{0},25.000,walk,STATE,0,30,m1.mp4\none,{1},25.000,groom,STATE,30,60,m1.mp4\n'
)


def project(path, length=120.0, media='m1.mp4'):
    video = VideoSegments('m1', [Segment(0, 60, 'walk')], 25.0, 3000, media)
    write_boris(path, [video], ['walk'])
    path.write_text(path.read_text().replace('120.0', str(length)))
    return path


def observed(table):
    return {r['class']: r['observed_s'] for r in table('bouts.csv')}


def test_length_is_that_of_a_boris_project(call, tmp_path, table):
    call(project(tmp_path / 'lab.boris'), '--background', 'other')
    assert observed(table) == {'walk': '120.000', 'other': '120.000'}


def test_length_is_that_of_a_table_of_boris(bouts, table):
    """With a number for each player."""
    bouts(TABULAR.format('120.000|120.000', '120.000|120.000'), '--background', 'other')
    assert observed(table)['walk'] == '120.000'


def test_pictures_have_the_colours_of_the_ethogram(call, tmp_path):
    """Of walking, red; grooming has the first one of ours."""
    known = Ethogram(classes=[ClassInfo('walk', color='#ff0000')])
    segments = [Segment(0, 30, 'walk'), Segment(30, 60, 'groom')]
    video = VideoSegments('m1', segments, 25.0, 1500, 'm1.mp4', ethogram=known)
    write_boris(tmp_path / 'lab.boris', [video], ['groom', 'walk'])
    call(tmp_path / 'lab.boris')
    for name in ('ethogram', 'transitions'):
        image = matplotlib.image.imread(tmp_path / 'out' / f'{name}.png')[..., :3]
        there = [
            (np.abs(image - to_rgb(color)) < 0.01).all(-1).any()
            for color in ('#ff0000', class_color(0), class_color(1))
        ]
        assert there == [True, True, False]


def test_colours_that_files_state_are_shown_and_backgrounds_grey(call, tmp_path):
    """Those of annotation files, and of predictions, which keep that of their model."""
    data = small_annotations()
    data['metainfo'] |= {'background': 'class_0', 'colors': {'class_1': '#123456'}}
    save_annotations(data, tmp_path / 'annotations.pkl')
    content = {
        'frame_dir': 'm1', 'fps': 10, 'total_frames': 100, 'classes': ['rest', 'walk'],
        'background': 'rest', 'colors': {'walk': '#123456'},
        'segments': [{'start': 0, 'end': 5, 'label': 'rest'},
                     {'start': 5, 'end': 10, 'label': 'walk'}],
    }  # fmt: skip
    (tmp_path / 'segments.json').write_text(json.dumps(content))
    files = ('annotations.pkl', 'class_0', 'class_1'), ('segments.json', 'rest', 'walk')
    for file, *names in files:
        call(tmp_path / file)
        page = (tmp_path / 'out/bouts.html').read_text('utf-8')
        for name, color in zip(names, (REST, '#123456'), strict=True):
            assert f'<i style="background:{color}"></i>{name}<' in page


@pytest.mark.parametrize('unknown', [0, -1, '"NA"'])
def test_length_that_boris_does_not_know_is_that_of_the_labels(
    call, tmp_path, table, unknown
):
    call(project(tmp_path / 'lab.boris', length=unknown))
    assert observed(table)['walk'] == '60.000'


def test_table_that_states_two_lengths_is_named(bouts):
    said = bouts(TABULAR.format(120, 100), '--background', 'other')
    assert all(word in said for word in ('lab.csv', "'one'", '120 and 100')), said


def test_length_that_is_given_counts_more_than_that_of_the_file(call, tmp_path, table):
    path = project(tmp_path / 'lab.boris')
    said = call(path, '--background', 'other', '--duration', 100)
    assert observed(table)['walk'] == '100.000'
    assert '--duration 100' in said
    assert f"{path} states that 'm1' lasts 120.0 s" in said


def test_label_beyond_the_stated_length_is_named(call, tmp_path):
    path = project(tmp_path / 'lab.boris', length=40.0)
    said = call(path)
    assert all(word in said for word in (str(path), "'m1'", '60.000', '40.000')), said


def test_length_is_that_of_the_video_that_elan_names(call, tmp_path, table):
    """Which lies beside the file, wherever it was."""
    write_video(tmp_path / 'm1.mp4', range(40), 20)
    video = VideoSegments('m1', [Segment(0, 1, 'walk')], filename='D:/clips/m1.mp4')
    write_elan(tmp_path / 'm1.eaf', video, ['walk'])
    call(tmp_path / 'm1.eaf', '--background', 'other')
    assert observed(table)['walk'] == '2.000'


def test_video_that_lasts_longer_than_stated_is_named(call, tmp_path, table):
    write_video(tmp_path / 'm1.mp4', range(40), 20)
    said = call(project(tmp_path / 'lab.boris'), '--background', 'other')
    assert observed(table)['walk'] == '120.000'
    assert f"'m1' lasts 120.0 s, but {tmp_path / 'm1.mp4'} lasts 2.0 s" in said


@pytest.mark.parametrize(
    ('labels', 'options', 'words'),
    [
        (LABELS.replace('100', '1e11'), (), ['lab.csv: line 7', '1e+11']),
        # Times in milliseconds.
        (LABELS.replace(',groom', '0000,groom'), ('--bin', 1), ['--bin 1', '1000000']),
        (
            'video,start,end,label\n'
            + ''.join(f'm,{i},{i + 1},remark {i}\n' for i in range(2000)),
            ('--bin', 60),
            ['bouts_by_bin.csv', '2000 classes'],
        ),
    ],
    ids=['end', 'bin', 'classes'],
)
def test_times_and_tables_that_cannot_be_are_named(bouts, labels, options, words):
    with bounded_memory(1 << 29):
        said = bouts(labels, *options)
    assert all(word in said for word in words), said


@pytest.mark.parametrize('name', ['v' * 240, 'take1_' * 40])
def test_long_name_leaves_room_for_the_bars(bouts, table, tmp_path, name):
    bouts(f'video,start,end,label\n{name},0,2,walk\n{name}b,0,2,walk\n')
    assert [row['video'] for row in table('bouts.csv')] == [name, f'{name}b']
    image = matplotlib.image.imread(tmp_path / 'out/ethogram.png')[..., :3]
    blue = (np.abs(image - (0, 0x72 / 255, 0xB2 / 255)) < 0.01).all(-1)
    assert blue.any(0).mean() > 0.5


def test_recording_shorter_than_a_part_has_one(bouts, table):
    bouts('start,end,label\n0,0.0000001,walk\n', '--bin', 60)
    assert [row['to_s'] for row in table('bouts_by_bin.csv')] == ['60.000']
