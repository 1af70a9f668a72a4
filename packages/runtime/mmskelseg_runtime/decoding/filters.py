"""Label filters: against short segments and flicker, and refinement by boundaries."""

from heapq import heapify, heappop, heappush

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, Fraction, checked
from mmskelseg_io.structures.segments import segment_table


@checked
def min_duration(labels: np.ndarray, score: np.ndarray, frames: Count) -> np.ndarray:
    """Return labels (T,) without segments that are shorter than this number of frames.

    From the shortest and earliest on, short segments take the class of the neighbour
    that is likelier in them, by the sum of ``score`` (K, T), and merge with it. A video
    of a single segment does not change. A heap orders the short segments.

    >>> score = np.array([[0.9, 0.9, 0.4, 0.1], [0.1, 0.1, 0.6, 0.1], [0, 0, 0, 0.8]])
    >>> min_duration(np.array([0, 0, 1, 2]), score, 2)
    array([0, 0, 0, 0])
    """
    table = segment_table(labels)
    short = table[table[:, 1] - table[:, 0] < frames]
    if len(table) <= 1 or not len(short):
        return labels.copy()
    sums = np.zeros((len(score), len(labels) + 1))
    np.cumsum(score, axis=1, out=sums[:, 1:])
    # The end and the class of the segment from a frame on, and the start of the segment
    # up to a frame.
    ends = dict(table[:, :2].tolist())
    classes = dict(table[:, ::2].tolist())
    starts = {end: start for start, end in ends.items()}
    heap = [(end - start, start) for start, end, _ in short.tolist()]
    heapify(heap)
    while heap:
        length, start = heappop(heap)
        end = start + length
        if ends.get(start) != end:  # It has merged with a neighbour since.
            continue
        sides = [side for side in (starts.get(start), end) if side in ends]
        if not sides:
            break
        gains = {c: sums[c, end] - sums[c, start] for c in map(classes.get, sides)}
        classes[start] = max(gains, key=gains.__getitem__)
        first = start
        for cut in (start, end):
            before = starts.get(cut)
            if before is not None and classes.get(cut) == classes[before]:
                first = before
                ends[first] = ends.pop(cut)
                starts[ends[first]] = first
        if ends[first] - first < frames:
            heappush(heap, (ends[first] - first, first))
    begins = [*ends]
    kept = np.array([classes[begin] for begin in begins], labels.dtype)
    return np.repeat(kept, np.diff(begins, append=len(labels)))


@checked
def causal_min_duration(labels: np.ndarray, frames: Count) -> np.ndarray:
    """Return labels (T,) that only change to a label that lasts this many frames.

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
