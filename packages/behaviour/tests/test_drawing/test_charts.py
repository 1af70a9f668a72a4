import numpy as np
import pytest

from mmskelseg_io.structures.time_budget import time_budget
from mmskelseg_runtime.drawing.charts import (
    PLAIN_COLOR,
    draw_bars,
    draw_confusion,
    draw_time_budget,
)
from mmskelseg_runtime.drawing.palette import class_color
from tests.test_drawing.pixels import has_white_edges, near


def runs(image, color):
    """Longest run of a colour in each line of pixels that has some."""
    hits = near(image, color).sum(axis=1)
    return hits[hits > 5]


def test_bars_are_as_long_as_their_values():
    """Twice the value is twice the length, and nothing has no length."""
    image = draw_bars({'frames': [100, 50, 0]}, ['a', 'b', 'c'], colors=['r', 'b', 'g'])
    red, blue = (np.median(runs(image, color)) for color in 'rb')
    assert red / blue == pytest.approx(2, rel=0.02)
    assert not len(runs(image, 'g'))


def test_bars_of_two_panels_have_scales_of_their_own():
    """The longest bars of both are equally long, whatever their numbers of digits."""
    names, colors = ['a', 'b'], ['r', 'b']
    values = {'frames': [123456, 0], 'segments': [0, 123456]}
    image = draw_bars(values, names, colors=colors)
    red, blue = (np.median(runs(image, color)) for color in 'rb')
    assert red == pytest.approx(blue, abs=2)


@pytest.mark.parametrize('count', [1, 40])
@pytest.mark.parametrize('title', ['', 'Classes'])
def test_bars_stay_within_the_picture(count, title):
    """Long names and large numbers have room, and empty bars cause no error."""
    names = [f'a_rather_long_name_of_${i}$' for i in range(count)]
    for value in (0, 1_234_567):
        image = draw_bars({'x': [value] * count, 'y': [0] * count}, names, title=title)
        assert has_white_edges(image)
    assert len(runs(draw_bars({'x': [1] * count}, names), PLAIN_COLOR))


def test_bars_of_what_is_not_there_have_no_length():
    image = draw_bars({'mean': [float('nan'), 2.0]}, ['a', 'b'], colors=['r', 'b'])
    assert not len(runs(image, 'r'))
    assert len(runs(image, 'b'))


def test_time_budget_shows_bars_and_transitions_if_there_are_any():
    classes = ['a', 'b']
    alone = time_budget(np.zeros(10, int), 2, fps=1)
    both = time_budget(np.repeat([0, 1], [6, 2]), 2, fps=1)
    image = draw_time_budget(both, classes)
    assert image.shape[0] > draw_time_budget(alone, classes).shape[0] + 300
    # In two of the panels, the first has 3 times the length of the second.
    lengths = [np.median(runs(image, class_color(k))) for k in range(2)]
    assert lengths[0] > lengths[1] > 0


def blueness(image):
    """Number of dark blue pixels."""
    red, blue = image[..., 0].astype(int), image[..., 2].astype(int)
    return ((blue - red > 60) & (red < 60)).sum()


def test_confusion_colours_are_shares_of_a_row():
    """Ten times the frames of a class leave the colours as they are."""
    counts = np.array([[8, 2], [5, 5]])
    scaled = counts * [[10], [1]]
    first, second = (draw_confusion(item, ['a', 'b']) for item in (counts, scaled))
    assert first.shape == second.shape
    assert (first != second).any(axis=-1).mean() < 0.02


def test_confusion_of_a_perfect_prediction_is_a_dark_diagonal():
    """Right frames are dark, and a wrong half lightens its row."""
    perfect = draw_confusion(np.diag([5, 5, 5]), ['a', 'b', 'c'])
    half = draw_confusion(np.array([[5, 5, 0], [0, 5, 0], [0, 0, 5]]), ['a', 'b', 'c'])
    assert blueness(perfect) > 1.2 * blueness(half)


@pytest.mark.parametrize('num_classes', [2, 17, 23])
def test_confusion_leaves_room_for_the_names(num_classes):
    """Names stay within the picture, and empty rows cause no division by 0."""
    classes = [f'rod_stand_pick_up_middle_{label}' for label in range(num_classes)]
    counts = np.diag([0] + [99999] * (num_classes - 1))
    image = draw_confusion(counts, classes, title='frames')
    assert has_white_edges(image)
