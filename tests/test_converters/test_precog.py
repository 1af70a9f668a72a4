"""The converter of PRECOG-16, on a small release made by hand and on the real one."""

from itertools import chain, groupby

import numpy as np
import pytest

from mmskelseg.converters import precog
from mmskelseg.converters.precog import CLASSES, PACKED, pack
from mmskelseg.evaluation import to_segments
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.structures import Skeleton
from tests.small_data import ROOT
from tests.test_converters import releases
from tests.test_converters.faults import check_refused, rename
from tests.test_converters.releases import LABEL
from tests.test_converters.releases import precog_frame as frame
from tests.test_converters.releases import precog_table as write

TOOL = 'tools/dataset_converters/precog.py'
REAL = ROOT.parent / 'shared' / 'data' / 'precog'


@pytest.fixture
def release(tmp_path):
    return releases.precog(tmp_path)


def convert(call_tool, source, out, *arguments):
    """Return the videos by id, the whole data, and the lines that the tool printed."""
    done = call_tool(TOOL, source, out, *arguments)
    data = load_annotations(out / 'annotations.pkl')
    videos = {video['frame_dir']: video for video in data['annotations']}
    return videos, data, done.stdout.splitlines()


def test_conversion_keeps_joints_and_projects_them(release, tmp_path, call_tool):
    """1 m to the Kinect's left in a depth of 2 m is 285.63 pixels to the left."""
    videos, data, printed = convert(call_tool, release, tmp_path / 'out')
    video = videos['Seq2_05']
    np.testing.assert_allclose(video['keypoint_3d'][0, 3, 19], [0.5, 0.25, 2])
    expected = [320 - 285.63 / 2, 240 - 285.63 / 4]
    np.testing.assert_allclose(video['keypoint'][0, 3, 19], expected, rtol=1e-6)
    np.testing.assert_allclose(video['keypoint'][0, :, :19], [[[320, 240]] * 19] * 12)
    np.testing.assert_array_equal(video['keypoint_score'], np.ones((1, 12, 20)))
    np.testing.assert_array_equal(video['label'], LABEL)
    assert (video['fps'], video['img_shape']) == (30, (480, 640))
    meta = data['metainfo']
    assert meta['background'] == meta['classes'][0] == 'nothing'
    assert (meta['skeleton'], len(meta['classes'])) == ('kinect20', 9)
    # The pause at frame 6 is short in each of the eight videos.
    assert printed[:2] == [
        '8 pauses (nothing) between two actions are shorter than 5 frames, in 8 '
        'videos; the first is in Seq1_01 at frame 6',
        '8 videos, 96 frames at 30 fps, 9 classes, 32 segments',
    ]


def test_release_is_packed_into_one_file(release, tmp_path, call_tool):
    """Joints within float16, all else the same; a file that is none is named."""
    release.joinpath('LICENCE.txt').write_text('free')
    pack(release, tmp_path / 'packed.npz')
    with np.load(tmp_path / 'packed.npz') as arrays:
        assert str(arrays['licence']) == 'free'
        assert arrays['pose'].dtype == np.float16
    first, data, _ = convert(call_tool, release, tmp_path / 'a')
    second, again, _ = convert(call_tool, tmp_path / 'packed.npz', tmp_path / 'b')
    assert data['split'] == again['split']
    for video, entry in first.items():
        found = second[video]
        np.testing.assert_allclose(
            found['keypoint_3d'], entry['keypoint_3d'], rtol=2**-11
        )
        np.testing.assert_array_equal(found['label'], entry['label'])
    (tmp_path / 'other.npz').write_bytes(b'PK no zip')
    done = call_tool(TOOL, tmp_path / 'other.npz', tmp_path / 'c', code=1)
    assert 'other.npz: something in it is missing or damaged' in done.stderr


def test_folds_keep_subjects_apart_and_orders_too(release, tmp_path, call_tool):
    """A fold with an empty half, such as that of subjects 3, 7 and 11, is left out."""
    split = convert(call_tool, release, tmp_path / 'out')[1]['split']
    ones = ['Seq1_01', 'Seq1_05', 'Seq1_09']
    twos = ['Seq2_01', 'Seq2_05', 'Seq2_09']
    assert split == {
        'train': ['Seq1_02', 'Seq2_02'], 'test': ones + twos,
        'fold1/train': ['Seq1_02', 'Seq2_02'], 'fold1/test': ones + twos,
        'fold2/train': ones + twos, 'fold2/test': ['Seq1_02', 'Seq2_02'],
        'unseen_order_1/train': ['Seq2_02'], 'unseen_order_1/test': ones,
        'unseen_order_2/train': twos, 'unseen_order_2/test': ['Seq1_02'],
        'unseen_order_5/train': ['Seq1_02'], 'unseen_order_5/test': twos,
        'unseen_order_6/train': ones, 'unseen_order_6/test': ['Seq2_02'],
    }  # fmt: skip
    options = ('--test', '2,05,')
    other = convert(call_tool, release, tmp_path / 'other', *options)[1]['split']
    assert other.pop('test') == ['Seq1_02', 'Seq1_05', 'Seq2_02', 'Seq2_05']
    assert other.pop('train') == ['Seq1_01', 'Seq1_09', 'Seq2_01', 'Seq2_09']
    assert other == {name: split[name] for name in split if '/' in name}


def test_joints_at_zero_are_missing(release, tmp_path, call_tool):
    """One joint, a whole frame, and a whole video, which no split has."""
    gone = ';'.join(['0 0 0'] * 20)
    write(release, 'Seq1_2.csv', frame(0), frame(0, '0 0 0'), f'{gone};1', frame(1))
    write(release, 'Seq2_5.csv', f'{gone};0', f'{gone};1')
    videos, data, printed = convert(call_tool, release, tmp_path / 'out')
    video = videos['Seq1_02']
    expected = np.ones((4, 20))
    expected[1, 19] = expected[2] = 0
    np.testing.assert_array_equal(video['keypoint_score'][0], expected)
    assert not video['keypoint'][0][expected == 0].any()
    assert video['keypoint'][0][expected == 1].all()
    assert not videos['Seq2_05']['keypoint_score'].any()
    assert 'Seq2_05' not in {*chain(*data['split'].values())}
    assert printed[:2] == [
        'Seq1_02: 1 frames without a skeleton, 1 more joints missing',
        'Seq2_05: no skeleton in any of 2 frames; in no split',
    ]


def test_equal_recordings_are_told(release, tmp_path, call_tool):
    """The folder of the tables may be named itself."""
    write(release, 'Seq2_9.csv', *[frame(0, depth='1.1') for _ in LABEL])
    tables = release / 'Dataset/CSV'
    printed = convert(call_tool, tables, tmp_path / 'out')[2]
    assert printed[0] == 'Seq2_09: the same skeletons as Seq1_01'


GLITCHES = [0, 1, 1, 2, 0, 0, 6, 6, 6, 6, 0, 6, 6, 6, 6, 6, 0, 3, 3, 3, 3, 3]
REPAIRED = [0, 1, 1, 1, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 0, 3, 3, 3, 3, 3]


@pytest.mark.parametrize('repaired', [False, True])
def test_odd_labels_are_told_and_repaired_if_asked_to(
    repaired, release, tmp_path, call_tool
):
    """A frame of another action, a gap in one, a short action; pauses are meant."""
    write(release, 'Seq1_1.csv', *map(frame, GLITCHES))
    options = ['--repair-labels'] * repaired
    videos, data, printed = convert(call_tool, release, tmp_path / 'out', *options)
    expected = REPAIRED if repaired else GLITCHES
    np.testing.assert_array_equal(videos['Seq1_01']['label'], expected)
    first, second = ', now right_punch', ', now side_left_kick'
    own = [line for line in printed if line.startswith('Seq1_01: ')]
    assert own == [
        'Seq1_01: frame 3 alone is left_punch, between right_punch and nothing'
        + first * repaired,
        'Seq1_01: frame 10 alone is nothing, between side_left_kick and side_left_kick'
        + second * repaired,
        f'Seq1_01: right_punch from frame 1 lasts {2 + repaired} frames',
        *['Seq1_01: side_left_kick from frame 6 lasts 4 frames'] * (not repaired),
    ]
    assert set(own) <= set(data['metainfo']['notes'])


def change_line(number, old, new):
    """Return what replaces text in a line, counted from 1, of a table."""

    def change(root):
        path = root / 'Dataset/CSV/Seq1_5.csv'
        lines = path.read_text().split('\n')
        assert old in lines[number - 1]
        lines[number - 1] = lines[number - 1].replace(old, new, 1)
        path.write_text('\n'.join(lines))

    return change


TABLE = '/Dataset/CSV/Seq1_5.csv'
FAULTS = [
    (change_line(3, '0 0 5.1;', ''), f'{TABLE} | line 3 has 20 columns | 21'),
    (
        change_line(4, '0.5 0.25 2', '0,5 0,25 2'),
        f"{TABLE} | line 4 | '0,5' | FootRight",
    ),
    (change_line(2, '0 0 5.1', '0 5.1'), f"{TABLE} | line 2 | '0 5.1' | HipCenter"),
    (change_line(2, '0 0 5.1', '0 nan 5.1'), f"{TABLE} | line 2 | 'nan' | HipCenter"),
    (
        change_line(2, '0.25 2', '0.25 -2'),
        f"{TABLE} | line 2 | '0.5 0.25 -2' | FootRight | above 0",
    ),
    (change_line(9, ';2', ';9'), f"{TABLE} | line 9 | class '9' | 0 to 8"),
    (change_line(9, ';2', ';kick'), f"{TABLE} | line 9 | class 'kick' | 0 to 8"),
    (change_line(1, 'Spine', 'SpineMid'), f"{TABLE} | line 1 | 'HipCenter; SpineMid; "),
    (lambda root: write(root, 'Seq1_5.csv'), f'{TABLE} | line 1'),
    (lambda root: write(root, 'Take1_5.csv'), '/Dataset/CSV/Take1_5.csv | Seq1_9.csv'),
    (lambda root: write(root, 'Seq1_05.csv'), f'{TABLE} | Seq1_05.csv'),
    (rename('Dataset', 'data'), 'Dataset/CSV | SeqS_P.csv'),
    (rename('', '../moved'), 'no such folder'),
    (
        lambda root: [path.unlink() for path in root.rglob('Seq*_5.csv')],
        'test subjects 05 | 3 here | (01, 02, 09) | --test',
    ),
]


@pytest.mark.parametrize(('change', 'named'), FAULTS)
def test_fault_in_the_release_names_file_and_place(change, named, release, tmp_path):
    check_refused(precog.ConvertPRECOG, release, tmp_path / 'out', change, named)


@pytest.fixture(scope='module')
def packed(tmp_path_factory):
    """The annotations of the recordings in the package."""
    out = tmp_path_factory.mktemp('precog')
    job = precog.ConvertPRECOG(out=out, repair_labels=True)
    return load_annotations(job.run(PrintedEvents()))


@pytest.mark.skipif(not REAL.is_dir(), reason='the real release is not here')
def test_package_has_the_recordings_of_the_release(packed, tmp_path):
    """Within 1 mm, and with their licence."""
    job = precog.ConvertPRECOG(out=tmp_path, source=REAL, repair_labels=True)
    real = load_annotations(job.run(PrintedEvents()))
    assert packed['split'] == real['split']
    for found, entry in zip(packed['annotations'], real['annotations'], strict=True):
        np.testing.assert_allclose(
            found['keypoint_3d'], entry['keypoint_3d'], atol=0.001
        )
        np.testing.assert_array_equal(found['label'], entry['label'])
    with np.load(PACKED) as arrays:
        assert 'Copyright (c) 2016 David Jardim' in str(arrays['licence'])


def test_layout_may_be_that_of_any_pose_estimator(packed, tmp_path, run_tool):
    """Its twelve joints are those of the same names."""
    done = run_tool(TOOL, tmp_path, '--layout', 'body12')
    assert '72 videos, 19,219 frames at 30 fps, 9 classes' in done.stdout
    body = load_annotations(tmp_path / 'annotations.pkl')
    assert body['metainfo']['skeleton'] == 'body12'
    kinect, twelve = (Skeleton.get(name).joints for name in ('kinect20', 'body12'))
    for name in ('left_wrist', 'right_ankle'):
        np.testing.assert_array_equal(
            packed['annotations'][3]['keypoint'][:, :, kinect.index(name)],
            body['annotations'][3]['keypoint'][:, :, twelve.index(name)],
        )


def test_recordings_have_known_sizes(packed):
    """72 recordings, of which two are empty, and fixed orders of actions."""
    videos = packed['annotations']
    assert len(videos) == 72
    assert sum(video['total_frames'] for video in videos) == 19219
    empty = [v['frame_dir'] for v in videos if not v['keypoint_score'].any()]
    assert empty == ['Seq2_10', 'Seq4_10']
    assert sum((v['keypoint_score'] == 0).any() for v in videos) == 2
    orders = {}
    for video in videos:
        actions = [label for label, _ in groupby(video['label']) if label]
        orders.setdefault(video['frame_dir'][:4], set()).add(tuple(actions))
    assert orders == {
        'Seq1': {(1, 2, 5, 6, 3)}, 'Seq2': {(1, 6, 2, 5, 3)}, 'Seq3': {(1, 4, 6, 7, 3)},
        'Seq4': {(7, 2, 5, 6, 4)}, 'Seq5': {(7, 5, 1, 4, 6)}, 'Seq6': {(7, 5, 3, 8, 6)},
    }  # fmt: skip


def test_folds_have_every_tested_class_in_training(packed):
    """Subjects are apart in each; so are orders where the name says so."""
    label = {video['frame_dir']: video['label'] for video in packed['annotations']}
    split = packed['split']
    folds = [name.removesuffix('/test') for name in split if name.endswith('/test')]
    assert len(folds) == 12
    for fold in folds:
        train, test = split[f'{fold}/train'], split[f'{fold}/test']
        assert not {v[-2:] for v in train} & {v[-2:] for v in test}
        if fold.startswith('unseen_order'):
            assert not {v[:4] for v in train} & {v[:4] for v in test}
        known, asked = ({c for v in part for c in label[v]} for part in (train, test))
        assert asked <= known
    for family, count in (('fold', 70), ('unseen_order', 58)):
        names = [fold for fold in folds if fold.startswith(family)]
        tested = [*chain(*(split[f'{fold}/test'] for fold in names))]
        assert len(tested) == len(set(tested)) == count


def test_limbs_move_as_the_names_of_the_classes_say(packed):
    """The hand or foot that gets farthest from where it was, seen from the hips."""
    ends = {'left_hand': 7, 'right_hand': 11, 'left_foot': 15, 'right_foot': 19}
    limb = {
        'right_punch': 'right_hand', 'left_punch': 'left_hand',
        'front_right_kick': 'right_foot', 'front_left_kick': 'left_foot',
        'side_right_kick': 'right_foot', 'side_left_kick': 'left_foot',
        'back_fist': 'right_hand', 'elbow_strike': 'right_hand',
    }  # fmt: skip
    hits = {name: [] for name in limb}
    for video in packed['annotations']:
        pose = video['keypoint_3d'][0]
        for start, end, label in to_segments(video['label']):
            if label and pose.any() and end - start >= 5:
                ways = pose[start:end, list(ends.values())] - pose[start:end, :1]
                reach = np.linalg.norm(ways - ways[0], axis=-1).max(axis=0)
                moved = list(ends)[reach.argmax()]
                hits[CLASSES[label]].append(moved == limb[CLASSES[label]])
    assert {name: (sum(own), len(own)) for name, own in hits.items()} == {
        'right_punch': (44, 47), 'left_punch': (32, 34),
        'front_right_kick': (44, 47), 'front_left_kick': (33, 35),
        'side_right_kick': (50, 58), 'side_left_kick': (55, 70),
        'back_fist': (40, 47), 'elbow_strike': (9, 12),
    }  # fmt: skip
