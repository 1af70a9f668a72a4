"""HDF5 files of SLEAP and DeepLabCut, and DeepLabCut's CSV."""

import pickle
import sys

import numpy as np
import pytest

from mmskelseg_io.files.hdf5 import open_hdf5
from mmskelseg_io.poses import read_poses
from mmskelseg_io.poses.deeplabcut import read_deeplabcut
from mmskelseg_io.poses.sleap import read_sleap
from tests.errors import raises_naming
from tests.test_poses.trackers import NODES, SCORER, deeplabcut, sleap


@pytest.fixture
def h5py():
    return pytest.importorskip(
        'h5py', reason="h5py is not installed (pip install 'mmskelseg[trackers]')"
    )


@pytest.fixture
def tracks(rng):
    """Two tracks, four frames, three nodes, x and y, in our order of axes."""
    points = rng.uniform(0, 500, (2, 4, 3, 2))
    points[1, 0] = np.nan
    points[0, 2, 1] = np.nan
    return points


def check_tracks(poses, tracks):
    seen = ~np.isnan(tracks[..., 0])
    assert poses.people == ('ann', 'bob')
    np.testing.assert_allclose(poses.keypoint, np.nan_to_num(tracks), rtol=1e-6)
    np.testing.assert_allclose(poses.keypoint_score, 0.75 * seen)


def test_sleap_keeps_tracks_and_edges(h5py, tracks, tmp_path):
    path = tmp_path / 'labels.v001.000_take1.analysis.h5'
    edges = {'edge_inds': [[0, 1], [0, 2]]}
    sleap(path, tracks, **edges)
    poses = read_sleap(path)
    check_tracks(poses, tracks)
    assert poses.skeleton['limbs'] == [[0, 1], [0, 2]]
    assert poses.skeleton['flip_pairs'] == [[1, 2]]
    np.testing.assert_allclose(poses.person_score, [[0.5] * 4, [0] + [0.5] * 3])


def test_sleap_follows_named_axes(h5py, tracks, tmp_path):
    """As sleap-io writes with preset='standard'."""
    sleap(tmp_path / 'a.h5', tracks, ['frame', 'track', 'node', 'xy'])
    poses = read_poses(tmp_path / 'a.h5')
    check_tracks(poses, tracks)
    assert '--skeleton' in poses.notes[0]


def test_sleap_labels_corrected_by_hand_count_as_certain(h5py, tracks, tmp_path):
    """Corrected instances have no scores."""
    scores = np.where(np.isnan(tracks[..., 0]), np.nan, 0.75)
    scores[0, 3] = np.nan
    sleap(tmp_path / 'a.h5', tracks, point_scores=scores)
    score = read_sleap(tmp_path / 'a.h5').keypoint_score
    np.testing.assert_array_equal(score[0, 3], [1, 1, 1])
    np.testing.assert_array_equal(score[0, 2], [0.75, 0, 0.75])


def test_malformed_hdf5_is_named(h5py, tracks, tmp_path):
    path = tmp_path / 'a.h5'
    sleap(path, tracks, node_names=np.array(NODES[:2], 'S'))
    with raises_naming(ValueError, path, '3 nodes', '2 node_names'):
        read_sleap(path)
    with h5py.File(path, 'r+') as file:
        del file['tracks']
        file['tracks'] = tracks[0]
    with raises_naming(ValueError, path, 'tracks', '(4, 3, 2)'):
        read_sleap(path)
    sleap(path, tracks, point_scores=np.full((2, 4, 3), b'1'))
    with raises_naming(ValueError, path, 'point_scores', '|S1'):
        read_sleap(path)
    with h5py.File(path, 'w') as file:
        file['pose'] = [1]
    with raises_naming(ValueError, path, 'tracks and node_names', ' pose;'):
        read_sleap(path)
    with raises_naming(ValueError, path, ' 0 tables'):
        read_deeplabcut(path)
    path.write_bytes(path.read_bytes()[:300])
    with raises_naming(ValueError, path):
        read_sleap(path)
    with raises_naming(FileNotFoundError, tmp_path / 'b.h5'):
        read_sleap(tmp_path / 'b.h5')


def test_missing_h5py_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with (
        raises_naming(RuntimeError, tmp_path / 'a.h5', 'pip install h5py'),
        open_hdf5(tmp_path / 'a.h5'),
    ):
        pass


@pytest.mark.parametrize('people', [None, ('m1', 'm2')])
@pytest.mark.parametrize('kind', ['csv', 'table', 'fixed'])
def test_deeplabcut_files_hold_the_same(kind, people, rng, tmp_path):
    """One animal or two, from CSV and both ways in which pandas writes HDF5."""
    count = len(people or 'm')
    values = rng.uniform(0, 1, (4, 9 * count + 3)).round(6)
    values[1, :3] = np.nan
    path = tmp_path / f'take1{SCORER}.{"csv" if kind == "csv" else "h5"}'
    poses = read_deeplabcut(deeplabcut(path, values, kind, people=people))
    expected = np.nan_to_num(values[:, : 9 * count]).reshape(4, count, 3, 3)
    expected = expected.transpose(1, 0, 2, 3)
    np.testing.assert_allclose(poses.keypoint, expected[..., :2], rtol=1e-6)
    np.testing.assert_allclose(poses.keypoint_score, expected[..., 2], rtol=1e-6)
    assert poses.people == (people or ('animal',))
    assert poses.joints == tuple(NODES)
    assert any('single' in note for note in poses.notes) == bool(people)


@pytest.mark.parametrize(
    ('format', 'key', 'value', 'named'),
    [
        ('fixed', 'axis1', 3, 'rows | analyze_videos'),
        ('fixed', 'axis1', [[0, 1]], 'rows | analyze_videos'),
        ('fixed', 'axis1', [0.0, 1.0], 'rows | analyze_videos'),
        ('fixed', 'block0_values', np.full((2, 9), b'1'), '/poses/block0_values | S1'),
        # Column names are a pickle, which pandas would execute.
        ('table', None, eval, '`builtins.eval`'),
        ('table', None, [1, 2, 3], ' 1, | scorer, bodyparts'),
    ],
)
def test_malformed_deeplabcut_hdf5_is_named(format, key, value, named, h5py, tmp_path):
    path = deeplabcut(tmp_path / 'a.h5', np.ones((2, 9)), format)
    with h5py.File(path, 'r+') as file:
        if key is None:
            names = np.bytes_(pickle.dumps(value, 0))
            file['poses/table'].attrs['values_block_0_kind'] = names
        else:
            del file['poses'][key]
            file['poses'][key] = value
    with raises_naming(ValueError, path, named):
        read_deeplabcut(path)


HEAD = 'scorer,a,a\nbodyparts,nose,nose\ncoords,x,y\n'


@pytest.mark.parametrize(('text', 'named'), [
    ('scorer,a\n0,1\n', "'scorer, 0' | bodyparts"),
    (f'{HEAD}0,1\n', 'line 4 | 2 cells | 3;'),
    (f'{HEAD}img01.png,1,2\n', "'img01.png'"),
    (f'{HEAD}0,1,2\n0,3,4\n', '0 to 0 | 2 rows'),
    (HEAD, '0 to 0 | 0 rows'),
    (f'scorer,s,s\n{HEAD}0,1,2\n', "'coords'"),
    (HEAD.replace('x,y', 'x,q') + '0,1,2\n', ' y | nose'),
    (HEAD.replace('x,y', 'x,z') + '0,1,2\n', '3D'),
    (HEAD.replace('x,y', 'x,x') + '0,1,2\n', 'two columns'),
])  # fmt: skip
def test_malformed_deeplabcut_csv_is_named(text, named, save_text):
    with raises_naming(ValueError, 'take1.csv: ', named):
        read_deeplabcut(save_text(text))


def test_deeplabcut_without_likelihood_counts_as_certain(save_text):
    poses = read_deeplabcut(save_text(f'{HEAD}0,1,2\n2,,\n'))
    np.testing.assert_array_equal(poses.keypoint_score[0, :, 0], [1, 0, 0])


def test_deeplabcut_csv_of_a_spreadsheet_has_decimal_commas(save_text):
    text = f'{HEAD}0,1.5,2\n1,3,4.25\n'.replace(',', ';').replace('.', ',')
    poses = read_deeplabcut(save_text(text))
    np.testing.assert_array_equal(poses.keypoint[0, :, 0], [[1.5, 2], [3, 4.25]])
