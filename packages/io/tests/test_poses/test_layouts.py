"""Joint layouts."""

import numpy as np
import pytest

from mmskelseg_io.poses import Poses, to_coco17
from mmskelseg_io.poses.layouts import COCO17, in_order, named_layout, split_side
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
    layout = named_layout(joints, [[0, 3]])
    assert (layout['flip_pairs'], layout['limbs']) == ([[0, 1]], [[0, 3]])


def poses_of(joints, rng):
    points = rng.uniform(1, 9, (1, 2, len(joints), 2))
    return Poses(points, np.ones(points.shape[:3]), named_layout(joints))


def test_joints_map_to_coco_by_name_or_as_told(rng):
    """An explicit mapping takes precedence over names."""
    poses = poses_of(['Nose', 'HandL', 'KneeR', 'tail'], rng)
    mapped = to_coco17(poses, {'HandL': 'left_wrist', 'tail': 'nose'}, 'a.csv')
    for joint, column in (('nose', 3), ('left_wrist', 1), ('right_knee', 2)):
        np.testing.assert_array_equal(
            mapped.keypoint[:, :, COCO17.index(joint)], poses.keypoint[:, :, column]
        )
    assert mapped.keypoint_score.sum() == 2 * 3
    assert 'always missing: left_eye' in mapped.notes[-1]


def test_mapping_names_what_it_lacks(rng):
    poses = poses_of(['snout', 'tail'], rng)
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
    _, layout, notes = in_order(joints, None, 'take1.csv')
    assert layout['joints'] == joints
    assert notes[1:] == ('left_wirst is not a joint of COCO; did you mean left_wrist?',)


def test_joints_of_animals_are_not_measured_by_those_of_people():
    mouse = ['nose', 'leftear', 'rightear', 'left_hip', 'right_hip', 'tail']
    _, _, notes = in_order(mouse, None, 'mouse.csv')
    assert len(notes) == 1


def layout_of(*joints):
    return {'joints': [*joints], 'limbs': []}


def test_a_layout_may_have_fewer_joints_than_the_file():
    """Those that are used, in its own order."""
    joints, used = ['nose', 'ear', 'tail'], layout_of('tail', 'nose')
    order, layout, notes = in_order(joints, used, 'mouse.csv')
    assert (order, layout['joints']) == ([2, 0], ['tail', 'nose'])
    assert_names(notes[0], 'ear')


def test_joints_that_a_layout_calls_otherwise_keep_their_order_with_a_note():
    used = layout_of('snout', 'rump', 'ear')
    order, layout, notes = in_order(['a', 'b', 'ear'], used, 'mouse.csv')
    assert (order, layout['joints']) == ([0, 1, 2], ['snout', 'rump', 'ear'])
    assert_names(notes[0], 'a as snout | b as rump')


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
    with raises_naming(ValueError, 'mouse.csv: ', named):
        in_order(['nose', 'ear', 'tail'], layout_of(*used), 'mouse.csv')
