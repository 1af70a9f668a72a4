"""Calibration errors worked out by hand, and temperatures."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from mmskelseg_behaviour.functional.calibration import (
    Reliability,
    Scored,
    cross_fitted,
    fit_temperature,
    reliability,
    tempered,
)
from mmskelseg_io.messages.errors import UserError


def sample(temperature, frames=20_000, seed=0):
    """What a model says, and labels drawn with a temperature that it lacks."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (4, frames))
    true = softmax(logits / temperature, axis=0)
    labels = (rng.uniform(size=frames) > true.cumsum(axis=0)).sum(axis=0)
    return Scored(softmax(logits, axis=0), np.minimum(labels, 3))


def cross_entropy(parts, temperature):
    """The mean over all labelled frames, written out."""
    losses = [
        -np.log(softmax(np.log(part.scores[:, t]) / temperature)[true])
        for part in parts
        for t, true in enumerate(part.labels)
        if true >= 0
    ]
    return np.mean(losses)


def test_tempered_probabilities_by_hand():
    """Odds of 16 to 1 are 4 to 1 at a temperature of 2."""
    found = tempered(np.array([[16 / 17, 0.5], [1 / 17, 0.5]]), 2.0)
    np.testing.assert_allclose(found, [[0.8, 0.5], [0.2, 0.5]])


@pytest.mark.parametrize('temperature', [0.1, 0.7, 1.0, 4.0, 10.0])
def test_tempered_probabilities_are_those_of_divided_logits(temperature):
    logits = np.random.default_rng(0).normal(0, 5, (5, 40))
    scores = softmax(logits, axis=0)
    found = tempered(scores, temperature)
    np.testing.assert_allclose(found, softmax(logits / temperature, axis=0))
    assert (found.argmax(axis=0) == scores.argmax(axis=0)).all()


def test_error_by_hand():
    """Three frames of 0.9, two right; one of 0.6, wrong; the last has no label."""
    scores = np.array([[0.9, 0.9, 0.1, 0.6, 0.5], [0.1, 0.1, 0.9, 0.4, 0.5]])
    found = reliability([Scored(scores, np.array([0, 1, 1, 1, -1]))])
    assert found.frames[13] == 3
    assert found.frames[9] == 1
    assert found.accuracy[13] == pytest.approx(2 / 3)
    expected = (3 * (0.9 - 2 / 3) + 0.6) / 4
    assert found.error == pytest.approx(expected)


def test_certain_and_right_has_no_error():
    assert reliability([Scored(np.eye(3), np.arange(3))]).error == 0


def test_parts_of_other_classes_count_by_their_frames():
    """Three frames of 0.9 among three classes, two right; one of 0.6 among two."""
    three = np.array([[0.9, 0.9, 0.9], [0.1, 0.1, 0.1], [0, 0, 0]])
    two = Scored(np.array([[0.4], [0.6]]), np.array([1]))
    parts = [Scored(three, np.array([0, 0, 2])), two]
    found = reliability(parts)
    assert (found.frames[13], found.frames[9]) == (3, 1)
    assert found.error == pytest.approx((3 * (0.9 - 2 / 3) + 0.4) / 4)
    # A part without a label changes nothing, but one part must have some.
    nothing = [Scored(three, np.full(3, -1))]
    assert reliability([*parts, *nothing]).error == found.error
    with pytest.raises(UserError, match='no labelled frame'):
        reliability(nothing)


def test_bouts_of_unequal_length_count_as_fewer():
    """Bouts of 6 and 2 frames count as 64 / 40 of equal length, videos of 8 and 1.

    The third bout is in another video; the frame without a label parts no bout.
    """
    sure = np.array([[0.9] * 9, [0.1] * 9])
    labels = np.array([0, 0, 0, -1, 0, 0, 0, 1, 1])
    found = reliability(
        [Scored(sure, labels, 'a'), Scored(sure[:, :1], np.array([0]), 'b')]
    )
    assert found.bouts[13] == pytest.approx((6 + 2 + 1) ** 2 / (36 + 4 + 1))
    assert found.videos[13] == pytest.approx(81 / 65)
    assert found.bouts[12] == found.videos[12] == 0
    # Tiers of a video have bouts of their own.
    found = reliability([Scored(sure, np.zeros(9), 'a')] * 2)
    assert (found.bouts[13], found.videos[13]) == (2, 1)


def test_bin_is_known_from_enough_frames_bouts_and_videos():
    """1 % of the frames, as 20 bouts, in 2 videos; each alone is missing once."""
    nothing = np.zeros(5)
    found = Reliability(
        frames=np.array([10, 9, 10, 10, 961]),
        confidence=nothing,
        accuracy=nothing,
        bouts=np.array([20, 20, 19.9, 20, 99]),
        videos=np.array([2, 2, 2, 1.9, 3]),
    )
    assert found.known.tolist() == [True, False, False, False, True]


@pytest.mark.parametrize(
    ('right', 'expected'), [(9, 1.0), (8, math.log(9) / math.log(4))]
)
def test_temperature_in_closed_form(right, expected):
    """Of ten frames of 0.9, nine are right, as it says, or eight: 9 : 1 is 4 : 1."""
    scores = np.array([[0.9] * 10, [0.1] * 10])
    part = Scored(scores, (np.arange(10) >= right).astype(int))
    assert fit_temperature([part]) == pytest.approx(expected)


def test_temperature_of_parts_has_the_least_cross_entropy():
    """Found by a scan, and by another minimiser; two and four classes, unlabelled."""
    rng = np.random.default_rng(1)
    two = Scored(softmax(rng.normal(0, 3, (2, 30)), axis=0), rng.integers(-1, 2, 30))
    parts = [sample(2.5, 60), two]
    found = fit_temperature(parts)
    grid = np.geomspace(found / 2, found * 2, 41)
    losses = [cross_entropy(parts, temperature) for temperature in grid]
    assert np.argmin(losses) == 20
    bounds = {'bounds': (0.1, 10), 'method': 'bounded', 'options': {'xatol': 1e-7}}
    other = minimize_scalar(lambda t: cross_entropy(parts, t), **bounds)
    assert found == pytest.approx(other.x, rel=1e-4)


@pytest.mark.parametrize('temperature', [0.4, 1.0, 2.5])
def test_temperature_is_the_one_that_labels_have(temperature):
    scores, labels, _ = sample(temperature)
    found = fit_temperature([Scored(scores, labels)])
    assert found == pytest.approx(temperature, rel=0.05)
    assert reliability([Scored(tempered(scores, found), labels)]).error < 0.01
    # Any division into parts has the same one.
    parts = [
        Scored(scores[:, :9], labels[:9]),
        Scored(scores[:, 9:], labels[9:]),
    ]
    assert fit_temperature(parts) == pytest.approx(found)


@pytest.mark.parametrize(('labels', 'end'), [([0, 0], 0.1), ([1, 1], 10)])
def test_temperature_stays_within_limits(labels, end):
    """Always right calls for certainty, always wrong for less than chance."""
    scores = np.array([[0.9, 0.8], [0.1, 0.2]])
    assert fit_temperature([Scored(scores, np.array(labels))]) == end


def test_a_probability_of_zero_for_the_true_class_is_finite():
    scores = np.array([[1, 0.7, 0.7, 0.7], [0, 0.3, 0.3, 0.3]], np.float32)
    found = fit_temperature([Scored(scores, np.array([1, 0, 0, 0]))])
    assert 1 < found <= 10


def test_folds_are_calibrated_by_the_others():
    """A fold with nonsense as labels changes the others, not itself."""
    folds = [[sample(0.4, seed=seed)] for seed in range(3)]
    before = cross_fitted(folds)
    noise = np.random.default_rng(0).integers(0, 4, 20_000)
    after = cross_fitted([[folds[0][0]._replace(labels=noise)], *folds[1:]])
    pairs = zip(before, after, strict=True)
    same = [np.array_equal(own.scores, other.scores) for own, other in pairs]
    assert same == [True, False, False]
