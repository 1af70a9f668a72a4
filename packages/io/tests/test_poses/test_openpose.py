"""Output of OpenPose."""

import numpy as np
import pytest

from mmskelseg_io.poses import to_coco17
from mmskelseg_io.poses.openpose import read_openpose
from tests.errors import raises_naming
from tests.test_poses.trackers import openpose as write


@pytest.fixture
def body25(tmp_path, rng):
    """A folder of three frames: two people, nobody, one person without a nose."""
    joints = rng.uniform((10, 10, 0.1), (500, 400, 0.9), (3, 25, 3)).round(3)
    joints[2, 0] = 0
    write(tmp_path / 'take1', 0, joints[:2])
    write(tmp_path / 'take1', 1, [])
    write(tmp_path / 'take1', 2, joints[2:])
    return tmp_path / 'take1', joints


def test_body25_keeps_its_joints(body25):
    folder, joints = body25
    (folder / '._take1_000000000000_keypoints.json').touch()
    poses = read_openpose(folder)
    assert poses.joints[8] == 'mid_hip'
    assert poses.joints[24] == 'right_heel'
    assert poses.keypoint.shape == (2, 3, 25, 2)
    np.testing.assert_allclose(poses.keypoint[1, 0], joints[1, :, :2], rtol=1e-6)
    np.testing.assert_allclose(poses.keypoint_score[0, 2], joints[2, :, 2], rtol=1e-6)
    assert not poses.keypoint_score[:, 1].any()
    assert poses.keypoint_score[0, 2, 0] == 0


def test_body25_maps_to_coco(body25):
    """OpenPose lists right before left, and has a neck that COCO lacks."""
    folder, joints = body25
    poses = to_coco17(read_openpose(folder), {}, 'take1')
    order = [0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11]
    assert poses.skeleton == 'coco17'
    np.testing.assert_allclose(poses.keypoint[1, 0], joints[1, order, :2], rtol=1e-6)
    assert '25 joints mapped to coco17' in poses.notes[-1]


def test_coco18_is_told_by_its_length(tmp_path, rng):
    """Numbers may begin anywhere; the first file is the first frame."""
    joints = rng.uniform(10, 400, (2, 18, 3)).round(3)
    for number, person in enumerate(joints, 40):
        write(tmp_path / 'take1', number, [person])
    poses = read_openpose(tmp_path / 'take1')
    assert poses.skeleton == 'openpose_coco18'
    np.testing.assert_allclose(poses.keypoint[0], joints[..., :2], rtol=1e-6)


def test_person_ids_are_tracks(tmp_path, rng):
    """With --tracking people keep their ids when their order changes."""
    joints = rng.uniform(10, 400, (2, 25, 3))
    write(tmp_path / 'take1', 0, joints, ids=[4, 7])
    write(tmp_path / 'take1', 1, joints[::-1], ids=[7, 4])
    poses = read_openpose(tmp_path / 'take1')
    assert poses.people == ('4', '7')
    np.testing.assert_allclose(poses.keypoint[:, 0], poses.keypoint[:, 1])


def test_malformed_folders_are_named(body25):
    folder, joints = body25
    write(folder, 5, joints[:1])
    with raises_naming(ValueError, folder, 'frame 3', '0 and 5'):
        read_openpose(folder)
    (folder / 'other_000000000003_keypoints.json').write_text('{}')
    with raises_naming(ValueError, folder, 'other, take1'):
        read_openpose(folder)
    with raises_naming(ValueError, folder.parent, '--write_json'):
        read_openpose(folder.parent)


def test_two_files_of_a_frame_are_named(body25):
    folder, _ = body25
    (folder / 'take1_01_keypoints.json').write_text('{"people": []}')
    with raises_naming(ValueError, folder, "'1'"):
        read_openpose(folder)


@pytest.mark.parametrize(
    ('people', 'named'),
    [
        ([np.ones((15, 3))], 'pose_keypoints_2d | 45 numbers | 75'),
        ([np.ones((25, 3)) / 2], '--keypoint_scale 0'),
        ([np.ones((25, 3)), np.ones((18, 3))], '18 and 25 | --model_pose'),
        ([np.full((25, 3), 'x')], 'pose_keypoints_2d | 75'),
    ],
)
def test_malformed_people_are_named(people, named, tmp_path):
    write(tmp_path / 'take1', 0, people)
    with raises_naming(ValueError, tmp_path / 'take1', named):
        read_openpose(tmp_path / 'take1')
