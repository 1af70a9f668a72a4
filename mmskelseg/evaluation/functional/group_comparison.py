"""Comparison of groups of individuals, such as treated animals and controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg.runtime.structures.bouts import sample_sd

_NONE = float('nan')
# Up to this many values, the exact test counts all divisions into two groups.
_EXACT = 50
# Decimals that count. Sums of equal seconds differ beyond, which would break ties.
_DECIMALS = 9


@dataclass(frozen=True)
class GroupComparison:
    """A measure in several groups.

    Args:
        number: Number of values, by group.
        mean: Mean of each group; NaN without values.
        sd: Standard deviation of each group (n - 1); NaN below two values.
        difference: Mean of the second of two groups minus that of the first; with more
            groups, the largest mean minus the smallest.
        statistic: U of the first group (Mann-Whitney) or H (Kruskal-Wallis).
        p: Two-sided p-value. NaN, like the statistic, if a group has fewer than two
            values, or all values are equal.
        p_holm: The same, corrected for the number of classes.
    """

    number: tuple[int, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    difference: float
    statistic: float
    p: float
    p_holm: float


def compare_groups(values: Mapping[str, np.ndarray]) -> list[GroupComparison]:
    """Compare a measure between groups, for each of K classes.

    Two groups are compared by the Mann-Whitney U test, more by Kruskal-Wallis: counts,
    durations and latencies of few individuals are skewed, and tests on ranks need no
    normal distribution. Holm's correction is over the classes.

    Args:
        values: One row for each individual of a group, shape (n, K); NaN if missing.

    Source: Mann and Whitney (1947); Kruskal and Wallis (1952); Holm (1979).

    >>> rest, run = np.array([[1.0], [2], [3]]), np.array([[4.0], [5], [6]])
    >>> (found,) = compare_groups({'rest': rest, 'run': run})
    >>> found.difference, found.statistic, found.p
    (3.0, 0.0, 0.1)
    """
    columns = [
        [np.round(column[~np.isnan(column)], _DECIMALS) for column in class_values]
        for class_values in zip(*(v.T for v in values.values()), strict=True)
    ]
    tests = [_test(groups) for groups in columns]
    corrected = holm([p for _, p in tests])
    found = []
    for groups, (statistic, p), p_holm in zip(columns, tests, corrected, strict=True):
        mean = tuple(float(g.mean()) if g.size else _NONE for g in groups)
        ends = (mean[0], mean[1]) if len(mean) == 2 else (min(mean), max(mean))
        sd = tuple(sample_sd(group) for group in groups)
        number = tuple(group.size for group in groups)
        difference = ends[1] - ends[0] if all(number) else _NONE
        found.append(
            GroupComparison(number, mean, sd, difference, statistic, p, p_holm)
        )
    return found


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values after Holm's correction; NaN (no test) stays NaN.

    >>> holm([0.01, 0.04, float('nan'), 0.03])
    [0.03, 0.06, nan, 0.06]
    """
    values = np.asarray(p, float)
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]
    corrected = np.full(values.shape, _NONE)
    factors = np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(factors * values[order]), 1)
    return corrected.tolist()


def _test(groups: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return statistic and p-value."""
    together = np.concatenate(groups)
    if min(group.size for group in groups) < 2 or np.ptp(together) == 0:
        return _NONE, _NONE
    if len(groups) == 2:
        return mann_whitney(*groups)
    from scipy import stats

    found = stats.kruskal(*groups)
    return float(found.statistic), float(found.pvalue)


def mann_whitney(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return U of the first sample, and the two-sided p-value.

    Up to 50 values, p is exact, even with ties: the share of all divisions of the ranks
    into two samples with a rank sum at least as far from its mean. More values use the
    normal approximation, which gives too small a p for few values with ties.
    """
    from scipy import stats

    size, both = first.size, np.concatenate((first, second))
    if both.size > _EXACT:
        found = stats.mannwhitneyu(first, second, method='asymptotic')
        return float(found.statistic), float(found.pvalue)
    # Doubled, since tied values share the mean of their ranks.
    ranks = np.rint(2 * stats.rankdata(both)).astype(np.int64)
    # The number of choices of so many ranks (row) with a given sum (column).
    ways = np.zeros((size + 1, ranks.sum() + 1))
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank]
    middle = size * (both.size + 1)
    total = ranks[:size].sum()
    far = np.abs(np.arange(ways.shape[1]) - middle) >= abs(total - middle)
    p = ways[size, far].sum() / ways[size].sum()
    return float(total - size * (size + 1)) / 2, float(p)
