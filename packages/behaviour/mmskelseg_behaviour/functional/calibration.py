"""Calibration: whether probabilities are as large as the share of correct frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.segments import IGNORED

_BINS = 15
# Temperatures that are searched.
_LEAST, _MOST = 0.1, 10.0
# What a bin needs to be known: this share of all frames, bouts, and videos.
_SHARE, _BOUTS, _VIDEOS = 0.01, 20, 2
_TINY = np.finfo(np.float32).tiny


class Scored(NamedTuple):
    """Probabilities (K, T) and true classes (T,) of a video, or of a tier of it.

    Frames of -1 do not count.
    """

    scores: np.ndarray
    labels: np.ndarray
    video: str = ''


@dataclass(frozen=True)
class Reliability:
    """Frames by the probability of their predicted class, in bins of equal width.

    Frames of a bout are right or wrong together, so a bin is judged by its true bouts
    and videos as well. If they have unequal numbers n of its frames, they count as
    fewer, ``sum(n) ** 2 / sum(n ** 2)``.

    Attributes:
        frames: Number of frames, shape (B,).
        confidence: Mean probability of the predicted class, shape (B,); 0 if none.
        accuracy: Share of correct frames, shape (B,); 0 if none.
        bouts: Number of true bouts that the frames count as, shape (B,).
        videos: Number of videos that they count as, shape (B,).

    Source: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017); the
    numbers of unequal bouts: Kish, "Survey Sampling" (1965).
    """

    frames: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    bouts: np.ndarray
    videos: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, ECE, from 0 to 1."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float((self.frames * gaps).sum() / max(self.frames.sum(), 1))

    @property
    def known(self) -> np.ndarray:
        """Whether the accuracy of a bin says something of other videos, (B,)."""
        is_frequent = self.frames >= _SHARE * self.frames.sum()
        return is_frequent & (self.bouts >= _BOUTS) & (self.videos >= _VIDEOS)


def reliability(parts: Sequence[Scored]) -> Reliability:
    """Return how probabilities agree with accuracy, in all parts together.

    Args:
        parts: Videos or their tiers; K may differ.

    >>> scores = np.array([[0.75, 0.75, 0.75, 0.75], [0.25, 0.25, 0.25, 0.25]])
    >>> reliability([Scored(scores, np.array([0, 0, 1, 1]))]).error
    0.25
    """
    parts = _labelled(parts)
    confidence = np.concatenate([part.scores.max(axis=0) for part in parts])
    right = np.concatenate(
        [part.scores.argmax(axis=0) == part.labels for part in parts]
    )
    # The last bin contains 1.
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    frames, sums, hits = (
        np.bincount(bins, weights, _BINS) for weights in (None, confidence, right)
    )
    begins = [np.append(1, part.labels[1:] != part.labels[:-1]) for part in parts]
    bouts = np.concatenate(begins).cumsum() - 1
    numbers = {part.video: i for i, part in enumerate(parts)}
    videos = np.repeat(
        [numbers[part.video] for part in parts], [part.labels.size for part in parts]
    )
    least = np.maximum(frames, 1)
    return Reliability(
        frames,
        sums / least,
        hits / least,
        _counted(bouts, bins),
        _counted(videos, bins),
    )


def _counted(units: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Return as how many the units count whose frames (T,) lie in each bin, (B,)."""
    size = (units.max() + 1) * _BINS
    frames = np.bincount(units * _BINS + bins, minlength=size).reshape(-1, _BINS)
    return frames.sum(axis=0) ** 2 / np.maximum((frames**2).sum(axis=0), 1)


def tempered(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (K, T) whose logarithms are divided by a temperature.

    The class of the largest probability stays the same.
    """
    logits = _logits(scores) / temperature
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)


def fit_temperature(parts: Sequence[Scored]) -> float:
    """Return the temperature with the smallest cross-entropy, from 0.1 to 10.

    Args:
        parts: Videos that were not trained on, or their tiers; K may differ.

    Source: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017).

    >>> scores = np.array([[0.9, 0.9, 0.9, 0.9], [0.1, 0.1, 0.1, 0.1]])
    >>> round(fit_temperature([Scored(scores, np.array([0, 0, 0, 1]))]), 6)
    2.0
    """
    from scipy.optimize import brentq

    parts = _labelled(parts)
    logits = [_logits(part.scores) for part in parts]
    true = sum(
        own[part.labels, np.arange(part.labels.size)].sum()
        for own, part in zip(logits, parts, strict=True)
    )

    def slope(log_temperature: float) -> float:
        """Return the derivative of the cross-entropy by 1 / temperature."""
        temperature = float(np.exp(log_temperature))
        expected = (
            (tempered(part.scores, temperature) * own).sum()
            for own, part in zip(logits, parts, strict=True)
        )
        return float(sum(expected) - true)

    # The cross-entropy is convex in 1 / temperature.
    if slope(np.log(_LEAST)) <= 0:
        return _LEAST
    if slope(np.log(_MOST)) >= 0:
        return _MOST
    return float(np.exp(brentq(slope, np.log(_LEAST), np.log(_MOST))))


def cross_fitted(folds: Sequence[Sequence[Scored]]) -> list[Scored]:
    """Return the parts of all folds, two or more, calibrated by the other folds."""
    found = []
    for i, fold in enumerate(folds):
        others = [part for other in (*folds[:i], *folds[i + 1 :]) for part in other]
        temperature = fit_temperature(others)
        found += [
            part._replace(scores=tempered(part.scores, temperature)) for part in fold
        ]
    return found


def _logits(scores: np.ndarray) -> np.ndarray:
    # Finite even where a probability is rounded to 0.
    return np.log(np.maximum(scores, _TINY))


def _labelled(parts: Sequence[Scored]) -> list[Scored]:
    kept = []
    for scores, labels, video in parts:
        frames = labels != IGNORED
        if frames.any():
            own = scores[:, frames].astype(np.float64)
            kept.append(Scored(own, labels[frames], video))
    if not kept:
        raise UserError('There is no labelled frame; at least one is needed.')
    return kept
