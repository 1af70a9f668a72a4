"""Tests between groups: by hand, and as SciPy or all permutations have it."""

from itertools import combinations, product
from math import gamma

import numpy as np
import pytest
from scipy import stats

from mmskelseg_behaviour.functional.group_comparison import (
    compare_groups,
    hedges_g,
    holm,
    mann_whitney,
    wilcoxon,
)


def column(*values):
    return np.array(values, float)[:, None]


def test_two_groups_have_the_exact_p_of_their_ranks():
    """Of the 10 ways to choose 2 of 5 ranks, 2 are as far out as the first two."""
    (found,) = compare_groups({'a': column(1, 2), 'b': column(3, 4, 8)})
    assert (found.number, found.mean) == ((2, 3), (1.5, 5))
    assert found.sd == pytest.approx((0.5**0.5, 7**0.5))
    assert (found.difference, found.statistic) == (3.5, 0)
    assert found.p == pytest.approx(0.2)
    assert found.p_holm == found.p


def test_without_ties_p_is_that_of_scipy(rng):
    first, second = rng.normal(0, 1, 9), rng.normal(0.8, 1, 12)
    expected = stats.mannwhitneyu(first, second, method='exact')
    assert mann_whitney(first, second) == pytest.approx(tuple(expected))


def test_with_ties_p_is_that_of_all_permutations(rng):
    values = rng.integers(0, 4, 10)
    ranks = stats.rankdata(values)
    far = [abs(ranks[list(c)].sum() - 4 * 5.5) for c in combinations(range(10), 4)]
    expected = np.mean(np.array(far) >= far[0] - 1e-9)
    assert mann_whitney(values[:4], values[4:])[1] == pytest.approx(expected)


def test_sums_that_are_equal_but_for_rounding_are_ties():
    """U is 1/2 for the tie, and 1 for the only value above one of the others."""
    (found,) = compare_groups({'a': column(0.1 + 0.2, 1), 'b': column(0.3, 2)})
    assert found.statistic == 1.5
    (found,) = compare_groups({'a': column(0.1 + 0.2, 0.3), 'b': column(0.3, 0.3)})
    assert np.isnan(found.p)


def test_many_values_have_the_normal_approximation(rng):
    first, second = rng.integers(0, 9, 40), rng.integers(1, 10, 30)
    expected = stats.mannwhitneyu(first, second, method='asymptotic')
    assert mann_whitney(first, second) == pytest.approx(tuple(expected))


def test_three_groups_have_kruskal_wallis():
    """Ranks 1, 2; 3, 4; 5, 6: H is 12 / 42 (9 + 49 + 121) / 2 - 21 = 4.571."""
    groups = {'a': column(1, 2), 'b': column(9, 5), 'c': column(10, 20)}
    (found,) = compare_groups(groups)
    assert found.statistic == pytest.approx(32 / 7)
    assert found.p == pytest.approx(np.exp(-16 / 7))
    assert found.difference == 15 - 1.5


def test_correction_is_over_the_classes_that_are_tested():
    """The second has equal values, and the third a single one in a group."""
    nan = np.nan
    first = np.array([[1, 5, 1, 1], [2, 5, nan, 2], [3, 5, nan, 9], [4, 5, nan, 4]])
    second = np.array([[5, 5, 3, 3], [6, 5, 4, 8], [7, 5, 5, 10], [8, 5, 6, 11]])
    found = compare_groups({'a': first, 'b': second})
    assert found[0].p == pytest.approx(2 / 70)
    assert found[0].p_holm == pytest.approx(4 / 70)
    assert found[3].p_holm == found[3].p
    assert np.isnan([found[k].p_holm for k in (1, 2)]).all()
    assert found[2].number == (1, 4)
    assert found[2].difference == 3.5


def test_corrected_values_keep_the_order_and_are_at_most_one():
    assert holm([0.5, 0.01, 0.4]) == pytest.approx([0.8, 0.03, 0.8])
    assert holm([0.6, 0.7]) == [1, 1]


def test_pairs_without_ties_have_the_p_of_scipy(rng):
    first = rng.normal(0, 1, 11)
    second = first + rng.normal(0.5, 1, 11)
    statistic, p, _ = wilcoxon(first, second)
    expected = stats.wilcoxon(first, second, method='exact')
    assert p == pytest.approx(expected.pvalue)
    assert min(statistic, 66 - statistic) == expected.statistic


def test_pairs_with_ties_have_the_p_of_all_signs(rng):
    change = np.array([0, 1, 1, -2, 3, 3, -1, 5])
    ranks = stats.rankdata(np.abs(change[1:]))
    sums = [np.dot(ranks, signs) for signs in product((0, 1), repeat=7)]
    up = ranks[change[1:] > 0].sum()
    far = np.abs(np.array(sums) - 14) >= abs(up - 14)
    assert wilcoxon(np.zeros(8), change)[:2] == pytest.approx((up, far.mean()))


def test_many_pairs_have_the_normal_approximation(rng):
    first, second = rng.integers(0, 9, 80), rng.integers(1, 10, 80)
    change = (second - first)[second != first]
    expected = stats.wilcoxon(change, correction=False, method='asymptotic')
    assert wilcoxon(first, second)[1] == pytest.approx(expected.pvalue)


def test_effect_of_pairs_is_the_share_of_ranks():
    """Ranks of changes 1, 2, 3: the first falls, so (2 + 3 - 1) / 6."""
    found = compare_groups(
        {'a': column(1, 0, 0, np.nan), 'b': column(0, 2, 3, 4)}, paired=True
    )[0]
    assert found.number == (3, 3)
    assert found.rank_biserial == pytest.approx(4 / 6)
    assert found.statistic == 5


def test_effect_of_groups_is_how_much_more_often_the_second_is_larger():
    """Of 6 pairs of an a and a b, b is larger in 5, and smaller in 1."""
    (found,) = compare_groups({'a': column(1, 4), 'b': column(2, 5, 6)})
    assert found.rank_biserial == pytest.approx((5 - 1) / 6)


def test_g_is_that_of_its_formula():
    """Means 2 and 5, variances 1 and 4: pooled 2.5; J(4) = 0.79788."""
    g, _, _ = hedges_g(np.array([1.0, 2, 3]), np.array([3.0, 5, 7]))
    assert g == pytest.approx(3 / np.sqrt(2.5) * np.sqrt(2 / np.pi), rel=1e-9)


def test_g_of_pairs_is_in_standard_deviations_of_the_values():
    """Not of the changes, which vary less: the same as without pairs, but for J."""
    first, second = np.array([1.0, 2, 3, 4]), np.array([2.1, 3, 4, 4.9])
    alone, pairs = hedges_g(first, second), hedges_g(first, second, paired=True)
    d = 1 / np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    assert alone[0] == pytest.approx(d * gamma(3) / gamma(2.5) * np.sqrt(2 / 6))
    assert pairs[0] == pytest.approx(d * gamma(1.5) / gamma(1) * np.sqrt(2 / 3))
    assert alone[1] < 0 < pairs[1]


@pytest.mark.parametrize('paired', [False, True])
def test_g_has_an_interval_that_holds_the_truth_in_95_of_100(rng, paired):
    """A difference of 0.8 standard deviations; pairs correlate by 0.5."""
    inside = 0
    for _ in range(2000):
        shared = rng.normal(0, np.sqrt(0.5), 12)
        own = rng.normal(0, np.sqrt(0.5), (2, 12))
        first, second = shared + own[0], shared + own[1] + 0.8
        if not paired:
            first, second = rng.normal(0, 1, 9), rng.normal(0.8, 1, 12)
        _, low, high = hedges_g(first, second, paired=paired)
        inside += low < 0.8 < high
    assert inside / 2000 == pytest.approx(0.95, abs=0.015)


def test_interval_is_where_the_noncentral_t_has_its_tails(rng):
    first, second = rng.normal(0, 1, 6), rng.normal(1, 1, 8)
    g, low, high = hedges_g(first, second)
    t = stats.ttest_ind(second, first).statistic
    tails = [stats.nct.cdf(t, 12, end * t / g) for end in (low, high)]
    assert tails == pytest.approx([0.975, 0.025], abs=1e-6)


@pytest.mark.parametrize(
    ('first', 'second', 'paired'),
    [([1], [2, 3], False), ([1, 2], [3, 5], True), ([1, 1], [2, 2], False)],
)
def test_g_of_too_few_or_equal_values_is_missing(first, second, paired):
    values = (np.array(x, float) for x in (first, second))
    assert np.isnan(hedges_g(*values, paired=paired)).all()
