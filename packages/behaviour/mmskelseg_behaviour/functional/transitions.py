"""Transitions between classes, compared with those of a random order."""

import numpy as np

_NONE = float('nan')
# Steps of iterative proportional fitting, and the relative error at which it ends.
_STEPS, _CLOSE = 2000, 1e-12
# Expected numbers below this are 0, and cells that the fit determines by themselves to
# this share have no residual.
_ZERO = 1e-9


def against_chance(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many transitions chance would give, and how far counts are from that.

    A class never follows itself, so chance is quasi-independence: each class is left
    and entered as often as it was, otherwise in random order. Residuals are adjusted,
    about standard normal by chance: beyond -1.96 and 1.96 in 5 of 100 cells. They are
    NaN where the totals leave no freedom, as with two classes.

    Args:
        counts: How often a class (row) is followed by another (column), shape (K, K).

    Returns:
        Expected numbers and adjusted residuals, shape (K, K), with NaN on the diagonal.

    Source: Goodman (1968), "The analysis of cross-classified data"; Haberman (1973),
    Eq. 2, for the residuals.

    >>> expected, _ = against_chance(np.array([[0, 8, 0], [2, 0, 6], [6, 0, 0]]))
    >>> expected[0].round(2).tolist()
    [nan, 5.0, 3.0]
    """
    counts = np.asarray(counts, float)
    expected = 1.0 - np.eye(len(counts))
    for _ in range(_STEPS):
        for axis in (1, 0):
            have, want = (x.sum(axis, keepdims=True) for x in (expected, counts))
            expected *= want / np.where(have > 0, have, 1)
        if np.allclose(expected.sum(1), counts.sum(1), rtol=_CLOSE, atol=_CLOSE):
            break
    expected[expected < _ZERO] = 0
    # The leverage of each cell in the log-linear model of its row and its column.
    rows, columns = (np.diag(expected.sum(axis)) for axis in (1, 0))
    inverse = np.linalg.pinv(np.block([[rows, expected], [expected.T, columns]]))
    size = len(counts)
    own = np.diag(inverse)
    leverage = own[:size, None] + own[None, size:] + 2 * inverse[:size, size:]
    variance = expected * (1 - expected * leverage)
    free = variance > _ZERO * np.maximum(expected, 1)
    residual = np.full(counts.shape, _NONE)
    residual[free] = (counts - expected)[free] / np.sqrt(variance[free])
    np.fill_diagonal(expected, _NONE)
    return expected, residual
