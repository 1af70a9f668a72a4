"""Crops are where labels are, with context on both sides."""

import numpy as np
import pytest

from mmskelseg.engine.crops import crop_begin, crop_table


def label_of(total, *intervals):
    label = np.full(total, -1)
    for start, end in intervals:
        label[start:end] = 0
    return label


@pytest.mark.parametrize(
    ('total', 'intervals', 'table'),
    [
        # Labelled throughout: all places, and as many crops as cover the recording.
        (250, [(0, 250)], [(0, 150, 3)]),
        (100, [(0, 100)], [(0, 0, 1)]),
        # Its middle is labelled, so 50 frames before and after are context.
        (1000, [(400, 650)], [(350, 600, 3)]),
        # There is none before the first frame and after the last.
        (1000, [(0, 80)], [(0, 30, 1)]),
        (1000, [(950, 1000)], [(900, 900, 1)]),
        (1000, [(990, 991)], [(900, 900, 1)]),
        # A few frames are in the middle of their crop.
        (1000, [(500, 503)], [(450, 453, 1)]),
        # Less than a crop apart is together; a gap is covered like labels.
        (1000, [(300, 310), (409, 420)], [(250, 370, 2)]),
        (1000, [(300, 310), (411, 420)], [(250, 260, 1), (361, 370, 1)]),
        # Short recordings stay whole, wherever their labels are.
        (60, [(50, 52)], [(0, 0, 1)]),
        # Nothing to choose by.
        (250, [], [(0, 150, 3)]),
    ],
)
def test_crops_cover_labelled_intervals(total, intervals, table):
    found = crop_table(label_of(total, *intervals), 100)
    assert found.tolist() == [list(row) for row in table]


def test_whole_recordings_are_crops_as_well():
    assert crop_table(label_of(70, (3, 9)), None).tolist() == [[0, 0, 1]]


def test_tiers_labelled_in_different_places_are_both_covered():
    rows = np.stack([label_of(1000, (100, 200)), label_of(1000, (700, 800))])
    assert crop_table(rows, 100).tolist() == [[50, 150, 1], [650, 750, 1]]


@pytest.mark.parametrize('frames', [99, 100])
def test_every_crop_has_labels_and_every_label_is_in_one(frames, rng):
    """Of a single interval, a crop has all or as many as half of its frames."""
    for number in [1, 2, 3] * 30:
        label = np.full(1000, -1)
        for start in rng.integers(0, 980, number):
            label[start : start + rng.integers(1, 200)] = 0
        shown = np.zeros(1000, bool)
        for first, last, _ in crop_table(label, frames).tolist():
            assert 0 <= first <= last <= 1000 - frames
            for begin in range(first, last + 1):
                known = label[begin : begin + frames] >= 0
                assert known.any()
                if number == 1:
                    assert known.sum() >= min(frames // 2, (label >= 0).sum())
            shown[first : last + frames] = True
        assert shown[label >= 0].all()


def test_each_interval_has_its_share_of_the_places():
    """Of 4 crops: one of the first interval, with 11 places, and 3 of the other."""
    table = crop_table(label_of(5000, (1000, 1010), (3000, 3300)), 100)
    assert table.tolist() == [[950, 960, 1], [2950, 3250, 3]]
    places = np.arange(0, 1, 1 / 400)
    begins = np.array([crop_begin(table, place) for place in places])
    assert set(begins[:100]) == set(range(950, 961))
    assert (begins[100], begins[-1]) == (2950, 3249)
    assert (np.diff(begins) >= 0).all()
    assert crop_begin(table, 1.0) == 3250


def test_places_of_whole_recordings_are_those_without_labels():
    """To the digit, since trainings depend on them."""
    for total, frames in ((12_010, 600), (1601, 600), (45, 20)):
        table = crop_table(label_of(total, (0, total)), frames)
        places = total - frames + 1
        for crop in range(crops := -(-total // frames)):
            for share in (0.0, 0.3, 1 / 3, 0.7, 1 - 2**-53):
                place = (crop + share) / crops
                expected = min(int(place * places), places - 1)
                assert crop_begin(table, place) == expected
