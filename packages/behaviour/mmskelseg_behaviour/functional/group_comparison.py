"""Comparison of groups of individuals, such as treated animals and controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg_io.structures.bouts import sample_sd

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
        statistic: U of the first group (Mann-Whitney), H (Kruskal-Wallis), or the rank
            sum of the pairs in which the second value is larger (Wilcoxon).
        p: Two-sided p-value. NaN, like the statistic, if a group has fewer than two
            values, or all values are equal.
        p_holm: The same, corrected for the number of classes.
        g: Hedges' g of the difference of two groups, and its 95 % confidence interval;
            see :func:`hedges_g`.
        rank_biserial: How much more often the second value is larger than smaller, -1
            to 1; of pairs, weighted by the ranks of their differences. NaN, like g, for
            more than two groups.
    """

    number: tuple[int, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    difference: float
    statistic: float
    p: float
    p_holm: float
    g: tuple[float, float, float]
    rank_biserial: float


def compare_groups(
    values: Mapping[str, np.ndarray], *, paired: bool = False
) -> list[GroupComparison]:
    """Compare a measure between groups, for each of K classes.

    Two groups are compared by the Mann-Whitney U test, more by Kruskal-Wallis: counts,
    durations and latencies of few individuals are skewed, and tests on ranks need no
    normal distribution. Pairs are compared by Wilcoxon's signed-rank test. Holm's
    correction is over the classes.

    Args:
        values: One row for each individual of a group, shape (n, K); NaN if missing.
        paired: Whether equal rows of two groups are a pair. Pairs in which a value is
            missing are left out.

    Source: Mann and Whitney (1947); Kruskal and Wallis (1952); Wilcoxon (1945); Holm
    (1979).

    >>> rest, run = np.array([[1.0], [2], [3]]), np.array([[4.0], [5], [6]])
    >>> (found,) = compare_groups({'rest': rest, 'run': run})
    >>> found.difference, found.statistic, found.p
    (3.0, 0.0, 0.1)
    """
    columns = [
        _present(class_values, paired)
        for class_values in zip(*(v.T for v in values.values()), strict=True)
    ]
    tests = [_test(groups, paired) for groups in columns]
    corrected = holm([p for _, p, _ in tests])
    found = []
    for groups, (statistic, p, r), p_holm in zip(
        columns, tests, corrected, strict=True
    ):
        mean = tuple(float(g.mean()) if g.size else _NONE for g in groups)
        ends = (mean[0], mean[1]) if len(mean) == 2 else (min(mean), max(mean))
        sd = tuple(sample_sd(group) for group in groups)
        number = tuple(group.size for group in groups)
        difference = ends[1] - ends[0] if all(number) else _NONE
        g = (_NONE,) * 3 if len(groups) > 2 else hedges_g(*groups, paired=paired)
        found.append(
            GroupComparison(number, mean, sd, difference, statistic, p, p_holm, g, r)
        )
    return found


def _present(groups: Sequence[np.ndarray], paired: bool) -> list[np.ndarray]:
    """Return the values of each group, or of each complete pair."""
    there = [~np.isnan(values) for values in groups]
    if paired:
        there = [np.logical_and.reduce(there)] * len(there)
    pairs = zip(groups, there, strict=True)
    return [np.round(values[own], _DECIMALS) for values, own in pairs]


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


def _test(groups: Sequence[np.ndarray], paired: bool) -> tuple[float, float, float]:
    """Return statistic, p-value and the rank-biserial correlation of two groups."""
    together = np.concatenate(groups)
    if min(group.size for group in groups) < 2 or np.ptp(together) == 0:
        return _NONE, _NONE, _NONE
    if paired:
        return wilcoxon(*groups)
    if len(groups) == 2:
        statistic, p = mann_whitney(*groups)
        return statistic, p, 1 - 2 * statistic / (groups[0].size * groups[1].size)
    from scipy import stats

    found = stats.kruskal(*groups)
    return float(found.statistic), float(found.pvalue), _NONE


def hedges_g(
    first: np.ndarray, second: np.ndarray, *, paired: bool = False
) -> tuple[float, float, float]:
    """Return the difference in standard deviations, and its 95 % confidence interval.

    The standard deviation is that within groups: pooled, or of pairs the root of the
    mean of both variances, so that g means the same for either. It is corrected for few
    values. The interval is that of the noncentral t distribution: exact for independent
    normal values of equal variance, an approximation for pairs. All are NaN below two
    values a group or three pairs, and if values don't vary.

    Source: Hedges (1981), Eq. 6e; for pairs, Algina and Keselman (2003).
    """
    sizes = first.size, second.size
    if min(sizes) < 2 + paired:
        return _NONE, _NONE, _NONE
    from scipy import special

    weights, df = np.subtract(sizes, 1), sum(sizes) - 2
    spread = np.sqrt(
        np.average([np.var(first, ddof=1), np.var(second, ddof=1)], weights=weights)
    )
    error = spread * np.sqrt(1 / sizes[0] + 1 / sizes[1])
    if paired:
        df, error = sizes[0] - 1, sample_sd(second - first) / np.sqrt(sizes[0])
    if error == 0 or spread == 0:
        return _NONE, _NONE, _NONE
    t = float(second.mean() - first.mean()) / error
    correction = np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2))
    factor = correction * np.sqrt(2 / df) * error / spread
    ends = (special.nctdtrinc(df, tail, t) for tail in (0.975, 0.025))
    low, high = (float(factor * end) for end in ends)
    return float(factor * t), low, high


def wilcoxon(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Return the statistic, the two-sided p-value, and the effect of paired samples.

    The statistic is the rank sum of the pairs in which the second value is larger, and
    the effect the matched-pairs rank-biserial correlation (Kerby, 2014). Equal pairs
    don't count. Up to 50 other pairs, p is exact, even with ties; more use the normal
    approximation.
    """
    from scipy import special, stats

    change = np.round(second - first, _DECIMALS)
    change = change[change != 0]
    if not change.size:
        return _NONE, _NONE, _NONE
    # Doubled, since tied values share the mean of their ranks.
    ranks = np.rint(2 * stats.rankdata(np.abs(change))).astype(np.int64)
    total, up = ranks.sum(), ranks[change > 0].sum()
    if change.size > _EXACT:
        z = abs(2 * up - total) / np.sqrt((ranks**2).sum())
        p = 2 * special.ndtr(-z)
    else:
        # The number of choices of signs with a given sum of positive ranks.
        ways = np.zeros(total + 1)
        ways[0] = 1
        for rank in ranks:
            ways[rank:] += ways[:-rank].copy()
        far = np.abs(2 * np.arange(total + 1) - total) >= abs(2 * up - total)
        p = ways[far].sum() / ways.sum()
    return float(up) / 2, float(p), float(2 * up - total) / float(total)


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
