"""HDF5 files of SLEAP and DeepLabCut, and DeepLabCut's CSV."""

import pickle
import sys

import numpy as np
import pytest

from mmskelseg.runtime.files.hdf5 import open_hdf5
from mmskelseg.runtime.poses import read_deeplabcut, read_sleap
from tests.test_runtime.test_poses.trackers import (
    NODES,
    SCORER,
    deeplabcut,
    sleap,
)


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
    poses = read_sleap(tmp_path / 'a.h5')
    check_tracks(poses, tracks)
    assert 'no limbs' in poses.notes[0]


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
    with pytest.raises(ValueError, match='3 nodes and 2 coordinates, but 2 node_names'):
        read_sleap(path)
    with h5py.File(path, 'r+') as file:
        del file['tracks']
        file['tracks'] = tracks[0]
    with pytest.raises(ValueError, match=r'tracks has shape \(4, 3, 2\), type float'):
        read_sleap(path)
    sleap(path, tracks, point_scores=np.full((2, 4, 3), b'1'))
    with pytest.raises(ValueError, match=r'point_scores has .* type \|S1 and axes'):
        read_sleap(path)
    with h5py.File(path, 'w') as file:
        file['pose'] = [1]
    with pytest.raises(ValueError, match='no tracks and node_names, but pose'):
        read_sleap(path)
    with pytest.raises(ValueError, match='0 tables of pandas'):
        read_deeplabcut(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match='not a complete HDF5 file'):
        read_sleap(path)
    with pytest.raises(FileNotFoundError, match='no such file'):
        read_sleap(tmp_path / 'b.h5')


def test_missing_h5py_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with (
        pytest.raises(RuntimeError, match='run pip install h5py, or'),
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
    ('format', 'key', 'value', 'message'),
    [
        ('fixed', 'axis1', 3, 'rows are not numbered frames'),
        ('fixed', 'axis1', [[0, 1]], 'rows are not numbered frames'),
        ('fixed', 'axis1', [0.0, 1.0], 'rows are not numbered frames'),
        (
            'fixed',
            'block0_values',
            np.full((2, 9), b'1'),
            r'/poses/block0_values has .*S1',
        ),
        # Column names are a pickle, which pandas would execute.
        ('table', None, eval, r'refused: it would run `builtins\.eval`'),
        ('table', None, [1, 2, 3], 'columns have the names 1, expected'),
    ],
)
def test_malformed_deeplabcut_hdf5_is_named(
    format, key, value, message, h5py, tmp_path
):
    path = deeplabcut(tmp_path / 'a.h5', np.ones((2, 9)), format)
    with h5py.File(path, 'r+') as file:
        if key is None:
            names = np.bytes_(pickle.dumps(value, 0))
            file['poses/table'].attrs['values_block_0_kind'] = names
        else:
            del file['poses'][key]
            file['poses'][key] = value
    with pytest.raises(ValueError, match=rf'a\.h5: {message}'):
        read_deeplabcut(path)


HEAD = 'scorer,a,a\nbodyparts,nose,nose\ncoords,x,y\n'


@pytest.mark.parametrize(('text', 'message'), [
    ('scorer,a\n0,1\n', 'the first rows begin with scorer, 0; expected'),
    (f'{HEAD}0,1\n', 'line 4 has 2 cells, but the header in line 1 has 3'),
    (f'{HEAD}img01.png,1,2\n', 'not labels of single images'),
    (f'{HEAD}0,1,2\n0,3,4\n', 'numbered from 0 to 0 in 2 rows'),
    (HEAD, 'numbered from 0 to 0 in 0 rows'),
    (f'scorer,s,s\n{HEAD}0,1,2\n', 'a value is not a number'),
    (HEAD.replace('x,y', 'x,q') + '0,1,2\n', 'no y of animal nose'),
    (HEAD.replace('x,y', 'x,z') + '0,1,2\n', 'poses in 3D, which are not in pixels'),
    (HEAD.replace('x,y', 'x,x') + '0,1,2\n', 'two columns have the same name'),
])  # fmt: skip
def test_malformed_deeplabcut_csv_is_named(text, message, save_text):
    with pytest.raises(ValueError, match=message):
        read_deeplabcut(save_text(text))


def test_deeplabcut_without_likelihood_counts_as_certain(save_text):
    poses = read_deeplabcut(save_text(f'{HEAD}0,1,2\n2,,\n'))
    np.testing.assert_array_equal(poses.keypoint_score[0, :, 0], [1, 0, 0])
