"""Predictions of MMPose."""

import numpy as np
import pytest

from mmskelseg_io.poses import read_poses
from tests.errors import raises_naming
from tests.test_poses.trackers import mmpose as frames
from tests.test_poses.trackers import mmpose_person as instance

COLOURS = {'keypoint_colors': {'__ndarray__': [[51, 153, 255]], 'dtype': 'uint8'}}


def test_inferencer_predictions_are_read(walk, save_json):
    content = frames(walk)
    content[2]['instances'] = []
    content[4]['instances'].append(instance(walk[0], 0.5))
    poses = read_poses(save_json(content))
    assert poses.skeleton == 'coco17'
    assert 'COCO' in poses.notes[0]
    assert poses.keypoint.shape == (2, 6, 17, 2)
    walk[2] = 0
    np.testing.assert_allclose(poses.keypoint[0], walk[..., :2], rtol=1e-6)
    np.testing.assert_allclose(poses.keypoint_score[0], walk[..., 2], rtol=1e-6)
    np.testing.assert_allclose(poses.keypoint[1, 4], walk[0, :, :2], rtol=1e-6)
    np.testing.assert_allclose(poses.person_score[:, 4], [0.9, 0.5])
    assert poses.people == ()


def test_demo_predictions_name_the_joints(walk, save_json):
    """Frames count from 1; trailing frames without people are kept."""
    content = [*frames(walk[:, :3], first=1), {'frame_id': 7, 'instances': []}]
    meta = {
        'dataset_name': 'mouse',
        'num_keypoints': 3,
        'keypoint_id2name': {'0': 'snout', '1': 'ear_left', '2': 'ear_right'},
        'keypoint_name2id': {'snout': 0, 'ear_left': 1, 'ear_right': 2},
        'skeleton_links': [[0, 1], [0, 2]],
        **COLOURS,
    }
    poses = read_poses(save_json({'meta_info': meta, 'instance_info': content}))
    assert poses.skeleton == {
        'name': 'mouse',
        'joints': ['snout', 'ear_left', 'ear_right'],
        'limbs': [[0, 1], [0, 2]],
        'flip_pairs': [[1, 2]],
    }
    assert poses.keypoint.shape == (1, 7, 3, 2)
    np.testing.assert_allclose(poses.keypoint[0, 0], walk[0, :3, :2], rtol=1e-6)


def test_named_joints_are_put_into_the_order_of_a_layout(walk, save_json):
    names = {'0': 'snout', '1': 'ear_left', '2': 'ear_right'}
    meta = {'keypoint_id2name': names, 'skeleton_links': [[0, 1]]}
    path = save_json({'meta_info': meta, 'instance_info': frames(walk[:, :3])})
    given = {'joints': ['ear_right', 'snout', 'ear_left'], 'limbs': []}
    poses = read_poses(path, skeleton=given)
    assert poses.joints == ('ear_right', 'snout', 'ear_left')
    np.testing.assert_allclose(poses.keypoint[0, 0], walk[0, [2, 0, 1], :2], rtol=1e-6)


def test_joints_without_names_may_be_those_of_a_model(walk, save_json):
    """Unless there are 17, as in COCO."""
    path = save_json(frames(walk[:, :15]))
    poses = read_poses(path, unnamed='lcr15')
    assert poses.skeleton == 'lcr15'
    assert poses.notes == ('15 joints without names are assumed to be those of lcr15',)
    with raises_naming(ValueError, path, '15 joints', 'kinect20', ' 20;'):
        read_poses(path, unnamed='kinect20')
    path = save_json(frames(walk[:, :17]))
    assert read_poses(path, unnamed='lcr15').skeleton == 'coco17'


def test_layout_is_the_one_given(walk, save_json):
    """Joints without names, other than 17, need one."""
    path = save_json(frames(walk[:, :15]))
    assert read_poses(path, skeleton='lcr15').skeleton == 'lcr15'
    with raises_naming(ValueError, path, '15 joints', '--skeleton'):
        read_poses(path)
    with raises_naming(ValueError, path, '15 joints', 'coco17', ' 17;'):
        read_poses(path, skeleton='coco17')


@pytest.mark.parametrize(('change', 'named'), [
    (lambda f: f[0].pop('instances'), '[0] | instances'),
    (lambda f: f[1].update(frame_id=0), 'frame_id 0 | 0;'),
    (lambda f: f[1]['instances'][0].pop('keypoints'), '[1].instances[0] | keypoints'),
    (lambda f: f[1]['instances'][0].update(keypoints=[[1, 2, 3]] * 17),
     'frame 1 | (17, 3)'),
    (lambda f: f[1]['instances'][0].update(keypoint_scores=[1.0] * 5),
     'frame 1 | keypoints_scores | 5 numbers | 17'),
    (lambda f: f[1]['instances'].append(instance(np.ones((3, 3)))),
     '3 joints | frame 1 | 17'),
    (lambda f: f.clear(), 'instances'),
    (lambda f: [frame['instances'].clear() for frame in f], 'person'),
    (lambda f: f.insert(0, instance(np.ones((17, 3)))), 'one image'),
])  # fmt: skip
def test_malformed_predictions_are_named(change, named, walk, save_json):
    content = frames(walk)
    change(content)
    path = save_json(content)
    with raises_naming(ValueError, path, named):
        read_poses(path, 'mmpose')


def test_truncated_json_is_named(walk, save_json):
    path = save_json(frames(walk))
    path.write_text(path.read_text()[:-20])
    with raises_naming(ValueError, path, 'line 1, '):
        read_poses(path)
