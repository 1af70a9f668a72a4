"""Pictures of behaviour in numbers."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mmskelseg_behaviour.drawing.behaviour import (
    OFTEN,
    RARE,
    Dots,
    Graph,
    Map,
    draw_courses,
    draw_cycles,
    draw_dots,
    draw_maps,
    draw_transitions,
)
from mmskelseg_runtime.drawing.palette import class_color

BLUE = class_color(0)


def marked(image, color):
    """Return where a picture has a colour."""
    return np.abs(image / 255 - to_rgb(color)).max(-1) < 0.02


@pytest.mark.parametrize('paired', [False, True])
def test_lines_join_pairs(paired):
    values = {'before': np.array([1.0, 2, np.nan]), 'after': np.array([2.0, 4, 5])}
    panels = [Dots('total time (s)', 'p = 0.5', values)] * 5
    image = draw_dots(panels, title='walk', color=BLUE, paired=paired)
    grey = marked(image, '#B0B0B0').sum()
    assert (grey > 500) == paired
    assert image.shape[0] > draw_dots(panels[:4], color=BLUE).shape[0] + 300


def test_courses_of_groups_have_their_colours():
    rows = np.array([[10.0, 20, np.nan], [30, 40, np.nan]])
    groups = {'drug': rows, 'saline': rows + 20}
    image = draw_courses({'walk': groups}, np.array([30.0, 90, 150]))
    assert marked(image, BLUE).any()
    assert marked(image, class_color(1)).any()
    assert not marked(image, class_color(2)).any()


def test_arrows_have_the_colours_of_chance():
    number = np.array([[0, 9, 1], [5, 0, 5], [4, 1, 0]])
    residual = np.full((3, 3), 0.5)
    colors = [class_color(k) for k in (3, 4, 5)]
    graph = Graph('drug', colors, ['walk', 'groom', 'rear'], number, residual)
    quiet = draw_transitions([graph])
    residual[0, 1], residual[2, 1] = 4, -4
    image = draw_transitions([graph])
    for color in (OFTEN, RARE):
        assert marked(image, color).any()
        assert not marked(quiet, color).any()


@pytest.mark.parametrize('shape', [(48, 64), (20, 64)])
def test_maps_leave_no_gaps(shape):
    """Neither beside two of them, nor below the title."""
    rows, columns = shape
    one = Map(np.ones(shape), (0, columns, rows, 0), [])
    image = draw_maps(dict.fromkeys(['drug', 'saline'], one), title='Where')
    ink = (image < 250).any(axis=-1)
    for axis in (0, 1):
        lines = np.flatnonzero(np.concatenate([[True], ink.any(axis), [True]]))
        assert np.diff(lines).max() < 0.1 * ink.shape[1 - axis] + 60


def test_names_of_classes_do_not_cover_their_discs():
    ids = range(8)
    colors = [class_color(k) for k in ids]
    number = np.zeros((8, 8), int)
    pictures = [
        draw_transitions([Graph('', colors, [name] * 8, number, 0.0 * number)])
        for name in ('', 'left hand: reaches for the screwdriver')
    ]
    for k in ids:
        bare, named = (marked(image, class_color(k)).sum() for image in pictures)
        assert bare == named > 100


def test_cycles_of_recordings_have_the_same_axes():
    """So those of 20 s stand higher than those of 10 s."""
    ends = np.array([0.0, 10, 20, 30])
    edges = np.stack([ends[:-1], ends[1:]], axis=1)
    image = draw_cycles({'short': (edges, ''), 'long': (2 * edges, '')})
    short, long = (
        np.nonzero(marked(half, BLUE))[0].mean() for half in np.array_split(image, 2, 1)
    )
    assert short - long > 50


def test_cycles_are_a_dot_each():
    def dots(ends):
        edges = np.stack([ends[:-1], ends[1:]], axis=1)
        return marked(draw_cycles({'shift': (edges, '')}), BLUE).sum()

    assert 0 < dots(np.array([0.0, 40])) < dots(np.array([0.0, 40, 80, 110]))
