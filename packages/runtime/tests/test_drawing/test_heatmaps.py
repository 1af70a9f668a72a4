import numpy as np
import pytest
from matplotlib import colormaps

from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime.drawing.heatmaps import (
    COLORMAP,
    MIDDLE,
    SIDES,
    draw_heatmaps,
    draw_poses,
    joint_colors,
)
from tests.test_drawing.pixels import has_white_edges, near

SKELETON = Skeleton.get(
    {'joints': ['neck', 'left_hip', 'right_hip'], 'limbs': [[0, 1], [0, 2], [1, 2]]}
)
POSE = np.array([[[320, 100], [200, 400], [440, 400]]], float)
SHAPE = (480, 640)


def test_heatmaps_share_one_scale():
    """Equal values have equal colours, and lower ones are darker."""
    strong, weak = np.full((8, 8), 4.0), np.full((8, 8), 1.0)
    image = draw_heatmaps({'a': strong, 'b': weak, 'c': strong})
    colors = colormaps[COLORMAP]
    # The scale goes by the square root: 1 of 4 is in the middle.
    columns = near(image, colors(1.0), 2).sum(axis=0) > 100
    middle = near(image, colors(0.5), 2).sum(axis=0) > 100
    edges = np.flatnonzero(np.diff(columns.astype(int)))
    assert len(edges) == 4
    assert edges[1] < np.flatnonzero(middle).min()
    assert np.flatnonzero(middle).max() < edges[2] + 1


def test_heatmaps_are_as_wide_as_a_column_of_a_paper():
    """3.5 inches at 300 dpi, for any number of heatmaps."""
    for count in (1, 4):
        images = {str(i): np.zeros((56, 56)) for i in range(count)}
        assert draw_heatmaps(images).shape[1] == 1050
    assert draw_heatmaps(images, width=7).shape[1] == 2100


@pytest.mark.parametrize('shape', [(56, 56), (20, 80)])
def test_heatmaps_keep_their_aspect_and_stay_within_the_picture(shape):
    """A pixel of a heatmap is square, and nothing is cut off."""
    image = draw_heatmaps({'a long title': np.ones(shape), 'b': np.ones(shape)})
    bright = near(image, colormaps[COLORMAP](1.0), 2)
    height = bright.sum(axis=0).max()
    width = bright.sum(axis=1).max() / 2
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.05)
    assert has_white_edges(image)


def pixels(image, color):
    """Return rows and columns of the pixels that are nearly of a colour."""
    # The names of the sides are on the right.
    return np.argwhere(near(image[:, :-110], color, 39))


def draw(*poses, shape=SHAPE):
    frames = [(f'walk {i}', pose) for i, pose in enumerate(poses)]
    maps = {f'frame {i}': np.ones((56, 56)) for i in range(len(poses))}
    return draw_poses(frames, maps, SKELETON, shape, width=3)


def test_poses_show_sides_of_the_body_by_colour():
    """The left limb is blue and on its side of the image; x goes to the right."""
    image = draw(POSE)
    left, right = (pixels(image, SIDES[side]) for side in ('left', 'right'))
    assert len(left) > 200
    assert left[:, 1].mean() < right[:, 1].mean()
    assert left[:, 0].mean() == pytest.approx(right[:, 0].mean(), rel=0.05)


def test_poses_leave_out_joints_that_are_not_seen():
    lost = POSE.copy()
    lost[0, 1] = np.nan
    assert not len(pixels(draw(lost, lost), SIDES['left'])) > 50
    assert len(pixels(draw(POSE, POSE), SIDES['left'])) > 100


def test_poses_show_frames_without_anybody():
    """Only a note is drawn."""
    nobody = np.full((2, 3, 2), np.nan)
    image = draw(nobody)
    assert not len(pixels(image, SIDES['left'])) > 50
    assert image.shape == draw(POSE).shape


@pytest.mark.parametrize('shape', [(480, 640), (1280, 720)])
def test_poses_keep_the_aspect_of_the_image(shape):
    H, W = shape
    points = np.array([[[W / 2, 0.2 * H], [W / 2, 0.2 * H + 100], [W / 2 + 100, 0]]])
    points[0, 2, 1] = points[0, 0, 1]
    image = draw(points, shape=shape)
    down, across = (pixels(image, SIDES[side]) for side in ('left', 'right'))
    height, width = np.ptp(down[:, 0]), np.ptp(across[:, 1])
    assert height / width == pytest.approx(1, rel=0.1)


def test_poses_show_what_is_outside_the_image_up_to_half_of_it():
    """The view grows for joints near the image, not for those far away."""
    near, far = POSE.copy(), POSE.copy()
    near[0, 2] = (800, 400)
    far[0, 2] = (9000, 400)
    drawn = [pixels(draw(pose), SIDES['left'])[:, 1] for pose in (POSE, near, far)]
    widths = [np.ptp(columns) for columns in drawn]
    assert widths[0] > widths[1] > widths[2] > 0.6 * widths[0]


def test_joints_of_no_side_are_dark():
    assert joint_colors(SKELETON) == [MIDDLE, SIDES['left'], SIDES['right']]
