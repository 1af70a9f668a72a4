"""Tests between groups: by hand, and as SciPy or all permutations have it."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from mmskelseg.evaluation.functional.group_comparison import (
    compare_groups,
    holm,
    mann_whitney,
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
