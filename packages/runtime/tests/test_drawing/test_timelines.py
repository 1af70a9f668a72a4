import numpy as np
import pytest

from mmskelseg_runtime.drawing.palette import class_color
from mmskelseg_runtime.drawing.timelines import (
    PRINT,
    WRONG,
    draw_timelines,
    line_frames,
)
from tests.errors import raises_naming
from tests.test_drawing.pixels import has_white_edges, near


def share(image, color):
    """Share of a picture's pixels that have a colour."""
    return near(image, color).mean()


def colored_runs(image, colors):
    """Order of colours along the line of pixels that shows most of them."""
    match = np.stack([near(image, color) for color in colors], axis=-1)
    line = match[np.argmax(match.any(axis=2).sum(axis=1))]
    ids = line[line.any(axis=1)].argmax(axis=1)
    return ids[np.flatnonzero(np.diff(ids, prepend=-1))].tolist()


def test_timelines_show_segments_in_order_and_proportion():
    """The area of a segment is its share of the frames."""
    labels = np.repeat([2, 0, 1], [100, 200, 100])
    image = draw_timelines({'Prediction': labels}, ['a', 'b', 'c'])
    colors = [class_color(label) for label in range(3)]
    assert image.dtype == np.uint8
    assert colored_runs(image, colors) == [2, 0, 1]
    assert share(image, colors[0]) > 1.8 * share(image, colors[1])


def test_timelines_mark_single_wrong_frames_of_a_long_video():
    """The strip shows each of 8,000 frames, though less than a pixel wide."""
    gt = np.repeat([0, 1], 4000)
    pred = gt.copy()
    pred[[501, 1234, 2000, 2777]] = 1
    right, wrong = (
        draw_timelines(
            {'Ground truth': gt, 'Prediction': row}, ['a', 'b'], truth='Ground truth'
        )
        for row in (gt, pred)
    )
    added = wrong[(right != wrong).any(axis=-1)]
    grey = np.ptp(added.astype(int), axis=-1) < 10
    # The strip is 15 pixels high.
    assert (grey & (added.max(axis=-1) < 150)).sum() >= 4 * 15


def test_timelines_never_mark_unlabelled_frames_as_wrong():
    gt, pred = np.repeat([0, -1], 50), np.repeat([0, 1], 50)
    rows = {'Ground truth': gt, 'Prediction': pred}
    image = draw_timelines(rows, ['a', 'b'], truth='Ground truth')
    all_wrong = {'Ground truth': 1 - pred, 'Prediction': pred}
    reference = draw_timelines(all_wrong, ['a', 'b'], truth='Ground truth')
    # What is left is the patch of the legend.
    assert share(image, WRONG) < share(reference, WRONG) / 3


def test_timelines_hatch_unlabelled_frames():
    image = draw_timelines({'Ground truth': np.full(50, -1)}, ['a'])
    assert share(image, class_color(0)) == 0
    assert share(image, '#F4F4F4') > 0.1


def test_timelines_draw_several_methods_under_each_other():
    labels = np.repeat([0, 1], 30)
    two = draw_timelines({'truth': labels, 'one': labels}, ['a', 'b'], truth='truth')
    rows = dict.fromkeys(('truth', 'one', 'two', 'three'), labels)
    four = draw_timelines(rows, ['a', 'b'], truth='truth')
    assert four.shape[1] == two.shape[1]
    assert four.shape[0] > two.shape[0] + 150


@pytest.mark.parametrize('num_classes', [17, 23, 97])
def test_timelines_give_room_to_the_legend_of_many_classes(num_classes):
    """Nothing is drawn over the picture's edge, however long the legend."""
    labels = np.arange(num_classes).repeat(3)
    classes = [f'box_stand_pick_up_mid_{label}' for label in range(num_classes)]
    image = draw_timelines({'Prediction': labels}, classes, title='v', fps=25)
    assert has_white_edges(image)


def test_timelines_take_names_literally():
    image = draw_timelines({'a_b$': np.array([0])}, ['_x$y$'], title='$1_$')
    assert image.shape[2] == 3


def bar_rows(image, color):
    """How many bars show a colour: runs of lines of pixels with enough of it."""
    # Patches of the legend are narrower.
    lines = near(image, color).sum(axis=1) > 60
    return int((np.diff(lines.astype(int), prepend=0) == 1).sum())


def test_timelines_of_long_videos_continue_in_further_lines():
    """11 minutes take three lines of 5; the last class is on the last line only."""
    label = np.repeat([0, 1], [10 * 600, 600])
    short = draw_timelines({'Prediction': label[:6000]}, ['a', 'b'], fps=10)
    image = draw_timelines({'Prediction': label}, ['a', 'b'], fps=10)
    assert bar_rows(short, class_color(0)) == 1
    assert bar_rows(image, class_color(0)) == 2
    assert bar_rows(image, class_color(1)) == 1
    assert image.shape[1] == short.shape[1]
    one = draw_timelines({'Prediction': label}, ['a', 'b'], fps=10, line_minutes=20)
    assert bar_rows(one, class_color(0)) == 1
    # A minute has a fifth of a line.
    ratio = share(image, class_color(0)) / share(image, class_color(1))
    assert ratio == pytest.approx(10, rel=0.2)


@pytest.mark.parametrize('seconds', [601, 629, 631, 1201, 7201, 7900])
def test_lines_of_timelines_are_never_a_mere_rest(seconds):
    """At any number of frames a second."""
    for fps in (1, 29.97, 120):
        frames = round(seconds * fps)
        length = line_frames(frames, fps)
        last = frames % length or length
        assert last >= 0.09 * length
        assert 280 <= length / fps <= 630


def test_lines_of_a_timeline_hold_all_rows_that_go_on():
    rows = {'long': np.zeros(240, int), 'short': np.ones(100, int)}
    image = draw_timelines(rows, ['a', 'b'], fps=1, line_minutes=1)
    assert bar_rows(image, class_color(0)) == 4
    assert bar_rows(image, class_color(1)) == 2


def test_lines_keep_what_is_wrong_where_it_is():
    gt = np.zeros(180, int)
    pred = np.repeat([0, 1, 0], 60)
    rows = {'truth': gt, 'Prediction': pred}
    options = {'truth': 'truth', 'fps': 1, 'line_minutes': 1}
    image = draw_timelines(rows, ['a', 'b'], **options)
    assert bar_rows(image, WRONG) == 1
    assert bar_rows(image, class_color(1)) == 1


def test_timelines_without_a_rate_or_with_too_many_lines():
    """Without a frame rate there is one line; a picture of too many is refused."""
    label = np.zeros(100_000, int)
    assert bar_rows(draw_timelines({'a': label}, ['x']), class_color(0)) == 1
    with raises_naming(ValueError, '60000', 'line_minutes', '--line-minutes'):
        draw_timelines({'a': label}, ['x'], fps=1, line_minutes=1)
    with raises_naming(ValueError, 'line_minutes', ' 0,'):
        draw_timelines({'a': label}, ['x'], fps=1, line_minutes=0)


def test_timelines_leave_pyplot_alone():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    draw_timelines({'Prediction': np.array([0])}, ['a'])
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ('rows', 'named'),
    [
        ({}, 'no frames'),
        ({'a': np.array([], int)}, "{'a': 0}"),
        ({'a': np.array([0, 2])}, 'label 2 | 0 to 1'),
        ({'a': np.array([-2])}, 'label -2'),
        ({'a': np.array([0.5])}, 'float64'),
    ],
)
def test_timelines_name_what_cannot_be_drawn(rows, named):
    with raises_naming(ValueError, named):
        draw_timelines(rows, ['x', 'y'])


def test_timelines_compare_rows_of_one_length_alone():
    rows = {'a': np.array([0]), 'b': np.array([0, 1])}
    with raises_naming(ValueError, "{'a': 1, 'b': 2}"):
        draw_timelines(rows, ['x', 'y'], truth='a')


def test_timelines_of_several_videos_share_one_axis():
    """A video of half the frames has half the bar."""
    rows = {'long': np.zeros(200, int), 'short': np.ones(100, int)}
    image = draw_timelines(rows, ['x', 'y'])
    # Patches of the legend are small beside the bars, but equal ones.
    ratio = share(image, class_color(0)) / share(image, class_color(1))
    assert ratio == pytest.approx(2, abs=0.1)
    assert share(image, '#F4F4F4') < 0.001


def test_timelines_for_print_fit_a_column_of_a_paper():
    """3.5 inches at 300 dpi, with a legend of many long names."""
    labels = np.arange(17).repeat(20)
    classes = [f'rod_stand_pick_up_{label}' for label in range(17)]
    rows = dict.fromkeys(('Ground truth', 'MS-TCN++'), labels)
    image = draw_timelines(rows, classes, truth='Ground truth', style=PRINT)
    assert image.shape[1] == 1050
    assert image.shape[0] < 800
    assert has_white_edges(image)
