"""Poses in npz files."""

import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses, read_npz, recognise, write_npz
from mmskelseg_io.structures import Skeleton
from tests.errors import raises_naming

LAYOUT = {'joints': ['hip', 'knee'], 'limbs': [[0, 1]]}


@pytest.fixture
def poses(rng):
    shape = (2, 3, 2)
    return Poses(
        rng.uniform(1, 99, (*shape, 2)),
        rng.uniform(0.1, 1, shape),
        LAYOUT,
        img_shape=(48, 64),
        fps=29.97,
        person_score=rng.uniform(0.1, 1, shape[:2]),
        person_box=rng.uniform(1, 99, (2, 3, 4)),
        notes=('estimated',),
    )


@pytest.mark.parametrize('people', [(), ('ann', 'bob')])
def test_written_poses_are_read_again(people, poses, tmp_path):
    """Rows that are not people remain without names."""
    write_npz(poses.noting(people=people), tmp_path / 'a.npz', extra=np.array('text'))
    assert recognise(tmp_path / 'a.npz') == 'npz'
    read = read_npz(tmp_path / 'a.npz')
    assert read.people == people
    assert (read.img_shape, read.fps) == ((48, 64), 29.97)
    assert read.notes == ('estimated',)
    assert read.joints == ('hip', 'knee')
    for key in ('keypoint', 'keypoint_score', 'person_score', 'person_box'):
        np.testing.assert_array_equal(getattr(read, key), getattr(poses, key))


def test_layout_of_a_name_is_kept(tmp_path):
    poses = Poses(np.ones((1, 2, 17, 2)), np.ones((1, 2, 17)), 'coco17')
    write_npz(poses, tmp_path / 'a.npz')
    read = read_npz(tmp_path / 'a.npz')
    assert (read.skeleton, read.person_box, read.fps) == ('coco17', None, None)


def test_person_may_lack_the_axis_of_people(tmp_path):
    np.savez(
        tmp_path / 'a.npz',
        keypoint=np.ones((4, 17, 2)),
        keypoint_score=np.ones((4, 17)),
        person_box=np.ones((4, 4)),
    )
    read = read_npz(tmp_path / 'a.npz')
    assert read.keypoint.shape == (1, 4, 17, 2)
    assert read.person_box.shape == (1, 4, 4)
    assert read.people == ('0',)


def test_limbs_may_name_joints(tmp_path):
    """Limbs are names or indices, as in any other layout."""
    np.savez(
        tmp_path / 'a.npz',
        keypoint=np.ones((2, 3, 2, 2)),
        joints=np.array(['hip', 'knee']),
        limbs=np.array([['hip', 'knee']]),
    )
    layout = read_npz(tmp_path / 'a.npz').skeleton
    assert Skeleton.get(layout).limbs == ((0, 1),)


POINTS = np.ones((2, 3, 17, 2))


@pytest.mark.parametrize(('arrays', 'named'), [
    ({'points': np.ones(3)}, "'keypoint' | points"),
    ({'keypoint': np.ones((4, 17, 3))}, 'keypoint | (1, 4, 17, 3)'),
    ({'keypoint': np.full((4, 17, 2), 'x')}, 'keypoint | <U1'),
    ({'keypoint': np.full((4, 17, 2), None)}, 'objects'),
    ({'keypoint': POINTS[0], 'keypoint_score': np.ones((4, 17))},
     'keypoint_score | (1, 4, 17)'),
    ({'keypoint': POINTS, 'person_box': np.ones((2, 4))}, 'person_box | (2, 3, 4)'),
    ({'keypoint': POINTS, 'person_score': np.array([['a']])}, 'person_score | <U1'),
    ({'keypoint': POINTS, 'people': np.array(['ann'])}, 'people | (1,)'),
    ({'keypoint': POINTS, 'img_shape': [-1, -1]}, 'img_shape | [-1, -1]'),
    ({'keypoint': POINTS, 'img_shape': [0, 640]}, 'img_shape | [0, 640]'),
    ({'keypoint': POINTS, 'img_shape': [480, 1 << 40]}, 'img_shape | 1099511627776'),
    ({'keypoint': POINTS, 'img_shape': [480]}, 'img_shape | 1 numbers'),
])  # fmt: skip
def test_malformed_arrays_are_named(arrays, named, tmp_path):
    np.savez(tmp_path / 'a.npz', **arrays)
    with raises_naming(UserError, tmp_path / 'a.npz', named):
        read_npz(tmp_path / 'a.npz')
