"""A live picture: the newest label, and a timeline whose right end is now."""

import numpy as np

from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.places import Place
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_runtime.drawing.frames import BACKGROUND
from mmskelseg_runtime.drawing.live import LivePicture
from mmskelseg_runtime.drawing.palette import class_color, rgb

COCO = Skeleton.get('coco17')
SHAPE = (480, 640)
AB = tiers_of({'classes': ['a', 'b']})


def label_color(label):
    return rgb(class_color(label))[::-1]


def timeline(picture, now):
    """Return the colours of a row through the timeline, shape (W, 3)."""
    image = picture.draw(np.zeros((*SHAPE, 3), np.uint8), now, [])
    assert image.shape == (*picture.img_shape, 3)
    bottom = image[480:]
    row = bottom[round(0.68 * len(bottom))]
    gap = picture.unit // 2
    return row[gap : len(row) - gap]


def test_timeline_scrolls_and_ends_with_the_newest_label():
    """Ten seconds are shown at 12 s: class 0 until 6 s, class 1 until 9 s, no label."""
    picture = LivePicture(SHAPE, COCO, AB, seconds=10)
    assert picture.rows[''].label == -1
    for i in range(90):
        picture.add(i / 10, (i + 1) / 10, int(i >= 60), 0.75)
    assert picture.rows[''].label == 1
    row = timeline(picture, 12.0)
    share = [(row == color).all(axis=1).mean() for color in
             (label_color(0), label_color(1), BACKGROUND)]  # fmt: skip
    np.testing.assert_allclose(share, [0.4, 0.3, 0.3], atol=0.005)
    assert (row[0] == label_color(0)).all()
    assert (row[-1] == BACKGROUND).all()


def test_timeline_has_no_label_where_the_camera_was_away():
    """From 3 to 8 s, though the same class comes before and after."""
    picture = LivePicture(SHAPE, COCO, AB, seconds=10)
    for i in [*range(30), *range(80, 100)]:
        picture.add(i / 10, (i + 1) / 10, 1, 0.75)
    row = timeline(picture, 10.0)
    shares = [(row == label_color(k)).all(axis=1).mean() for k in (1, -1)]
    np.testing.assert_allclose(shares, [0.5, 0.5], atol=0.005)


def test_memory_is_bounded_by_what_is_shown():
    picture = LivePicture(SHAPE, COCO, AB, seconds=5)
    for i in range(1000):
        picture.add(i, i + 1, i % 2, 1.0)
    assert len(picture.rows[''].past) == 6
    assert (timeline(picture, 1000) != BACKGROUND).any(axis=1).all()


def test_people_have_the_colour_of_their_class():
    """The skeleton is drawn in the picture as it is enlarged to be shown."""
    picture = LivePicture((120, 160), COCO, AB)
    assert picture.size == (360, 480)
    points = np.full((17, 2), 80.0)
    points[:, 1] = 60
    image = picture.draw(
        np.zeros((120, 160, 3), np.uint8), 0.0, [(points, np.ones(17), 1)]
    )
    assert (image[180, 240] == label_color(1)).all()
    assert not image[:100, :360].any()


def test_people_are_in_place_when_frames_change_size():
    """As a network camera's do that changes its quality."""
    picture = LivePicture((120, 160), COCO, AB)
    points = np.tile([160.0, 120.0], (17, 1))
    image = picture.draw(
        np.zeros((240, 320, 3), np.uint8), 0.0, [(points, np.ones(17), 1)]
    )
    assert image.shape == (*picture.img_shape, 3)
    assert (image[180, 240] == label_color(1)).all()


def test_places_are_drawn_as_large_as_frames_are_shown():
    """From 40 to 80 pixels of the frame, which is shown three times as large."""
    points = np.array([[40, 40], [80, 40], [80, 80], [40, 80]], float)
    picture = LivePicture(
        (120, 160), COCO, AB, places=[Place('nest', 'polygon', points)]
    )
    image = picture.draw(np.zeros((120, 160, 3), np.uint8), 0.0, [])
    edge = (image[180:240, 118:123] > 190).all(axis=-1).any(axis=1)
    assert edge.all()
    assert not image[:110, :360].any()


def test_each_tier_has_its_label_and_timeline():
    """The hand changes at 5 s, when the gaze is unlabelled; ids are of both."""
    tiers = tiers_of({'tiers': {'gaze': ['up'], 'hand': ['no', 'wave']}})
    picture = LivePicture(SHAPE, COCO, tiers, seconds=10)
    single = LivePicture(SHAPE, COCO, tiers[:1])
    assert picture.panel == 2 * single.panel
    for i in range(100):
        picture.add(i / 10, (i + 1) / 10, 0 if i < 50 else -1, 1.0, 'gaze')
        picture.add(i / 10, (i + 1) / 10, int(i >= 50), 1.0, 'hand')
    assert [row.name for row in picture.rows.values()] == ['unlabelled', 'wave']
    bottom = picture.draw(np.zeros((*SHAPE, 3), np.uint8), 10.0, [])[480:]
    for k, (first, second) in enumerate([(0, -1), (1, 2)]):
        panel = bottom[k * single.panel :][: single.panel]
        row = panel[round(0.68 * len(panel)), picture.unit // 2 : -picture.unit // 2]
        middle = len(row) // 2
        assert (row[: middle - 2] == label_color(first)).all()
        assert (row[middle + 2 : -2] == label_color(second)).all()
