"""Bouts: when each behaviour or task was seen, and statistics of it.

A bout is an uninterrupted interval of one class. A bout cut by the edge of a recording
counts with the part that was seen. Time without a label is not observed time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np

from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.time_budget import TimeBudget

#: Names of the measures.
MEASURES = (
    'bouts', 'rate_per_min', 'total_s', 'share_percent', 'mean_s', 'median_s', 'sd_s',
    'latency_s',
)  # fmt: skip
_NONE = float('nan')


@dataclass(frozen=True)
class Bouts:
    """The bouts of one recording, of each tier in temporal order, without overlap.

    ``start`` and ``end`` (S,) are in seconds, as is the duration of the recording;
    ``label`` (S,) are class ids, and ``tiers`` those of each tier.
    """

    start: np.ndarray
    end: np.ndarray
    label: np.ndarray
    duration: float
    tiers: tuple[slice, ...] = (slice(None),)

    def apart(self) -> list[Bouts]:
        """Return the bouts of each tier."""
        tier = self._tier(self.label.max(initial=0) + 1)[self.label]
        return [
            Bouts(self.start[own], self.end[own], self.label[own], self.duration)
            for own in (tier == i for i in range(len(self.tiers)))
        ]

    def _tier(self, num_classes: int) -> np.ndarray:
        found = np.zeros(num_classes, np.int64)
        for i, ids in enumerate(self.tiers):
            found[ids] = i
        return found

    def cycles(self, first: int, then: int | None = None) -> np.ndarray:
        """Return start and end of each cycle, (n, 2), in seconds.

        A cycle lasts from one start of the class ``first`` to the next. If a cycle has
        several, ``then`` tells them apart: those count whose next bout in the tier,
        whenever it comes, is of that class. The last start begins no cycle, since its
        end is not seen.

        >>> label = np.array([0, 1, 0, 2, 0, 1, 0, 2])
        >>> time = np.arange(9.0)
        >>> bouts = Bouts(time[:-1], time[1:], label, 8.0)
        >>> bouts.cycles(0).tolist()
        [[0.0, 2.0], [2.0, 4.0], [4.0, 6.0]]
        >>> bouts.cycles(0, then=1).tolist()
        [[0.0, 4.0]]
        """
        tier = self._tier(max(first, self.label.max(initial=0)) + 1)
        own = tier[self.label] == tier[first]
        start, label = self.start[own], self.label[own]
        begins = label == first
        if then is not None:
            begins &= np.append(label[1:], -1) == then
        return np.stack([start[begins][:-1], start[begins][1:]], axis=1)

    def seconds_until(self, times: np.ndarray, num_classes: int) -> np.ndarray:
        """Return how long each of K classes has been seen until times, (..., K)."""
        passed = np.zeros((*times.shape, num_classes))
        for k in np.unique(self.label):
            spans = np.stack([self.start, self.end], 1)[self.label == k]
            total = np.append(0, np.cumsum(np.diff(spans)))
            passed[..., k] = np.interp(times, spans.ravel(), np.repeat(total, 2)[1:-1])
        return passed

    def labels(self, fps: float, frames: int) -> np.ndarray:
        """Return the ids of T frames in each tier, (tiers, T); -1 without a bout."""
        rows = np.full((len(self.tiers), frames), IGNORED)
        tier = self._tier(self.label.max(initial=0) + 1)[self.label]
        # As in mmskelseg_io.labels.segments.frame_at.
        cuts = np.ceil(np.stack([self.start, self.end], 1) * fps - 0.5).astype(int)
        for row, (start, end), label in zip(tier, cuts, self.label, strict=True):
            rows[row, start:end] = label
        return rows

    def statistics(
        self, num_classes: int, begin: float = 0, end: float = inf
    ) -> BoutStatistics:
        """Return the statistics of the recording of K classes, or of a part in seconds.

        Bouts and transitions count in the part in which they begin, and have their
        whole duration there. Time counts in the part in which it passes. So the numbers
        and the total times of successive parts add up to those of the recording.
        """
        end = min(end, self.duration)
        inside = np.clip(self.end, begin, end) - np.clip(self.start, begin, end)
        begins = (begin <= self.start) & (self.start < end)
        total = np.bincount(self.label, inside, num_classes)
        transitions = np.zeros((num_classes, num_classes), np.int64)
        same = np.diff(self._tier(num_classes)[self.label]) == 0
        follows = (self.end[:-1] == self.start[1:]) & same & begins[1:]
        np.add.at(transitions, (self.label[:-1][follows], self.label[1:][follows]), 1)
        budget = TimeBudget(
            np.bincount(self.label[begins], minlength=num_classes),
            total,
            max(len(self.tiers) * (end - begin) - float(total.sum()), 0.0),
            transitions,
            len(self.tiers),
        )
        lengths = self.end - self.start
        seen = np.maximum(self.start, begin) - begin
        classes = range(num_classes)
        return BoutStatistics(
            budget,
            tuple(lengths[begins & (self.label == k)] for k in classes),
            tuple(seen[(inside > 0) & (self.label == k)][:1] for k in classes),
            self.tiers,
        )


@dataclass(frozen=True)
class BoutStatistics:
    """Bouts of each class in a recording, or in several of one individual.

    Args:
        budget: Numbers, total times and transitions.
        durations: Seconds of each bout, by class.
        latencies: Seconds until the first bout in each recording that has one, by
            class; 0 if the recording, or its part, begins during a bout.
        tiers: The ids of the classes of each tier.

    >>> label = np.array([0, 1, 0])
    >>> bouts = Bouts(np.array([0, 2, 3]), np.array([2, 3, 10]), label, 10.0)
    >>> values = bouts.statistics(2).measures()
    >>> values['rate_per_min'].tolist(), values['mean_s'].tolist()
    ([12.0, 6.0], [4.5, 1.0])
    """

    budget: TimeBudget
    durations: tuple[np.ndarray, ...]
    latencies: tuple[np.ndarray, ...]
    tiers: tuple[slice, ...] = (slice(None),)

    def __add__(self, other: BoutStatistics) -> BoutStatistics:
        return BoutStatistics(
            self.budget + other.budget,
            tuple(map(np.append, self.durations, other.durations)),
            tuple(map(np.append, self.latencies, other.latencies)),
            self.tiers,
        )

    @property
    def observed(self) -> np.ndarray:
        """Seconds in which the tier of each class has a label, (K,)."""
        found = np.zeros_like(self.budget.total)
        for ids in self.tiers:
            found[ids] = self.budget.total[ids].sum()
        return found

    def measures(self) -> dict[str, np.ndarray]:
        """Return the ``MEASURES`` by their names, each of shape (K,).

        They are NaN where there is nothing to measure: durations and latency of a class
        without a bout, the standard deviation of one bout, shares of no time.
        """
        number, total = self.budget.number, self.budget.total
        observed = np.where(self.observed > 0, self.observed, _NONE)
        values = (
            number.astype(float),
            60 * number / observed,
            total,
            100 * total / observed,
            _each(self.durations, np.mean),
            _each(self.durations, np.median),
            _each(self.durations, sample_sd),
            _each(self.latencies, np.mean),
        )
        return dict(zip(MEASURES, values, strict=True))


def sample_sd(values: np.ndarray) -> float:
    """Return the standard deviation of a sample (n - 1); NaN below two values."""
    return float(np.std(values, ddof=1)) if values.size > 1 else _NONE


def _each(
    values: tuple[np.ndarray, ...], measure: Callable[[np.ndarray], float]
) -> np.ndarray:
    return np.array([measure(each) if each.size else _NONE for each in values])
