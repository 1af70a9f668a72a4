"""Time budgets: how time is divided among classes, as in ergonomics and ethology."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np

from mmskelseg_io.messages.errors import UserError, unlike
from mmskelseg_io.structures.segments import check_labels, segment_table


@dataclass(frozen=True)
class TimeBudget:
    """Number and duration of the segments of each class, in one video or in several.

    Args:
        number: Number of segments of each class, shape (K,).
        total: Seconds of each class, shape (K,).
        unlabelled: Seconds without a label, in all tiers together.
        transitions: How often a segment of one class (row) is immediately followed by a
            segment of another (column), shape (K, K). Segments with unlabelled time
            between them do not count.
        tiers: Number of tiers, each of which divides all time among its classes.
    """

    number: np.ndarray
    total: np.ndarray
    unlabelled: float
    transitions: np.ndarray
    tiers: int = 1

    def __add__(self, other: TimeBudget) -> TimeBudget:
        return TimeBudget(
            self.number + other.number,
            self.total + other.total,
            self.unlabelled + other.unlabelled,
            self.transitions + other.transitions,
            self.tiers,
        )

    @property
    def mean(self) -> np.ndarray:
        """Mean duration of a segment of each class in seconds, (K,); NaN if none."""
        total = np.where(self.number > 0, self.total, np.nan)
        return total / np.maximum(self.number, 1)

    @property
    def share(self) -> np.ndarray:
        """Share of each class in all time, unlabelled included, in percent, (K,)."""
        time = (self.total.sum() + self.unlabelled) / self.tiers
        return 100 * self.total / max(time, 1e-12)


def time_budget(label: np.ndarray, num_classes: int, fps: float) -> TimeBudget:
    """Return the time budget of one video.

    Args:
        label: Label of each frame, shape (T,), -1 where there is none. Of G tiers,
            (G, T), with the ids of the classes of all tiers.
        num_classes: K.
        fps: Frames per second.

    Raises:
        ValueError: If a label is not a class id.

    >>> budget = time_budget(np.array([0, 0, 1, 1, 1, 0, -1, 1]), 2, fps=2)
    >>> budget.number.tolist(), budget.total.tolist(), budget.unlabelled
    ([2, 2], [1.5, 2.0], 0.5)
    >>> budget.mean.tolist(), budget.share.tolist()
    ([0.75, 1.0], [37.5, 50.0])
    >>> budget.transitions.tolist()
    [[0, 1], [1, 0]]
    """
    label = np.asarray(label)
    if label.ndim == 2:
        budgets = (time_budget(row, num_classes, fps) for row in label)
        return replace(reduce(add, budgets), tiers=len(label))
    label = check_labels(label)
    start, end, ids = segment_table(label).T
    if ids.size and not 0 <= ids.min() <= ids.max() < num_classes:
        found, expected = f'{ids.min()} to {ids.max()}', f'ids of {num_classes} classes'
        raise UserError(unlike('the range of labels', found, expected))
    frames = np.bincount(ids, end - start, minlength=num_classes)
    transitions = np.zeros((num_classes, num_classes), np.int64)
    follows = end[:-1] == start[1:]
    np.add.at(transitions, (ids[:-1][follows], ids[1:][follows]), 1)
    return TimeBudget(
        np.bincount(ids, minlength=num_classes),
        frames / fps,
        float(label.size - frames.sum()) / fps,
        transitions,
    )


def budget_as_dict(budget: TimeBudget, classes: list[str]) -> dict[str, object]:
    """Return a time budget in JSON types, with the names of the classes.

    Unlabelled time is the mean over tiers.

    >>> one = time_budget(np.array([0, 0, 0, 1]), 3, fps=1)
    >>> found = budget_as_dict(one, ['walk', 'lift', 'hold'])
    >>> found['classes'][0]
    {'label': 'walk', 'number': 1, 'total': 3.0, 'mean': 3.0, 'share': 75.0}
    >>> found['classes'][2]['mean'] is None, found['transitions']
    (True, {'walk': {'lift': 1}})
    """
    rows = zip(
        classes, budget.number, budget.total, budget.mean, budget.share, strict=True
    )
    return {
        'classes': [
            {
                'label': name,
                'number': int(number),
                'total': float(total),
                'mean': None if np.isnan(mean) else float(mean),
                'share': float(share),
            }
            for name, number, total, mean, share in rows
        ],
        'unlabelled': budget.unlabelled / budget.tiers,
        'transitions': {
            name: {classes[k]: int(row[k]) for k in np.flatnonzero(row)}
            for name, row in zip(classes, budget.transitions, strict=True)
            if row.any()
        },
    }
