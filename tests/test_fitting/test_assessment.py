"""Verdicts, intervals, doubts and curves, worked out by hand."""

import math

import numpy as np
import pytest

from mmskelseg.fitting.assessment import (
    class_results,
    doubts,
    expected_score,
    person_intervals,
)
from mmskelseg.fitting.held_out import Prediction

META = {'classes': ['rest', 'walk', 'groom'], 'background': 'rest'}


def prediction(true, label, sure=0.9):
    true, label = (np.array(list(map(int, text))) for text in (true, label))
    score = np.full((3, label.size), (1 - sure) / 2)
    score[label, np.arange(label.size)] = sure
    return Prediction(true, label, score)


def test_class_by_hand():
    """A bout is found a frame late, one is missed, and one is too much."""
    videos = {
        'a': prediction('0011110011100', '0001110000000'),
        'b': prediction('0011110000000', '0011110001100'),
    }
    walk, groom = class_results(videos, {'a': 2.0, 'b': 2.0}, META)
    assert walk.bouts == (3, 3)
    assert walk.seconds == (5.5, 4.5)
    assert walk.mean_seconds == pytest.approx((5.5 / 3, 1.5))
    # One too few and one too many, of three.
    assert walk.count_error == pytest.approx(2 / 3)
    assert walk.time_error == pytest.approx((2 + 1) / 5.5)
    # Starts are 0.5 and 0 s off, ends 0.
    assert walk.edge_error == 0
    assert walk.f1 == pytest.approx(100 * 4 / 6)
    assert walk.counting == 'too few'
    assert groom.bouts == (0, 0)
    assert math.isnan(groom.count_error)
    assert groom.f1 is None


def test_frames_without_label_do_not_count():
    video = prediction('0011110000', '0011110110')
    video.true[6:] = -1
    walk = class_results({'a': video}, {'a': 1.0}, META)[0]
    assert walk.bouts == (1, 1)


def test_interval_is_that_of_a_new_person():
    """Accuracies of 100, 80 and 90 percent: t is 4.303, and sd is 10."""
    rows = {
        'a': prediction('0011110000', '0011110000'),
        'b': prediction('0011110000', '0011110011'),
        'c': prediction('0011110000', '0011110001'),
    }
    found = person_intervals(rows, {'a': 'x', 'b': 'y', 'c': 'z'}, META)['acc']
    reach = 4.3027 * 10 * math.sqrt(4 / 3)
    assert found.mean == pytest.approx(90)
    assert found.low == pytest.approx(90 - reach, abs=0.01)
    assert found.high == 100
    assert found.persons == 3
    assert person_intervals(rows, dict.fromkeys('abc', 'x'), META) == {}


def test_shifted_labels_are_doubted_as_a_whole():
    true = '0' * 10 + '1' * 10 + '0' * 10
    label = '0' * 14 + '1' * 10 + '0' * 6
    (found,) = doubts({'a': prediction(true, label)}, {'a': 4.0}, META['classes'])
    assert (found.video, found.start) == ('a', None)
    assert '1.0 s later' in found.text


def test_wrong_label_is_doubted_where_it_is():
    true = '0' * 10 + '1' * 10 + '0' * 10 + '2' * 10
    label = '0' * 10 + '2' * 10 + '0' * 10 + '2' * 10
    found = doubts({'a': prediction(true, label, 0.98)}, {'a': 5.0}, META['classes'])
    assert [(one.start, one.end) for one in found] == [(2.0, 4.0)]
    assert "'walk'" in found[0].text
    assert "'groom'" in found[0].text
    # A model that isn't sure doubts nothing.
    assert not doubts({'a': prediction(true, label, 0.6)}, {'a': 5.0}, META['classes'])


@pytest.mark.parametrize(
    ('half', 'whole', 'full', 'expected'),
    [(80, 90, 92, 96), (90, 80, 92, 92), (100, 100, 100, 100), (60, 60, 70, 70)],
)
def test_more_labels_never_make_it_worse(half, whole, full, expected):
    assert expected_score(half, whole, full) == pytest.approx(expected)
