"""From and to the layout in which skeleton segmentation papers share data."""

import csv
import shutil
from functools import partial

import numpy as np
import pytest

from mmskelseg.converters import dest
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from tests.small_data import small_annotations
from tests.test_converters import releases
from tests.test_converters.faults import check_refused, remove, save, text

TOOL = 'tools/dataset_converters/dest.py'


@pytest.fixture
def release(tmp_path):
    """Return a function that makes a data set of three videos, and its arrays."""
    return partial(releases.dest, tmp_path)


@pytest.fixture
def imported(call_tool, tmp_path):
    """Run the import; return annotations and output."""

    def run(root, *options):
        done = call_tool(TOOL, 'import', root, tmp_path / 'out', *options)
        return load_annotations(tmp_path / 'out/annotations.pkl'), done.stdout

    return run


def test_pku_has_two_persons_in_rows(release, imported):
    """(T, 150) is (T, 2, 25, 3); a second person who is away is missing, not at 0."""
    root, arrays = release('PKU-subject', ('T', 150))
    arrays['b'][3:, 75:] = 0
    np.save(root / 'features/b.npy', arrays['b'])
    data, output = imported(root, '--background', 'NONE')
    video = data['annotations'][1]
    assert video['keypoint_3d'].shape == (2, 14, 25, 3)
    np.testing.assert_allclose(
        video['keypoint_3d'][1, 2, 7], arrays['b'][2, 75 + 21 : 75 + 24], rtol=1e-6
    )
    assert video['keypoint_score'][0].all()
    assert video['keypoint_score'][1].all(1).tolist() == [True] * 3 + [False] * 11
    np.testing.assert_array_equal(video['label'], [1] * 5 + [2] * 5 + [0] * 4)
    assert (video['fps'], data['metainfo']['skeleton']) == (30, 'kinect25')
    assert data['metainfo']['background'] == 'NONE'
    assert data['metainfo']['classes'] == ['NONE', 'take', 'pour']
    assert data['split']['train'] == ['a', 'b']
    assert data['split']['split2/test'] == ['a']
    assert output.startswith('3 videos, 42 frames at 30 fps (assumed), 3 classes')


def test_view_of_joints_in_3d_is_upright_and_fills_the_image(release, imported):
    """x to the right and the axis that points up; one scale for both, with margins."""
    root, arrays = release('mine', (3, 'T', 2))
    arrays['a'][:] = 0
    arrays['a'][:, 0] = [[0, 4], [0, 2], [9, 9]]  # x, y, z of two joints
    arrays['a'][:, 1] = [[4, 0], [0, 0], [9, 9]]
    np.save(root / 'features/a.npy', arrays['a'])
    skeleton = root / 'two.json'
    skeleton.write_text('{"joints": ["low", "high"], "limbs": [[0, 1]]}')
    options = ('--skeleton', skeleton, '--fps', '20')
    data, _ = imported(root, *options)
    keypoint = data['annotations'][0]['keypoint'][0]
    # 4 long, 2 high: 448 by 224 pixels in the middle of 512 by 512.
    np.testing.assert_allclose(keypoint[0], [[32, 368], [480, 144]])
    np.testing.assert_allclose(keypoint[1], [[480, 368], [32, 368]])
    assert not keypoint[2:].any()
    assert data['annotations'][0]['img_shape'] == (512, 512)
    assert 'y-up' in data['metainfo']['assumed']['camera']
    for vertical, (left, right) in (('y-down', (144, 368)), ('z-up', (256, 256))):
        data, _ = imported(root, *options, '--vertical', vertical)
        keypoint = data['annotations'][0]['keypoint'][0, 0]
        np.testing.assert_allclose(keypoint, [[32, left], [480, right]])


def test_origin_of_coordinates_is_not_missing(release, imported):
    """A joint at 0 in some frames is missing; one that is there always is the root."""
    root, arrays = release('LARA', (6, 'T', 19, 1))
    arrays['a'][:, :, 0] = 0
    arrays['a'][:, 4, 7] = 0
    arrays['a'][:, 6] = 0
    np.save(root / 'features/a.npy', arrays['a'])
    data, _ = imported(root)
    score = data['annotations'][0]['keypoint_score'][0]
    assert score[:6, 0].all()
    assert np.argwhere(score[:6] == 0).tolist() == [[4, 7]]
    assert not score[6].any()


def test_lara_has_its_places_behind_its_angles(release, imported):
    root, arrays = release('LARA', (6, 'T', 19, 1))
    data, output = imported(root, '--sample', '4')
    video = data['annotations'][2]
    np.testing.assert_allclose(
        video['keypoint_3d'][0], arrays['c'][3:, ::4, :, 0].transpose(1, 2, 0)
    )
    assert (video['total_frames'], video['fps']) == (4, 50)
    np.testing.assert_array_equal(video['label'], [2, 2, 0, 1])
    assert data['metainfo']['skeleton'] == 'lara19'
    assert data['metainfo']['assumed']['channels'].startswith('...xyz')


def test_mcfs_has_pixels_and_scores(release, imported):
    """x and y stay what they are, in images of 1280 x 720; 0 is missing."""
    root, arrays = release('MCFS-22', ('T', 25, 3))
    arrays['a'][..., 2] = 0.5
    arrays['a'][1, 3] = 0
    np.save(root / 'features/a.npy', arrays['a'])
    data, _ = imported(root)
    video = data['annotations'][0]
    np.testing.assert_allclose(video['keypoint'][0], arrays['a'][..., :2], rtol=1e-6)
    assert video['keypoint_score'][0, 1, 2:5].tolist() == [0.5, 0, 0.5]
    assert video['img_shape'] == (720, 1280)
    assert 'keypoint_3d' not in video
    assert data['metainfo']['skeleton'] == 'openpose_body25'


@pytest.mark.parametrize('shape', [(2, 'T', 25, 1), (2, 'T', 25)])
def test_coordinates_that_are_not_pixels_are_fitted_into_an_image(
    shape, release, imported
):
    """Even of a data set whose own files have pixels; other numbers a joint, too."""
    root, arrays = release('MCFS-130', shape)
    for video, array in arrays.items():
        np.save(root / f'features/{video}.npy', array / 500 - 0.5)
    video = imported(root)[0]['annotations'][0]
    assert video['img_shape'] == (512, 512)
    assert (video['keypoint'].min(), video['keypoint'].max()) == (32, 480)
    x = arrays['a'][0, :, 3].ravel()
    ratio = np.diff(video['keypoint'][0, :, 3, 0]) / np.diff(x)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-3)


def test_signals_that_are_no_coordinates_become_features(release, imported, tmp_path):
    """HuGaDB's accelerations and turning rates, in the order of channel and sensor."""
    root, arrays = release('hugadb', (6, 'T', 6, 1))
    data, output = imported(root)
    features = np.load(tmp_path / 'out/features/imu/b.npy')
    assert (features.shape, features.dtype) == ((14, 36), np.float32)
    assert features[3, 6 * 2 + 5] == np.float32(arrays['b'][2, 3, 5, 0])
    assert data['metainfo']['skeleton'] == {'joints': ['none'], 'limbs': []}
    assert not data['annotations'][1]['keypoint_score'].any()
    assert '36 features per frame in ' in output


def test_tables_say_who_trains_and_validation_videos_train(release, imported):
    """csv/ stands in for splits/."""
    root, _ = release('TCG-15', ('T', 17, 3))
    shutil.rmtree(root / 'splits')
    (root / 'csv').mkdir()
    for part, video in (('train', 'c'), ('val', 'a'), ('test', 'b')):
        paths = [
            f'./dataset/TCG-15/{folder}/{video}.npy'
            for folder in ('features', 'gt_arr', 'gt_boundary_arr')
        ]
        (root / f'csv/{part}1.csv').write_text(
            f'feature,label,boundary\n{",".join(paths)}\n'
        )
    data, _ = imported(root)
    assert data['split'] == {'train': ['c', 'a'], 'test': ['b']}
    assert data['annotations'][0]['fps'] == 100


def small_poses(persons=1, dims=3):
    """Return annotations of Kinect's 25 joints, the first missing once."""
    data = small_annotations()
    rng = np.random.default_rng(1)
    for video in data['annotations']:
        shape = (persons, video['total_frames'], 25)
        score = np.ones(shape, np.float32)
        score[0, 2, 0] = 0
        points = rng.normal(0, 1, (*shape, dims)).astype(np.float32)
        points[0, 2, 0] = 0
        video['keypoint'] = (200 + 50 * points[..., :2]) * score[..., None]
        video['keypoint_score'] = score
        if dims == 3:
            video['keypoint_3d'] = points
    data['metainfo']['skeleton'] = 'kinect25'
    return data


@pytest.mark.parametrize(
    ('axes', 'persons', 'options'),
    [
        ('CTVM', 2, ()),
        ('CTV', 1, ()),
        ('TVC', 1, ()),
        ('TD', 2, ()),
        ('CTVM', 2, ('--channels', 'xys', '--size', '640x480')),
    ],
)
def test_import_of_an_export_is_the_same_again(
    axes, persons, options, tmp_path, call_tool
):
    """In each order of axes, in 3D and in 2D."""
    data = small_poses(persons, dims=2 if options else 3)
    save_annotations(data, tmp_path / 'a.pkl')
    out = tmp_path / 'layout'
    call_tool(TOOL, 'export', tmp_path / 'a.pkl', out, '--axes', axes)
    call_tool(
        TOOL, 'import', out, tmp_path / 'again', '--skeleton', 'kinect25',
        '--fps', '10', *options,
    )  # fmt: skip
    again = load_annotations(tmp_path / 'again/annotations.pkl')
    assert again['split'] == data['split']
    assert again['metainfo']['classes'] == data['metainfo']['classes']
    key = 'keypoint' if options else 'keypoint_3d'
    for video, other in zip(data['annotations'], again['annotations'], strict=True):
        for part in (key, 'keypoint_score', 'label'):
            np.testing.assert_array_equal(other[part], video[part])


def test_export_writes_what_the_code_of_others_reads(tmp_path, run_tool):
    """Ids, boundaries of two frames, and tables with every tenth video to validate."""
    data = small_annotations(lengths=(14,) * 21)
    names = [video['frame_dir'] for video in data['annotations']]
    data['split'] = {'train': names[1:], 'test': names[:1]}
    data['annotations'][0]['label'][0] = -1
    save_annotations(data, tmp_path / 'a.pkl')
    out = tmp_path / 'LARA'
    run_tool(TOOL, 'export', tmp_path / 'a.pkl', out, '--unlabelled', 'none')
    features = np.load(out / 'features/video_3.npy')
    assert (features.shape, features.dtype) == ((3, 14, 17, 1), np.float32)
    np.testing.assert_array_equal(
        features[:2, :, 4, 0].T, data['annotations'][3]['keypoint'][0, :, 4]
    )
    label = np.load(out / 'gt_arr/video_0.npy')
    assert label.tolist() == [3] + [0] * 11 + [1] * 2
    boundary = np.load(out / 'gt_boundary_arr/video_0.npy')
    assert np.flatnonzero(boundary).tolist() == [0, 1, 2, 12, 13]
    assert (out / 'mapping.txt').read_text().endswith('2 class_2\n3 none\n')
    assert (out / 'groundTruth/video_0.txt').read_text().startswith('none\nclass_0\n')
    rows = {
        part: list(csv.DictReader((out / f'csv/{part}1.csv').read_text().splitlines()))
        for part in ('train', 'val', 'test')
    }
    assert {part: len(table) for part, table in rows.items()} == {
        'train': 18, 'val': 2, 'test': 1,
    }  # fmt: skip
    assert rows['val'][0] == {
        'feature': './dataset/LARA/features/video_10.npy',
        'label': './dataset/LARA/gt_arr/video_10.npy',
        'boundary': './dataset/LARA/gt_boundary_arr/video_10.npy',
    }


def table_without_a_column(root):
    remove('splits/test.split1.bundle')(root)
    text('splits/test1.csv', 'video\nc\n')(root)


POSE, LABEL = 'features/b.npy', 'gt_arr/b.npy'
FAULTS = [
    (
        save(POSE, np.ones((3, 14, 20))),
        f'/{POSE} | (3, 14, 20) | (C, T, 25, M), (C, T, 25), (T, 25, C) or (T, M*25*C)',
    ),
    (save(POSE, np.ones((6, 14, 25))), f'/{POSE} | 6 numbers | xyz'),
    (save(POSE, np.full((3, 14, 25), 'x')), f'/{POSE} | <U1 | (3, 14, 25)'),
    (save(LABEL, np.zeros(13)), f'/{POSE} | 14 frames | b.npy has 13'),
    (
        save(LABEL, np.repeat([0, 7, -1], [4, 8, 2])),
        f'/{LABEL} | frame 4 is 7 | first of 10 | mapping.txt | 0 to 2',
    ),
    (save(LABEL, np.full(14, 0.5)), f'/{LABEL} | frame 0 is 0.5'),
    (save(LABEL, np.zeros((14, 3))), f'/{LABEL} | float64 | (14, 3)'),
    (remove(LABEL), "/splits/train.split1.bundle | 'train' | video 'b'"),
    (table_without_a_column, "/splits/test1.csv | line 1 | 'video'"),
]


@pytest.mark.parametrize(('change', 'named'), FAULTS)
def test_fault_in_the_files_names_file_and_place(change, named, release, tmp_path):
    root, _ = release('PKU-view', (3, 'T', 25))
    check_refused(dest.ImportDeST, root, tmp_path / 'out', change, named)


def test_what_files_do_not_say_must_be_told(release, tmp_path, call_tool):
    root, _ = release('mine', (4, 'T', 17))
    out = tmp_path / 'out'
    done = call_tool(TOOL, 'import', root, out, code=1)
    assert 'mine is not a known data set' in done.stderr
    assert 'give --fps and --skeleton, or name a known one with' in done.stderr
    options = ('--fps', '10', '--skeleton', 'tcg17')
    done = call_tool(TOOL, 'import', root, out, *options, code=1)
    assert '4 numbers for each joint, but the channels are not known' in done.stderr
    done = call_tool(TOOL, 'import', root, out, '--channels', 'xxy', code=2)
    assert 'xxy is neither none nor letters that include x and y' in done.stderr
    call_tool(TOOL, 'import', root, out, *options, '--channels', 'x.yz')


def test_export_names_the_video_whose_persons_do_not_fit(tmp_path, call_tool):
    save_annotations(small_poses(persons=2), tmp_path / 'a.pkl')
    out = tmp_path / 'out'
    done = call_tool(TOOL, 'export', tmp_path / 'a.pkl', out, '--axes', 'CTV', code=1)
    assert 'video video_0: 2 persons, for which CTV has no axis;' in done.stderr
    assert not out.exists()
