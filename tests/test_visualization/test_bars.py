import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mmskelseg.visualization.bars import PLAIN_COLOR, draw_bars


def runs(image, color):
    """Longest run of a colour in each line of pixels that has some."""
    rgb = np.round(255 * np.array(to_rgb(color)))
    hits = (np.abs(image - rgb).max(axis=-1) <= 1).sum(axis=1)
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
    """Long names and large numbers have room, and so have bars of nothing."""
    names = [f'a_rather_long_name_of_${i}$' for i in range(count)]
    for value in (0, 1_234_567):
        image = draw_bars({'x': [value] * count, 'y': [0] * count}, names, title=title)
        for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
            assert (edge == 255).all()
    assert len(runs(draw_bars({'x': [1] * count}, names), PLAIN_COLOR))


@pytest.mark.parametrize('panels', [{}, {'x': [1]}, {'x': [1, 2], 'y': [1]}])
def test_bars_need_a_value_for_each_name(panels):
    """What does not fit is said by its number of values."""
    with pytest.raises(ValueError, match=r'values for 2 names'):
        draw_bars(panels, ['a', 'b'])
