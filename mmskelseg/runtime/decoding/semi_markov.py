"""A semi-Markov model of segments, and the most likely segmentation of a video.

The probability of a segment of class c with d frames, after one of class b, is the
product of P(c | b), P(d | c) and the probabilities of its frames. Durations are
log-normal.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from mmskelseg.runtime.messages.dependencies import import_optional
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.segments import segment_table

# The longest duration of a segment in frames, times the number of classes: more than an
# hour for each of a hundred classes.
_LONGEST = 2 * 10**7
# Number of durations, over all classes, that are computed together.
_BLOCK = 1 << 20
# The largest logarithm of a duration and its deviation, and the smallest deviation.
_LARGEST, _SMALLEST = 100, 1e-3
# The smallest probability, so that no frame rules a class out.
_TINY = 1e-12
# The smallest standard deviation of the logarithm of a duration: a few observations may
# be similar by chance.
_LEAST_SPREAD = 0.25


@dataclass(frozen=True)
class SegmentGrammar:
    """Transitions between K classes and durations of each, as arrays.

    Attributes:
        start: Probability of the first segment's class, shape (K,).
        transitions: Probability of a class given the previous class, shape (K, K) as
            [previous, class], or given the two previous classes, shape (K + 1, K, K),
            where the last row is for the start of the video. A class does not follow
            itself.
        duration_mean: Mean of the logarithm of each class's duration in frames, (K,).
        duration_std: Its standard deviation, (K,).
        longest: The longest observed duration in frames.

    Raises:
        UserError: If an array has another shape or is not finite, a deviation is not
            positive, or the longest duration is not from 1 to 10,000,000 frames.
    """

    start: np.ndarray
    transitions: np.ndarray
    duration_mean: np.ndarray
    duration_std: np.ndarray
    longest: int

    def __post_init__(self) -> None:
        K = self.start.size
        for name, shapes, least, most in (
            ('start', ((K,),), 0, 1.01),
            ('transitions', ((K, K), (K + 1, K, K)), 0, 1.01),
            ('duration_mean', ((K,),), -_LARGEST, _LARGEST),
            ('duration_std', ((K,),), _SMALLEST, _LARGEST),
        ):
            value = getattr(self, name)
            if value.shape not in shapes or not np.isfinite(value).all():
                raise UserError(
                    f'SegmentGrammar: {name} has the shape {value.shape}, but must be '
                    f'finite, with the shape {" or ".join(map(str, shapes))}.'
                )
            if not least <= value.min() <= value.max() <= most:
                raise UserError(
                    f'SegmentGrammar: {name} is from {value.min():.4g} to '
                    f'{value.max():.4g}, but must be from {least} to {most}.'
                )
        if not 0 < self.longest * K <= _LONGEST:
            raise UserError(
                f'SegmentGrammar: longest={self.longest}, but the longest segment has '
                f'from 1 to {_LONGEST // K} frames for {K} classes.'
            )

    @classmethod
    def count(
        cls,
        videos: Iterable[np.ndarray],
        num_classes: int,
        *,
        order: int = 1,
        smoothing: float = 1.0,
    ) -> 'SegmentGrammar':
        """Return the grammar of labelled videos, by counting their segments.

        Frames labelled -1 split a video: transitions across them and durations that
        they cut off do not count. The first and the last segment of a video count with
        their full duration.

        Args:
            videos: Labels of each video, shape (T,).
            num_classes: K.
            order: Number of previous classes that the next class depends on, 1 or 2.
                With 2, counts after two classes are smoothed by those after one.
            smoothing: Number of uniformly distributed transitions added to those from
                each class, so that none is impossible, and number of average segments
                added to those of each class.

        Raises:
            UserError: If there is no complete segment, a label is not a class, or an
                option is invalid.
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
            _check_classes(table, K)
            for i, (begin, end, label) in enumerate(table):
                before = _classes_before(table, i)
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
        means, deviations = _durations_of(logs, smoothing)
        transitions = _normalized(pairs + smoothing / max(K - 1, 1))
        if order == 2:
            # The added counts are proportional to the transitions of order 1.
            transitions = _normalized(triples + smoothing * transitions)
        return cls(starts / starts.sum(), transitions, means, deviations, longest)

    @property
    def order(self) -> int:
        """The number of previous classes that the next class depends on."""
        return self.transitions.ndim - 1


def _classes_before(table: np.ndarray, i: int) -> list[int]:
    """Return up to two classes before segment i, back to the last unlabelled frame."""
    before: list[int] = []
    for j in range(i - 1, max(i - 3, -1), -1):
        if table[j, 1] != table[j + 1, 0]:
            break
        before.append(int(table[j, 2]))
    return before


def _check_classes(table: np.ndarray, num_classes: int) -> None:
    """Raise a UserError for a class id beyond the last one in segments (S, 3)."""
    if len(table) and table[:, 2].max() >= num_classes:
        raise UserError(
            f'The training videos have the class id {table[:, 2].max()}, but ids run '
            f'from 0 to {num_classes - 1}; set num_classes to the number of classes.'
        )


def _durations_of(
    logs: Sequence[Sequence[float]], smoothing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of the logarithms of durations, for each class, (K,).

    Rare classes are shrunk towards the mean and deviation of all segments.
    """
    counted = np.concatenate([np.array(part) for part in logs])
    if not counted.size:
        raise UserError(
            'There is no complete segment in the labels of the training videos; label '
            'some segments from their start to their end.'
        )
    pooled_mean, means, variances = counted.mean(), *np.zeros((2, len(logs)))
    spread = [np.array(part) - np.mean(part) for part in logs if len(part) > 1]
    pooled = np.square(np.concatenate(spread)).mean() if spread else 0.25
    for c, part in enumerate(logs):
        n, values = len(part), np.array(part)
        means[c] = (values.sum() + smoothing * pooled_mean) / (n + smoothing)
        squares = np.square(values - values.mean()).sum() if n else 0.0
        variances[c] = (squares + smoothing * pooled) / (n + smoothing)
    return means, np.maximum(np.sqrt(variances), _LEAST_SPREAD)


def _normalized(counts: np.ndarray) -> np.ndarray:
    """Return counts [..., previous, class] as probabilities, 0 for the same class."""
    counts = counts * (1 - np.eye(counts.shape[-1]))
    # With a single class, there are no transitions.
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), _TINY)


def log_scores(score: np.ndarray) -> np.ndarray:
    """Return the logarithms of probabilities, none of which rules a class out."""
    return np.log(np.maximum(score.astype(np.float64), _TINY))


def viterbi(
    score: np.ndarray, grammar: SegmentGrammar, *, weight: float = 2.0
) -> np.ndarray:
    """Return the labels (T,) of the most likely segmentation of a video.

    Durations up to twice the longest observed one follow the log-normal distribution;
    beyond that, each further frame costs as much as the last one. Time and memory are
    linear in the number of frames, and K + 1 times as large with order 2, since a state
    is then a pair of classes.

    Args:
        score: Probability of each class, shape (K, T).
        grammar: Transitions and durations.
        weight: Exponent of the grammar's probabilities. It compensates for the
            probabilities of frames, which are overconfident when multiplied, since the
            network sees nearly the same context in adjacent frames.

    >>> grammar = SegmentGrammar.count([np.repeat([0, 1, 0], 5)], 2)
    >>> score = np.array([[.9] * 5 + [.2] * 2 + [.6] + [.2] * 2 + [.9] * 5])
    >>> viterbi(np.concatenate([score, 1 - score]), grammar)
    array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    """
    K, T = score.shape
    if len(grammar.start) != K:
        raise UserError(
            f'SemiMarkovViterbi: its grammar has {len(grammar.start)} classes, but '
            f'the model predicts {K}.'
        )
    if T == 0:
        return np.zeros(0, np.int64)
    logs = log_scores(score)
    sums = np.pad(np.cumsum(logs, axis=1), ((0, 0), (1, 0)))
    with np.errstate(divide='ignore'):
        start, steps = np.log(grammar.start), np.log(grammar.transitions)
    # A state is the class of a segment and, with order 2, the previous class, or K for
    # none.
    first = np.arange(K) if grammar.order == 1 else K * K + np.arange(K)
    states = K if grammar.order == 1 else (K + 1) * K
    return _compiled()(
        sums,
        weight * start,
        weight * steps.reshape(-1, K),
        weight * _durations(grammar, max(T, 2)),
        first,
        states,
    )


def _durations(grammar: SegmentGrammar, most: int) -> np.ndarray:
    """Return the logarithm of each duration's probability, (K, up to ``most``)."""
    longest = 2 * grammar.longest
    mean, std = grammar.duration_mean[:, None], grammar.duration_std[:, None]
    kept, total = [], np.full_like(mean, -np.inf)
    step = 1 + _BLOCK // len(mean)
    for begin in range(0, longest, step):
        d = np.log(np.arange(begin + 1, min(begin + step, longest) + 1))
        block = -d - np.log(std) - np.square(d - mean) / (2 * std**2)
        total = np.logaddexp(total, np.logaddexp.reduce(block, axis=1, keepdims=True))
        if begin < most:
            kept.append(block[:, : most - begin])
    # The density over whole frames is normalised to sum to 1.
    return np.concatenate(kept, axis=1) - total


@cache
def _compiled() -> Callable[..., np.ndarray]:
    """Return ``_decode``, compiled."""
    numba = import_optional('numba', 'SemiMarkovViterbi')
    try:
        return numba.njit(cache=True)(_decode)
    except RuntimeError:  # There is no folder for the cache.
        return numba.njit(_decode)


def _decode(sums, start, steps, durations, first, states):  # type: ignore
    K, T = sums.shape[0], sums.shape[1] - 1
    D = durations.shape[1]
    low = -np.inf
    # `begins` is the best score up to frame t if a segment of a state begins there,
    # minus the sum of its class up to t; `ends` is the best score if one ends there,
    # and `began` is where that one began.
    begins = np.full((states, T + 1), low)
    ends = np.full((states, T + 1), low)
    began = np.zeros((states, T + 1), np.int32)
    came = np.full((states, T + 1), -1, np.int32)
    # The same for segments that are longer than D.
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
            # A segment that has reached the length D may continue.
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
