"""Agreement between observers of the same recordings.

Labels (R, T) are those of R observers, -1 where one has none. Matrices of recordings
can be added, so that coefficients are those of all their frames together.
"""

from collections.abc import Iterable
from itertools import permutations

import numpy as np

from mmskelseg_io.structures.segments import IGNORED, segment_table


def common_labels(labels: np.ndarray) -> np.ndarray:
    """Return labels (R, T) that are -1 wherever an observer has none.

    >>> common_labels(np.array([[0, 1, -1], [0, -1, 1]])).tolist()
    [[0, -1, -1], [0, -1, -1]]
    """
    return np.where((labels == IGNORED).any(axis=0), IGNORED, labels)


def coincidence_matrix(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the coincidences of K classes in labels (R, T), symmetric (K, K).

    Each ordered pair of labels of a frame counts in the cell of its classes, divided by
    the number of the frame's labels minus 1; so a frame counts as often as it has
    labels. Frames with fewer than two labels don't count.

    Source: Krippendorff, "Content Analysis" (2004), Sec. 11.3.

    >>> coincidence_matrix(np.array([[0, 1, 1], [0, 0, -1]]), 2).tolist()
    [[2.0, 1.0], [1.0, 0.0]]
    """
    found = np.zeros(num_classes**2)
    present = labels != IGNORED
    others = present.sum(axis=0) - 1
    for i, j in permutations(range(len(labels)), 2):
        both = present[i] & present[j]
        cells = labels[i, both] * num_classes + labels[j, both]
        found += np.bincount(cells, 1 / others[both], num_classes**2)
    return found.reshape(num_classes, num_classes)


def one_against_rest(matrix: np.ndarray) -> np.ndarray:
    """Return a confusion or coincidence matrix (K, K) for each class, (K, 2, 2).

    The class comes first, and then all others together.

    >>> one_against_rest(np.array([[5, 1, 0], [0, 3, 0], [1, 0, 2]]))[0].tolist()
    [[5, 1], [1, 5]]
    """
    both = matrix.diagonal()
    first, second = matrix.sum(axis=1) - both, matrix.sum(axis=0) - both
    rest = matrix.sum() - both - first - second
    return np.stack([both, first, second, rest], axis=1).reshape(-1, 2, 2)


def cohen_kappa(confusion: np.ndarray) -> float:
    """Return Cohen's kappa from the frames of two observers by their classes, (K, K).

    It is NaN if there is no frame, or both use one and the same class.

    Source: Cohen, "A Coefficient of Agreement for Nominal Scales" (1960).

    >>> round(cohen_kappa(np.array([[20, 5], [10, 15]])), 3)
    0.4
    """
    total = confusion.sum()
    by_chance = confusion.sum(axis=0) @ confusion.sum(axis=1) / max(total, 1) ** 2
    return _above_chance(confusion, by_chance)


def fleiss_kappa(coincidences: np.ndarray) -> float:
    """Return Fleiss' kappa of frames that all observers have labelled.

    It is NaN if there is no frame, or all labels are the same.

    Args:
        coincidences: That of :func:`coincidence_matrix` for :func:`common_labels`.

    Source: Fleiss, "Measuring Nominal Scale Agreement Among Many Raters" (1971).

    >>> labels = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 0]])
    >>> round(fleiss_kappa(coincidence_matrix(labels, 2)), 3)
    0.333
    """
    shares = coincidences.sum(axis=0) / max(coincidences.sum(), 1)
    return _above_chance(coincidences, shares @ shares)


def krippendorff_alpha(coincidences: np.ndarray) -> float:
    """Return Krippendorff's alpha for nominal classes; labels may be missing.

    It is NaN if no frame has two labels, or all labels are the same.

    Args:
        coincidences: That of :func:`coincidence_matrix`.

    Source: Krippendorff, "Content Analysis" (2004), Sec. 11.3.

    >>> labels = np.array([[0, 0, 1, 1, -1], [0, 1, 1, 1, 0]])
    >>> round(krippendorff_alpha(coincidence_matrix(labels, 2)), 3)
    0.533
    """
    number, total = coincidences.sum(axis=0), coincidences.sum()
    by_chance = number @ (number - 1) / max(total * (total - 1), 1)
    return _above_chance(coincidences, by_chance)


def _above_chance(matrix: np.ndarray, by_chance: float) -> float:
    if by_chance >= 1 or not matrix.sum():
        return float('nan')
    return float((matrix.trace() / matrix.sum() - by_chance) / (1 - by_chance))


def intraclass_correlation(values: np.ndarray) -> float:
    """Return ICC(2,1): how well observers agree on a number for each recording.

    It is that of two-way random effects, absolute agreement and a single observer. It
    is NaN below two recordings or observers, or if all values are equal.

    Args:
        values: A row for each of N recordings, a column for each observer, (N, R).

    Source: Shrout and Fleiss, "Intraclass Correlations" (1979), with its example:

    >>> values = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9],
    ...           [6, 2, 4, 7]]
    >>> round(intraclass_correlation(np.array(values)), 2)
    0.29
    """
    n, k = values.shape
    if min(n, k) < 2 or np.ptp(values) == 0:
        return float('nan')
    centred = values - values.mean()
    rows, columns = centred.mean(axis=1), centred.mean(axis=0)
    rest = centred - rows[:, None] - columns
    of_rows = k * (rows @ rows) / (n - 1)
    of_columns = n * (columns @ columns) / (k - 1)
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    whole = of_rows + (k - 1) * error + k * (of_columns - error) / n
    return float((of_rows - error) / whole)


def best_shift(pairs: Iterable[np.ndarray], most: int) -> tuple[int, float, float]:
    """Return by how many frames the second of two observers should be moved.

    It is the smallest shift, later if positive, with which both agree in the largest
    share of frames. Then come the shares from 0 to 1 without it and with it, NaN where
    no frame has both labels.

    Args:
        pairs: Labels (2, T) of each recording.
        most: The largest shift in frames.

    >>> best_shift([np.array([[0, 0, 1, 1], [0, 1, 1, 1]])], 1)
    (1, 0.75, 1.0)
    """
    counts = {k: np.zeros(2) for k in sorted(range(-most, most + 1), key=abs)}
    for first, second in pairs:
        for shift, count in counts.items():
            size = max(first.size - abs(shift), 0)
            ours = first[max(shift, 0) :][:size]
            theirs = second[max(-shift, 0) :][:size]
            both = (ours != IGNORED) & (theirs != IGNORED)
            count += np.count_nonzero((ours == theirs) & both), both.sum()
    shares = {k: float(n / all_) if all_ else np.nan for k, (n, all_) in counts.items()}
    best = max(shares, key=lambda shift: np.nan_to_num(shares[shift]))
    return best, shares[0], shares[best]


def disagreements(labels: np.ndarray) -> list[tuple[int, int]]:
    """Return the intervals ``(start, end)`` in which labels (R, T) differ.

    The end is exclusive, and within an interval, no observer changes the label. Frames
    with fewer than two labels are in none.

    >>> disagreements(np.array([[0, 0, 0, 1, 1], [0, 1, 2, 2, -1]]))
    [(1, 2), (2, 3), (3, 4)]
    """
    highest = labels.max(axis=0)
    lowest = np.where(labels == IGNORED, highest, labels).min(axis=0)
    changes = (labels[:, 1:] != labels[:, :-1]).any(axis=0)
    runs = np.concatenate(([0], np.cumsum(changes)))
    table = segment_table(np.where(lowest < highest, runs, IGNORED))
    return [(start, end) for start, end, _ in table.tolist()]
