"""Transitions against chance: by hand, as a slow fit has them, and in random orders."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mmskelseg_behaviour.functional.transitions import against_chance


def slow_fit(counts):
    """Return what a Poisson regression on rows and columns gives: its fit, residuals.

    The diagonal is no part of it.
    """
    size = len(counts)
    i, k = np.nonzero(~np.eye(size, dtype=bool))
    design = np.concatenate([np.eye(size)[i], np.eye(size)[k, 1:]], axis=1)
    seen = counts[i, k]

    def loss(weights):
        rate = design @ weights
        slope = design.T @ (np.exp(rate) - seen)
        return np.exp(rate).sum() - seen @ rate, slope

    done = minimize(loss, np.ones(2 * size - 1), jac=True, options={'gtol': 1e-9})
    fit = np.exp(design @ done.x)
    root = np.sqrt(fit)[:, None] * design
    hat = root @ np.linalg.inv(root.T @ root) @ root.T
    expected, residual = np.full((2, size, size), np.nan)
    expected[i, k] = fit
    residual[i, k] = (seen - fit) / np.sqrt(fit * (1 - np.diag(hat)))
    return expected, residual


def test_chance_is_that_of_a_regression(rng):
    counts = rng.poisson(8, (5, 5)) * (1 - np.eye(5))
    for found, expected in zip(against_chance(counts), slow_fit(counts), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_expected_numbers_have_the_totals_of_the_counts(rng):
    counts = rng.poisson(8, (6, 6)) * (1 - np.eye(6))
    expected = np.nan_to_num(against_chance(counts)[0])
    for axis in (0, 1):
        np.testing.assert_allclose(expected.sum(axis), counts.sum(axis))


def test_random_orders_rarely_differ_from_chance(rng):
    """Residuals are standard normal: 5 of 100 beyond 1.96, on average."""
    share, beyond = np.array([0.4, 0.3, 0.2, 0.1]), []
    for _ in range(100):
        order = [0]
        for _ in range(300):
            chances = np.where(np.arange(4) == order[-1], 0, share)
            order.append(rng.choice(4, p=chances / chances.sum()))
        counts = np.zeros((4, 4))
        np.add.at(counts, (order[:-1], order[1:]), 1)
        residual = against_chance(counts)[1]
        beyond.append((np.abs(residual[~np.eye(4, dtype=bool)]) > 1.96).mean())
    assert np.mean(beyond) == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize(
    'counts', [[[0, 5], [4, 0]], [[0, 3, 4], [4, 0, 0], [3, 0, 0]]]
)
def test_order_that_totals_determine_differs_in_nothing(counts):
    """Two classes alternate, and what only follows and leaves one class does, too."""
    residual = against_chance(np.array(counts))[1]
    assert (np.nan_to_num(np.abs(residual)) < 0.1).all()
