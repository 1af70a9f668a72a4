import numpy as np
import pytest

from mmskelseg_behaviour.functional.significance import paired_bootstrap
from tests.errors import raises_naming


def test_a_constant_difference_is_certain():
    """Whichever videos are drawn; p is the least that so many draws can show.

    Of few videos, it is the least that their signs can show: 2 of 2 ** 3 draws.
    """
    many = paired_bootstrap([50] * 10, [45] * 10, resamples=99)
    assert (many.mean, many.low, many.high) == (5, 5, 5)
    assert many.p == pytest.approx(2 / 100)
    assert paired_bootstrap([50, 70, 90], [45, 65, 85]).p == 2 / 2**3
    assert paired_bootstrap([1, 2], [1, 2]).p == 1


def test_two_videos_by_hand():
    """Drawn twice the first, twice the second, or both: means 10, -2, 4 at 1:1:2."""
    found = paired_bootstrap([20, 8], [10, 10], resamples=20_000)
    assert found.mean == 4
    assert (found.low, found.high) == (-2, 10)
    # A quarter of the means lies below 0.
    assert found.p == pytest.approx(0.5, abs=0.02)
    swapped = paired_bootstrap([10, 10], [20, 8], resamples=20_000)
    assert (swapped.low, swapped.high) == (-10, 2)


def test_interval_is_that_of_the_mean_of_many_videos():
    rng = np.random.default_rng(0)
    hard = rng.normal(60, 20, 400)
    differences = rng.normal(1, 4, 400)
    found = paired_bootstrap(hard + differences, hard)
    half = 1.96 * differences.std() / 20
    assert found.high - found.mean == pytest.approx(half, rel=0.1)
    assert found.mean - found.low == pytest.approx(half, rel=0.1)
    assert found.p < 0.001
    assert paired_bootstrap(hard + differences, hard) == found
    other = paired_bootstrap(hard + differences, hard, seed=1)
    assert other.low != found.low


@pytest.mark.parametrize(('first', 'second'), [([1, 2], [1]), ([], [])])
def test_scores_must_be_paired(first, second):
    with raises_naming(ValueError, f' {len(first)} ', f' {len(second)} '):
        paired_bootstrap(first, second)


def test_videos_of_a_group_are_drawn_together():
    """Twice a, twice b, or both: means 4, 1, 3 at 1:1:2."""
    groups = ['a', 'b', 'a']
    found = paired_bootstrap([20, 8, 7], [10, 7, 9], groups=groups, resamples=20_000)
    assert found.mean == 3
    assert (found.low, found.high) == (1, 4)
    # However the difference looks, two groups may have the same sign by chance.
    assert found.p == 0.5
    # One by one, the third video can be drawn three times.
    alone = paired_bootstrap([20, 8, 7], [10, 7, 9], resamples=20_000)
    assert alone.low == -2
    each = paired_bootstrap([20, 8, 7], [10, 7, 9], groups='xyz', resamples=20_000)
    assert each == alone


def test_groups_must_fit():
    with raises_naming(ValueError, '2 groups', '3 scores'):
        paired_bootstrap([1, 2, 3], [1, 1, 1], groups='ab')


@pytest.mark.parametrize(('scores', 'groups'), [([1], None), ([1, 2, 3], 'aaa')])
def test_a_single_video_or_group_shows_nothing(scores, groups):
    with pytest.raises(ValueError, match='give those of at least two'):
        paired_bootstrap(scores, [0] * len(scores), groups=groups)
