"""Agreement of scores of joints with those of others."""

import numpy as np
import pytest

from benchmarks.posture import agreement


def test_agreement_of_ranges_with_given_scores():
    low, high = np.array([2.0, 4, 6, 3]), np.array([4.0, 6, 8, 3])
    *within, rho, bias = agreement(low, high, np.array([2.0, 7, 9, 6]))
    # Low: 0, 3, 3, 3 off. Middle: 1, 2, 2, 3. High: 2, 1, 1, 3. Nearest: 0, 1, 1, 3.
    assert within == [25, 25, 50, 75]
    # Ranks of the middles 3, 5, 7, 3 are 1.5, 3, 4, 1.5; those given 1, 3, 4, 2.
    assert rho == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert bias == pytest.approx(-1.5)
