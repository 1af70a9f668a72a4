"""Which class follows which, for how long, and the likeliest segmentation of a video.

A segment of class c and d frames, after one of class b, has the probability of c given
b, times that of the duration d given c, times those of its frames. Durations are
log-normal.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from mmskelseg.structures.segments import segment_table
from mmskelseg.utils.dependencies import import_optional
from mmskelseg.utils.errors import UserError

# What a probability below counts as, so that no frame rules a class out.
_TINY = 1e-12
# Standard deviation of the logarithm of a duration: people are no more alike than this,
# however alike the few were that were counted.
_LEAST_SPREAD = 0.25


@dataclass(frozen=True)
class SegmentGrammar:
    """Transitions between K classes and durations of each, as arrays.

    Attributes:
        start: Probability of the first segment's class, shape (K,).
        transitions: Probability of a class after the one before, shape (K, K) as
            [before, class], or after the two before, shape (K + 1, K, K), where the
            last row stands for the start of the video. A class does not follow itself.
        duration_mean: Mean of the logarithm of each class's duration in frames, (K,).
        duration_std: Its standard deviation, (K,).
        longest: Longest duration that was counted, in frames.
    """

    start: np.ndarray
    transitions: np.ndarray
    duration_mean: np.ndarray
    duration_std: np.ndarray
    longest: int

    @classmethod
    def count(
        cls,
        videos: Iterable[np.ndarray],
        num_classes: int,
        *,
        order: int = 1,
        smoothing: float = 1.0,
    ) -> 'SegmentGrammar':
        """Count the segments of labelled videos.

        Frames labelled -1 cut a video: transitions across them and durations that they
        cut off do not count. The first and the last segment of a video count as they
        are.

        Args:
            videos: Labels of each video, shape (T,).
            num_classes: K.
            order: How many classes before decide on the next one, 1 or 2. With 2, what
                was seen after two classes is mixed with what was seen after one.
            smoothing: How many transitions of equal chance are added to those from each
                class, so that none is ruled out, and how many segments of average
                duration and spread to those of each class.

        Raises:
            UserError: If there is no labelled frame, or an option is wrong.
        """
        K = num_classes
        if order not in (1, 2) or smoothing <= 0:
            raise UserError(
                f'order={order} must be 1 or 2, and smoothing={smoothing} above 0.'
            )
        starts = np.full(K, smoothing / K)
        pairs = np.zeros((K, K))
        triples = np.zeros((K + 1, K, K))
        logs: list[list[float]] = [[] for _ in range(K)]
        longest = 0
        for labels in videos:
            table = segment_table(np.asarray(labels))
            for i, (begin, end, label) in enumerate(table):
                # The classes before it, back to where the labels were cut.
                before = []
                for j in range(i - 1, max(i - 3, -1), -1):
                    if table[j, 1] != table[j + 1, 0]:
                        break
                    before.append(int(table[j, 2]))
                if begin == 0:
                    starts[label] += 1
                if before:
                    pairs[before[0], label] += 1
                    if len(before) == 2:
                        triples[before[1], before[0], label] += 1
                    elif table[i - 1, 0] == 0:
                        triples[K, before[0], label] += 1
                is_followed = i + 1 < len(table) and table[i + 1, 0] == end
                if (before or begin == 0) and (is_followed or end == len(labels)):
                    logs[label].append(math.log(end - begin))
                    longest = max(longest, int(end - begin))
        counted = np.concatenate([np.array(part) for part in logs])
        if not counted.size:
            raise UserError(
                'There is no whole segment to count in the labels of the training '
                'videos; label some from their start to their end.'
            )
        pooled_mean, means = counted.mean(), np.zeros(K)
        spread = [np.array(part) - np.mean(part) for part in logs if len(part) > 1]
        pooled = np.square(np.concatenate(spread)).mean() if spread else 0.25
        variances = np.zeros(K)
        for c, part in enumerate(logs):
            n, values = len(part), np.array(part)
            means[c] = (values.sum() + smoothing * pooled_mean) / (n + smoothing)
            squares = np.square(values - values.mean()).sum() if n else 0.0
            variances[c] = (squares + smoothing * pooled) / (n + smoothing)
        transitions = _normalized(pairs + smoothing / max(K - 1, 1))
        if order == 2:
            # In the proportions of what follows one class.
            transitions = _normalized(triples + smoothing * transitions)
        return cls(
            starts / starts.sum(),
            transitions,
            means,
            np.maximum(np.sqrt(variances), _LEAST_SPREAD),
            longest,
        )

    @property
    def order(self) -> int:
        """How many classes before decide on the next one."""
        return self.transitions.ndim - 1


def _normalized(counts: np.ndarray) -> np.ndarray:
    """Return counts [..., before, class] as probabilities, none of them for itself."""
    counts = counts * (1 - np.eye(counts.shape[-1]))
    # One class alone follows nothing.
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), _TINY)


def viterbi(
    score: np.ndarray, grammar: SegmentGrammar, *, weight: float = 2.0
) -> np.ndarray:
    """Return the labels (T,) of the likeliest segmentation of a video.

    Durations up to twice the longest that was counted follow the log-normal as it is;
    beyond, each further frame costs what the last one did. Time and memory grow with
    the frames, not with their square.

    Args:
        score: Probability of each class, shape (K, T).
        grammar: Transitions and durations.
        weight: Exponent of the grammar's probabilities. Those of frames come from a
            network that sees the same context in each, so that they count for more
            than they know.

    >>> grammar = SegmentGrammar.count([np.repeat([0, 1, 0], 5)], 2)
    >>> score = np.array([[.9] * 5 + [.2] * 2 + [.6] + [.2] * 2 + [.9] * 5])
    >>> viterbi(np.concatenate([score, 1 - score]), grammar)
    array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    """
    K, T = score.shape
    if T == 0:
        return np.zeros(0, np.int64)
    logs = np.log(np.maximum(score.astype(np.float64), _TINY))
    sums = np.pad(np.cumsum(logs, axis=1), ((0, 0), (1, 0)))
    longest = 2 * grammar.longest
    d = np.log(np.arange(1, longest + 1))
    mean, std = grammar.duration_mean[:, None], grammar.duration_std[:, None]
    durations = -d - np.log(std) - np.square(d - mean) / (2 * std**2)
    # A density of whole frames sums to 1.
    durations -= np.logaddexp.reduce(durations, axis=1, keepdims=True)
    with np.errstate(divide='ignore'):
        start, steps = np.log(grammar.start), np.log(grammar.transitions)
    # A state is the class of a segment, and with order 2 that of the one before, where
    # K stands for none.
    first = np.arange(K) if grammar.order == 1 else K * K + np.arange(K)
    states = K if grammar.order == 1 else (K + 1) * K
    return _compiled()(
        sums,
        weight * start,
        weight * steps.reshape(-1, K),
        weight * durations[:, : max(T, 2)],
        first,
        states,
    )


@cache
def _compiled() -> Callable[..., np.ndarray]:
    """Return ``_decode``, compiled."""
    numba = import_optional('numba', 'SemiMarkovViterbi', 'mmskelseg-runtime[numba]')
    return numba.njit(cache=True)(_decode)


def _decode(sums, start, steps, durations, first, states):  # type: ignore
    K, T = sums.shape[0], sums.shape[1] - 1
    D = durations.shape[1]
    low = -np.inf
    # Best score of all up to frame t where a segment of a state begins there, less the
    # sum of its class up to t; of all up to t where one ends; and where it began.
    begins = np.full((states, T + 1), low)
    ends = np.full((states, T + 1), low)
    began = np.zeros((states, T + 1), np.int32)
    came = np.full((states, T + 1), -1, np.int32)
    # Of segments that are longer than D.
    long_best = np.full(states, low)
    long_began = np.zeros(states, np.int32)
    for s in range(K):
        begins[first[s], 0] = start[s]
    for t in range(1, T + 1):
        for s in range(states):
            c = s % K
            best, where = low, 0
            for d in range(1, min(D, t) + 1):
                value = begins[s, t - d] + durations[c, d - 1]
                if value > best:
                    best, where = value, t - d
            last = durations[c, D - 1] - durations[c, D - 2] if D > 1 else 0.0
            longer = long_best[s] + min(last, 0.0)
            if longer > best:
                best, where = longer, long_began[s]
            # What is D long now may go on.
            long_best[s], long_began[s] = longer, long_began[s]
            if t >= D:
                value = begins[s, t - D] + durations[c, D - 1]
                if value > long_best[s]:
                    long_best[s], long_began[s] = value, t - D
            ends[s, t] = best + sums[c, t]
            began[s, t] = where
        if t < T:
            for s in range(states):
                if ends[s, t] == low:
                    continue
                row = s if states > K else s % K
                for c in range(K):
                    value = ends[s, t] + steps[row, c]
                    n = (s % K) * K + c if states > K else c
                    if value - sums[c, t] > begins[n, t]:
                        begins[n, t] = value - sums[c, t]
                        came[n, t] = s
    labels = np.zeros(T, np.int64)
    s, t = int(np.argmax(ends[:, T])), T
    while t > 0:
        begin = began[s, t]
        labels[begin:t] = s % K
        s, t = came[s, begin], begin
    return labels
