"""Calibration errors worked out by hand, and temperatures."""

import numpy as np
import pytest

from mmskelseg.evaluation.functional.calibration import (
    cross_fitted,
    fit_temperature,
    reliability,
    tempered,
)
from mmskelseg.runtime.messages.errors import UserError


def sample(temperature, frames=20_000, seed=0):
    """What a model says, and labels drawn with a temperature that it lacks."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (4, frames))
    scores = np.exp(logits) / np.exp(logits).sum(axis=0)
    true = tempered(scores, temperature)
    labels = (rng.uniform(size=frames) > true.cumsum(axis=0)).sum(axis=0)
    return scores, np.minimum(labels, 3)


def test_error_by_hand():
    """Three frames of 0.9, two right; one of 0.6, wrong; the last has no label."""
    scores = np.array([[0.9, 0.9, 0.1, 0.6, 0.5], [0.1, 0.1, 0.9, 0.4, 0.5]])
    found = reliability([(scores, np.array([0, 1, 1, 1, -1]))])
    assert found.frames[13] == 3
    assert found.frames[9] == 1
    assert found.accuracy[13] == pytest.approx(2 / 3)
    expected = (3 * (0.9 - 2 / 3) + 0.6) / 4
    assert found.error == pytest.approx(expected)


def test_certain_and_right_has_no_error():
    assert reliability([(np.eye(3), np.arange(3))]).error == 0


def test_parts_of_other_classes_count_by_their_frames():
    """Three frames of 0.9 among three classes, two right; one of 0.6 among two."""
    three = np.array([[0.9, 0.9, 0.9], [0.1, 0.1, 0.1], [0, 0, 0]])
    parts = [(three, np.array([0, 0, 2])), (np.array([[0.4], [0.6]]), np.array([1]))]
    found = reliability(parts)
    assert (found.frames[13], found.frames[9]) == (3, 1)
    assert found.error == pytest.approx((3 * (0.9 - 2 / 3) + 0.4) / 4)
    # A part without a label changes nothing, but one part must have some.
    nothing = [(three, np.full(3, -1))]
    assert reliability([*parts, *nothing]).error == found.error
    with pytest.raises(UserError, match='no labelled frame'):
        reliability(nothing)


@pytest.mark.parametrize('temperature', [0.4, 1.0, 2.5])
def test_temperature_is_the_one_that_labels_have(temperature):
    scores, labels = sample(temperature)
    found = fit_temperature([(scores, labels)])
    assert found == pytest.approx(temperature, rel=0.05)
    assert reliability([(tempered(scores, found), labels)]).error < 0.01
    # Any division into parts has the same one.
    parts = [(scores[:, :9], labels[:9]), (scores[:, 9:], labels[9:])]
    assert fit_temperature(parts) == found


def test_temperature_of_parts_is_where_their_means_agree():
    """Two classes say 4 to 1, three say 11 to 2 to 2; their uncertainty is 0.64.

    Where logits are halved, they say 2 / 3 and 0.5397, whose mean is about 41 / 68.
    """
    two = np.array([[0.8] * 34, [0.2] * 34])
    three = np.array([[11] * 34, [2] * 34, [2] * 34]) / 15
    labels = [np.arange(34) >= right for right in (21, 20)]
    found = fit_temperature([(two, labels[0]), (three, labels[1])])
    assert found ** (0.64**0.25) == pytest.approx(2, rel=1e-2)


@pytest.mark.parametrize(('labels', 'end'), [([0, 0], 0.01), ([1, 1], 100)])
def test_temperature_stays_within_limits(labels, end):
    """Always right calls for certainty, always wrong for less than chance."""
    scores = np.array([[0.9, 0.8], [0.1, 0.2]])
    assert fit_temperature([(scores, np.array(labels))]) == end


def test_folds_are_calibrated_by_the_others():
    """A fold with nonsense as labels changes the others, not itself."""
    folds = [[sample(0.4, seed=seed)] for seed in range(3)]
    before = cross_fitted(folds)
    noise = (folds[0][0][0], np.random.default_rng(0).integers(0, 4, 20_000))
    after = cross_fitted([[noise], *folds[1:]])
    same = [np.array_equal(*pair) for pair in zip(before[0], after[0], strict=True)]
    assert same == [True, False]
    for (own, _), (other, _) in zip(before[1:], after[1:], strict=True):
        assert not np.allclose(own, other)
