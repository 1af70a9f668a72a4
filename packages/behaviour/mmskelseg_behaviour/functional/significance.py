"""Statistical significance of the difference between two models."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg_io.messages.errors import UserError

#: A difference is clear if its p-value is smaller. Fewer than six videos or groups are
#: too few for that.
CLEAR = 0.05


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
    groups: Sequence[Hashable] | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> Difference:
    """Return the mean difference between two models' scores of the same videos.

    All videos are resampled with replacement, each with the scores of both models, so
    that the difficulty of a video cancels out. The interval covers the middle 95 % of
    the resampled means; p is twice the fraction of means on the other side of 0, or at
    0, but at least 2 / (resamples + 1). It is also at least 2 / 2 ** n for n videos or
    groups, the smallest p-value of a sign test, since few videos prove little even if
    they all agree.

    This shows how much the difference depends on the choice of test videos, but not how
    much it depends on the seed: average each video's score over seeds first.

    Videos of one person, for example, are not independent, and resampling them one by
    one makes the interval too narrow. With ``groups``, all videos of a group are drawn
    together.

    Args:
        first: Score of each video.
        second: Score of the same videos in the same order, subtracted from ``first``.
        groups: Group of each video; by default, each video is its own group.
        resamples: Number of resamples.
        seed: Seed of the resampling.

    Raises:
        UserError: If the numbers of scores or groups differ, or if there are fewer than
            two videos or groups.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), Ch. 13;
    Davison and Hinkley, "Bootstrap Methods and their Application" (1997), Sec. 3.8, for
    groups.

    >>> paired_bootstrap([3, 5, 4, 6], [1, 3, 2, 4])
    Difference(mean=2.0, low=2.0, high=2.0, p=0.125)
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or not a.size:
        raise UserError(
            f'There are {a.size} scores of the first model and {b.size} of the second; '
            'give one of each video for both.'
        )
    differences = a - b
    sums, counts = _by_group(differences, range(a.size) if groups is None else groups)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, sums.size, (resamples, sums.size))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    below, above = (means <= 0).sum(), (means >= 0).sum()
    p = min(1.0, 2 * (min(below, above) + 1) / (resamples + 1))
    p = max(p, 2.0 ** (1 - sums.size))
    return Difference(float(differences.mean()), float(low), float(high), float(p))


def _by_group(
    values: np.ndarray, groups: Sequence[Hashable]
) -> tuple[np.ndarray, np.ndarray]:
    """Return sum and number of the values of each group."""
    if len(groups) != values.size:
        raise UserError(
            f'{len(groups)} groups are given for {values.size} scores; give one for '
            'each.'
        )
    numbers = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    if len(numbers) == 1:
        raise UserError(
            'All scores are of a single video or group, so nothing can be resampled; '
            'give those of at least two.'
        )
    of_group = [numbers[group] for group in groups]
    return np.bincount(of_group, values), np.bincount(of_group)
