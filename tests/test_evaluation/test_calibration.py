"""Calibration errors worked out by hand, and temperatures."""

import numpy as np
import pytest

from mmskelseg.evaluation.functional.calibration import (
    cross_fitted,
    fit_temperature,
    reliability,
    tempered,
)


def sample(temperature, frames=20_000, seed=0):
    """Labels drawn from probabilities, and what a model of another temperature says."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (4, frames))
    true = np.exp(logits) / np.exp(logits).sum(axis=0)
    labels = (rng.uniform(size=frames) > true.cumsum(axis=0)).sum(axis=0)
    return tempered(true, temperature), np.minimum(labels, 3)


def test_error_by_hand():
    """Three frames of 0.9, two right; one of 0.6, wrong; the last has no label."""
    scores = np.array([[0.9, 0.9, 0.1, 0.6, 0.5], [0.1, 0.1, 0.9, 0.4, 0.5]])
    found = reliability(scores, np.array([0, 1, 1, 1, -1]))
    assert found.frames[13] == 3
    assert found.frames[9] == 1
    assert found.accuracy[13] == pytest.approx(2 / 3)
    expected = (3 * (0.9 - 2 / 3) + 0.6) / 4
    assert found.error == pytest.approx(expected)


def test_certain_and_right_has_no_error():
    assert reliability(np.eye(3), np.arange(3)).error == 0


@pytest.mark.parametrize('factor', [0.4, 1.0, 2.5])
def test_temperature_undoes_that_of_the_model(factor):
    scores, labels = sample(factor)
    found = fit_temperature(scores, labels)
    assert found == pytest.approx(1 / factor, rel=0.05)
    assert reliability(tempered(scores, found), labels).error < 0.01


def test_folds_are_calibrated_by_the_others():
    """A fold with nonsense as labels changes the others, not itself."""
    folds = [sample(0.4, seed=seed) for seed in range(3)]
    before = cross_fitted(folds)[0]
    noise = (folds[0][0], np.random.default_rng(0).integers(0, 4, 20_000))
    after = cross_fitted([noise, *folds[1:]])[0]
    assert np.array_equal(before[:, :20_000], after[:, :20_000])
    assert not np.allclose(before[:, 20_000:], after[:, 20_000:])
