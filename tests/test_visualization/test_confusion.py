import numpy as np
import pytest

from mmskelseg.visualization import draw_confusion


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
    """No name is cut at the picture's edge, and empty rows are no division by 0."""
    classes = [f'rod_stand_pick_up_middle_{label}' for label in range(num_classes)]
    counts = np.diag([0] + [99999] * (num_classes - 1))
    image = draw_confusion(counts, classes, title='frames')
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge == 255).all()


def test_confusion_rejects_another_number_of_classes():
    """Counts and names must fit."""
    with pytest.raises(ValueError, match=r'shape \(3, 3\), but there are 2 classes'):
        draw_confusion(np.eye(3), ['a', 'b'])
