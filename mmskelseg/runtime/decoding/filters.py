"""Label filters: against short segments and flicker, and refinement by boundaries."""

import numpy as np

from mmskelseg.runtime.decoding.semi_markov import log_scores
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.options import Count, Fraction, OddCount, checked
from mmskelseg.runtime.structures.segments import segment_table


@checked
def min_duration(labels: np.ndarray, score: np.ndarray, frames: Count) -> np.ndarray:
    """Return the likeliest labels (T,) without segments shorter than so many frames.

    They maximise the product of the probabilities, ``score`` (K, T), of all frames.
    Where another step changed a label, it and the likeliest class exchange their
    probabilities. Labels without a short segment don't change, and a video that is
    shorter than the minimum has a single segment. Time is linear in the number of
    frames.

    >>> score = np.array([[0.9, 0.9, 0.4, 0.1], [0.1, 0.1, 0.6, 0.1], [0, 0, 0, 0.8]])
    >>> min_duration(np.array([0, 0, 1, 2]), score, 2)
    array([0, 0, 1, 1])
    """
    table = segment_table(labels)
    if len(table) <= 1 or (table[:, 1] - table[:, 0]).min() >= frames:
        return labels.copy()
    logs = log_scores(score.T)
    frame, top = np.arange(len(labels)), logs.argmax(axis=1)
    likeliest = logs[frame, top]
    logs[frame, top] = logs[frame, labels]
    logs[frame, labels] = likeliest
    sums = np.pad(np.cumsum(logs, axis=0), ((1, 0), (0, 0)))
    return _likeliest_segments(sums, min(frames, len(labels)))


def _likeliest_segments(sums: np.ndarray, frames: int) -> np.ndarray:
    """Return labels (T,), given sums (T + 1, K) of log-probabilities before a frame.

    Up to each frame, it keeps the best labels that end in each class. They continue
    those before, or add the shortest segment to the best labels of any class.
    """
    T, K = len(sums) - 1, sums.shape[1]
    # Of labels that end in a class: their log-probability minus the sum of this class,
    # which stays as long as they continue; where their last segment began, and the
    # class before it.
    gain = np.zeros(K)
    begin = np.zeros((T + 1, K), np.int32)
    before = np.zeros((T + 1, K), np.int32)
    # The best class up to each frame, and its log-probability.
    best, value = np.zeros(T + 1, np.int64), np.full(T + 1, -np.inf)
    for t in range(frames, T + 1):
        start = t - frames
        begin[t], before[t] = begin[t - 1], before[t - 1]
        # Never above the gain for the best class itself, so that classes differ.
        added = value[start] - sums[start]
        better = added > gain
        if better.any():
            gain[better] = added[better]
            begin[t, better], before[t, better] = start, best[start]
        total = gain + sums[t]
        best[t] = total.argmax()
        value[t] = total[best[t]]
    labels = np.empty(T, np.int64)
    end, label = T, best[T]
    while end:
        start = begin[end, label]
        labels[start:end] = label
        end, label = start, before[end, label]
    return labels


@checked
def causal_min_duration(labels: np.ndarray, frames: Count) -> np.ndarray:
    """Return labels (T,) that only change to one that lasts for so many frames.

    Shorter segments take the class of the segment before them. So a label depends on
    the next ``frames - 1`` frames alone, and on the label before it.

    >>> causal_min_duration(np.array([0, 0, 1, 0, 2, 2, 1]), 2)
    array([0, 0, 0, 0, 2, 2, 2])
    """
    table = segment_table(labels)
    lasts = table[:, 1] - table[:, 0] >= frames
    # Nothing is before the first segment.
    lasts[:1] = True
    starts, _, classes = table[lasts].T
    return np.repeat(classes, np.diff(starts, append=len(labels)))


@checked
def median_filter(labels: np.ndarray, frames: OddCount) -> np.ndarray:
    """Return the majority class (T,) in an odd number of frames around each frame.

    This is the median filter of each class's indicator. If no class has more than half
    of the window, a frame keeps its label. Windows are truncated at the ends of the
    video.

    >>> median_filter(np.array([0, 0, 1, 0, 0, 1, 1]), 3)
    array([0, 0, 0, 0, 0, 1, 1])
    """
    result, half = labels.copy(), frames // 2
    ends = np.arange(len(labels))
    first, last = np.maximum(ends - half, 0), np.minimum(ends + half + 1, len(labels))
    for label in np.unique(labels):
        counts = np.concatenate([[0], np.cumsum(labels == label)])
        result[2 * (counts[last] - counts[first]) > last - first] = label
    return result


@checked
def refine_boundaries(
    labels: np.ndarray, boundary: np.ndarray, threshold: Fraction = 0.5
) -> np.ndarray:
    """Return labels that change only where a boundary is likely.

    Boundaries are the local maxima of their probability that reach the threshold. All
    frames between two of them get their most frequent class; the lowest id breaks ties.

    Args:
        labels: Class of each frame, shape (T,).
        boundary: Probability that a segment starts at each frame, shape (T,).
        threshold: Smallest probability of a boundary.

    Raises:
        UserError: If there are more or fewer probabilities than labels.

    Source: Ishikawa et al., "Alleviating Over-segmentation Errors by Detecting Action
    Boundaries" (WACV 2021), Sec. 3.4.

    >>> refine_boundaries(np.array([0, 1, 0, 1, 1]), np.array([0, 0.2, 0.3, 0.9, 0.1]))
    array([0, 0, 0, 1, 1])
    """
    if len(boundary) != len(labels):
        raise UserError(
            f'There are {len(labels)} labels, but {len(boundary)} probabilities of a '
            'boundary; both need one for each frame.'
        )
    if not len(labels):
        return labels.copy()
    # A plateau counts as one frame, its first one.
    places = np.flatnonzero(np.diff(boundary, prepend=np.nan) != 0)
    height = boundary[places].astype(np.float64)
    padded = np.pad(height, 1, constant_values=-np.inf)
    peak = (height > padded[:-2]) & (height > padded[2:])
    cuts = places[peak & (height >= threshold)]
    result = labels.copy()
    for part in np.split(result, cuts[cuts > 0]):
        part[:] = np.bincount(part).argmax()
    return result
