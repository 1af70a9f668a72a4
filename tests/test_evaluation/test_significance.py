import numpy as np
import pytest

from mmskelseg.evaluation import paired_bootstrap


def test_a_constant_difference_is_certain():
    """Whichever videos are drawn; p is the least that so many draws can show."""
    found = paired_bootstrap([50, 70, 90], [45, 65, 85], resamples=99)
    assert (found.mean, found.low, found.high) == (5, 5, 5)
    assert found.p == pytest.approx(2 / 100)
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
    with pytest.raises(ValueError, match='give one of each video for both'):
        paired_bootstrap(first, second)
