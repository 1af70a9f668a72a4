"""Charts of pages: their geometry, the values on hover, and the table behind each."""

import re

import numpy as np
import pytest

from mmskelseg_runtime.drawing.svg import Dots, Plot, Spot, bars, dots, graph, timeline

NAN = float('nan')


def numbers(chart, pattern):
    return [float(found) for found in re.findall(pattern, chart.picture)]


def test_timeline_has_a_box_for_each_segment_and_marks_differences():
    rows = {'a': np.array([0, 0, 1, -1]), 'b': np.array([0, 1, 1, 1])}
    chart = timeline(rows, 2, ['x<', 'y'], ['#000000', '#ffffff'], truth={'b': 'a'})
    assert numbers(chart, '<rect [^>]*width="(.)"') == [2, 1, 1, 3, 1]
    assert '<title>x&lt;, 0:00.0 to 0:01.0</title>' in chart.picture
    assert chart.rows[0] == ('a', 'x<', '0:00.0', '0:01.0')


def test_long_timelines_have_several_lines():
    chart = timeline({'a': np.zeros(1200, int)}, 1, ['x'], ['#000000'])
    assert chart.picture.count('class="bar"') == 4
    assert 'x, 5:00.0 to 10:00.0' in chart.picture


def test_names_are_on_segments_that_are_wide_enough():
    """Of 7 letters, 54 pixels: all of any width, half of 108, a tenth of 540."""
    label = np.array([0] * 10 + [1] * 8 + [0] + [1])
    chart = timeline({'a': label}, 1, ['grooming', 'walk'], ['#000000', '#ffffff'])
    assert re.findall('<text [^>]*class="(.*?)"[^>]*>(.*?)<', chart.picture) == [
        ('w280', 'grooming'), ('w280', 'walk'), ('w700', 'walk'),
    ]  # fmt: skip


def test_bars_follow_each_other():
    chart = bars({'found': [3, 1], 'missed': [1, 0]}, ['a', 'b'], ['3 of 4', '1 of 1'])
    assert numbers(chart, '<rect x="(.)"') == [0, 3, 0, 1]
    assert chart.rows == [('a', '3', '1', '3 of 4'), ('b', '1', '0', '1 of 1')]


def test_plot_has_its_points_where_axes_say():
    plot = Plot('x', 'y')
    plot.curve([Spot(0, 0, 'low'), Spot(1, 1, 'high', 0.5, 1)])
    ends = [(plot.x(0), plot.y(0)), (plot.x(1), plot.y(1))]
    picture = plot.chart('words', ('x', 'y'), [(0, 0)]).picture
    found = re.findall('cx="(.*?)" cy="(.*?)"', picture)
    assert [tuple(map(float, one)) for one in found] == ends
    assert picture.count('class="range"') == 1


def test_dots_lie_along_one_scale_and_missing_values_are_left_out():
    row = Dots('a', '#000000', {'m1': 1.0, 'm2': 2.0, 'm3': NAN}, (1.5, NAN, NAN), '')
    chart = dots([row], 'seconds')
    first, second = numbers(chart, 'cx="(.*?)%"')
    assert second == pytest.approx(2 * first, abs=0.02)
    assert chart.rows == [('a', 'm1', '1'), ('a', 'm2', '2')]
    assert 'class="range"' not in chart.picture


def test_arrows_are_as_wide_as_their_share():
    """Of four from a, three lead to b; what is clear by chance is marked."""
    number = np.array([[0, 3, 1], [2, 0, 0], [0, 0, 0]])
    residual = np.array([[0, 3.0, -3.0], [0, 0, 0], [0, 0, 0]])
    chart = graph(['a', 'b', 'c'], ['#000000'] * 3, number, residual, 'next', 1.96)
    assert numbers(chart, 'stroke-width="(.*?)"') == [2.75, 6.25, 8]
    assert re.findall('class="arrow (.*?)"', chart.picture) == ['rare', 'often', '']
