"""The picture of the bouts of several recordings."""

import numpy as np

from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_runtime.drawing.palette import class_color
from mmskelseg_runtime.drawing.timelines import draw_ethogram
from tests.test_drawing.pixels import near


def extent(image, label):
    """Return the first and last row and column of pixels in the colour of a class.

    The narrow patch of the legend, at the left, is left out.
    """
    match = near(image, class_color(label))
    rows = np.flatnonzero(match.sum(axis=1) > 100)
    columns = np.flatnonzero(match[rows].any(axis=0))
    return rows[0], rows[-1], columns[0], columns[-1]


def test_ethogram_has_a_row_for_each_recording_on_one_axis():
    """Of an hour, and of the second quarter of another, half as long."""
    one = Bouts(np.array([0.0]), np.array([3600.0]), np.array([0]), 3600.0)
    two = Bouts(np.array([900.0]), np.array([1800.0]), np.array([1]), 1800.0)
    image = draw_ethogram({'m1': one, 'm2': two}, ['a', 'b'])
    top, bottom, left, right = extent(image, 0)
    assert bottom - top < 50
    below, _, first, last = extent(image, 1)
    assert below > bottom
    quarters = (np.array([first, last]) - left) / (right - left) * 4
    np.testing.assert_allclose(quarters, [1, 2], atol=0.02)
