import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mmskelseg.structures import Skeleton
from mmskelseg.visualization.poses import MIDDLE, SIDES, draw_poses, joint_colors

SKELETON = Skeleton.get(
    {'joints': ['neck', 'left_hip', 'right_hip'], 'limbs': [[0, 1], [0, 2], [1, 2]]}
)
POSE = np.array([[[320, 100], [200, 400], [440, 400]]], float)
SHAPE = (480, 640)


def draw(*poses, shape=SHAPE):
    frames = [(f'walk {i}', pose) for i, pose in enumerate(poses)]
    maps = {f'frame {i}': np.ones((56, 56)) for i in range(len(poses))}
    return draw_poses(frames, maps, SKELETON, shape, width=3)


def pixels(image, color):
    """Rows and columns of the pixels that are nearly of a colour."""
    rgb = np.round(255 * np.array(to_rgb(color)))
    # The names of the sides are on the right.
    return np.argwhere(np.abs(image[:, :-110] - rgb).max(axis=-1) < 40)


def test_poses_show_sides_of_the_body_by_colour():
    """The left limb is blue and on its side of the image; x goes to the right."""
    image = draw(POSE)
    left, right = (pixels(image, SIDES[side]) for side in ('left', 'right'))
    assert len(left) > 200
    assert left[:, 1].mean() < right[:, 1].mean()
    assert left[:, 0].mean() == pytest.approx(right[:, 0].mean(), rel=0.05)


def test_poses_leave_out_joints_that_are_not_seen():
    """A missing joint is neither drawn nor an end of a limb."""
    lost = POSE.copy()
    lost[0, 1] = np.nan
    assert not len(pixels(draw(lost, lost), SIDES['left'])) > 50
    assert len(pixels(draw(POSE, POSE), SIDES['left'])) > 100


def test_poses_show_frames_without_anybody():
    """Nothing but a note is drawn, below the middle."""
    nobody = np.full((2, 3, 2), np.nan)
    image = draw(nobody)
    assert not len(pixels(image, SIDES['left'])) > 50
    assert image.shape == draw(POSE).shape


@pytest.mark.parametrize('shape', [(480, 640), (1280, 720)])
def test_poses_keep_the_aspect_of_the_image(shape):
    """A square of the image is a square of the picture."""
    H, W = shape
    points = np.array([[[W / 2, 0.2 * H], [W / 2, 0.2 * H + 100], [W / 2 + 100, 0]]])
    points[0, 2, 1] = points[0, 0, 1]
    image = draw(points, shape=shape)
    down, across = (pixels(image, SIDES[side]) for side in ('left', 'right'))
    height, width = np.ptp(down[:, 0]), np.ptp(across[:, 1])
    assert height / width == pytest.approx(1, rel=0.1)


def test_poses_show_what_is_outside_the_image_up_to_half_of_it():
    """The view grows for joints beside the image, not for those that are far away."""
    near, far = POSE.copy(), POSE.copy()
    near[0, 2] = (800, 400)
    far[0, 2] = (9000, 400)
    drawn = [pixels(draw(pose), SIDES['left'])[:, 1] for pose in (POSE, near, far)]
    widths = [np.ptp(columns) for columns in drawn]
    assert widths[0] > widths[1] > widths[2] > 0.6 * widths[0]


def test_poses_are_above_their_own_heatmaps():
    """Each frame needs one."""
    with pytest.raises(ValueError, match='There are 1 frames but 2 heatmaps'):
        draw_poses([('a', POSE)], dict.fromkeys('ab', np.ones((2, 2))), SKELETON, SHAPE)


def test_joints_of_no_side_are_dark():
    """Colours are by the start of the name."""
    assert joint_colors(SKELETON) == [MIDDLE, SIDES['left'], SIDES['right']]
