"""Joint layouts."""

import numpy as np
import pytest

from mmskelseg_io.poses import Poses, to_coco17
from mmskelseg_io.poses.layouts import COCO17, arranged, own_layout, split_side
from tests.errors import assert_names, raises_naming


@pytest.mark.parametrize(
    'name',
    ['left_wrist', 'LeftWrist', 'wrist_left', 'LEFT_WRIST', 'l_wrist', 'L wrist',
     'LWrist', 'wristL', 'wrist.L', 'wrist_l', 'left-wrist'],
)  # fmt: skip
def test_sides_are_found_in_any_spelling(name):
    assert split_side(name) == ('left', 'wrist')


def test_names_without_a_side_have_none():
    for name in ('nose', 'tail', 'Rump', 'lip', 'earL1x'):
        assert split_side(name)[0] == ''


def test_layout_pairs_mirrored_joints():
    joints = ['pawL1', 'pawR1', 'pawL2', 'tail']
    layout = own_layout(joints, 'a.csv', [[0, 3]])
    assert (layout['flip_pairs'], layout['limbs']) == ([[0, 1]], [[0, 3]])


def poses_of(joints):
    points = np.arange(4 * len(joints), dtype=float).reshape(1, 2, len(joints), 2)
    return Poses(points, np.ones(points.shape[:3]), own_layout(joints, 'a.csv'))


def test_joints_map_to_coco_by_name_or_as_told():
    """An explicit mapping takes precedence over names."""
    poses = poses_of(['Nose', 'HandL', 'KneeR', 'tail'])
    mapped = to_coco17(poses, {'HandL': 'left_wrist', 'tail': 'nose'}, 'a.csv')
    for joint, column in (('nose', 3), ('left_wrist', 1), ('right_knee', 2)):
        np.testing.assert_array_equal(
            mapped.keypoint[:, :, COCO17.index(joint)], poses.keypoint[:, :, column]
        )
    assert mapped.keypoint_score.sum() == 2 * 3
    assert 'always missing: left_eye' in mapped.notes[-1]


def test_mapping_names_what_it_lacks():
    poses = poses_of(['snout', 'tail'])
    with raises_naming(ValueError, 'a.csv: ', 'snout, tail', '--part snout=nose'):
        to_coco17(poses, {}, 'a.csv')
    with raises_naming(ValueError, 'a.csv: ', ' paw;', 'snout, tail'):
        to_coco17(poses, {'paw': 'nose'}, 'a.csv')
    with raises_naming(ValueError, 'a.csv: ', ' mouth;', 'nose, left_eye'):
        to_coco17(poses, {'snout': 'mouth'}, 'a.csv')


def test_poses_zero_what_is_missing():
    """NaN, infinity, and a score of 0 or less, such as DeepLabCut's -1."""
    points = np.ones((1, 1, 6, 2))
    points[0, 0, 0, 1], points[0, 0, 1, 0] = np.nan, np.inf
    score = np.array([[[1, 1, np.nan, 0, -1, 0.5]]])
    poses = Poses(points, score, {'joints': 6, 'limbs': []})
    np.testing.assert_array_equal(poses.keypoint_score, [[[0, 0, 0, 0, 0, 0.5]]])
    assert poses.keypoint.sum() == 2


def test_misspelt_joints_are_noted():
    joints = [joint.replace('left_wrist', 'left_wirst') for joint in COCO17]
    poses = arranged(poses_of(joints), None, 'take1.csv')
    assert poses.joints == tuple(joints)
    assert_names(poses.notes[1], 'left_wirst | did you mean left_wrist')
    assert len(poses.notes) == 2


def test_joints_of_animals_are_not_measured_by_those_of_people():
    mouse = ['nose', 'leftear', 'rightear', 'left_hip', 'right_hip', 'tail']
    assert len(arranged(poses_of(mouse), None, 'mouse.csv').notes) == 1


@pytest.mark.parametrize(
    ('joints', 'used', 'order', 'noted'),
    [
        # Those that are used, in their own order.
        (['nose', 'ear', 'tail'], ['tail', 'nose'], [2, 0], 'ear'),
        # Those that the layout calls otherwise keep theirs.
        (['a', 'b', 'ear'], ['snout', 'rump', 'ear'], [0, 1, 2],
         'a as snout | b as rump'),
    ],
)  # fmt: skip
def test_joints_are_in_the_order_of_a_layout(joints, used, order, noted):
    poses = poses_of(joints)
    found = arranged(poses, {'joints': used, 'limbs': []}, 'mouse.csv')
    assert found.joints == tuple(used)
    np.testing.assert_array_equal(found.keypoint, poses.keypoint[:, :, order])
    assert_names(found.notes[0], noted)


@pytest.mark.parametrize(
    ('used', 'named'),
    [
        # The order of names that agree contradicts that of the file.
        (('tail', 'Nose', 'ear'), 'nose | Nose'),
        (('nose', 'ear', 'tail', 'paw'), 'paw'),
        (('snout', 'tail'), 'nose, ear | snout'),
    ],
)
def test_layout_whose_joints_cannot_be_matched_is_named(used, named):
    poses = poses_of(['nose', 'ear', 'tail'])
    with raises_naming(ValueError, 'mouse.csv: ', named):
        arranged(poses, {'joints': [*used], 'limbs': []}, 'mouse.csv')
