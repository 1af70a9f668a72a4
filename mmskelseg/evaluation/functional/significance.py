"""Statistical significance of the difference between two models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg.utils.errors import UserError


@dataclass(frozen=True)
class Difference:
    """Mean difference of paired scores, its 95 % interval and a two-sided p-value."""

    mean: float
    low: float
    high: float
    p: float


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> Difference:
    """Return the mean difference between two models' scores of the same videos.

    All videos are resampled with replacement, each with the scores of both models, so
    that the difficulty of a video cancels out. The interval covers the middle 95 % of
    the resampled means; p is twice the fraction of means on the other side of 0, or at
    0, but at least 2 / (resamples + 1).

    This shows how much the difference depends on the choice of test videos, but not how
    much it depends on the seed: average each video's score over seeds first.

    Args:
        first: Score of each video.
        second: Score of the same videos in the same order, subtracted from ``first``.
        resamples: Number of resamples.
        seed: Seed of the resampling.

    Raises:
        UserError: If the numbers of scores differ, or there are none.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), Ch. 13.

    >>> paired_bootstrap([3, 5, 4, 6], [1, 3, 2, 4])
    Difference(mean=2.0, low=2.0, high=2.0, p=0.00019998000199980003)
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or not a.size:
        raise UserError(
            f'There are {a.size} scores of the first model and {b.size} of the second; '
            'give one of each video for both.'
        )
    differences = a - b
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, a.size, (resamples, a.size))
    means = differences[drawn].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    below, above = (means <= 0).sum(), (means >= 0).sum()
    p = min(1.0, 2 * (min(below, above) + 1) / (resamples + 1))
    return Difference(float(differences.mean()), float(low), float(high), float(p))
