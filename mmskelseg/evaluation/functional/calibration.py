"""Calibration: whether probabilities are as large as the share of correct frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from mmskelseg.runtime.decoding.tempering import tempered
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.segments import IGNORED

#: Probabilities (K, T) and true classes (T,); frames of -1 do not count.
Part: TypeAlias = tuple[np.ndarray, np.ndarray]

_BINS = 15
# Temperatures that are searched.
_LEAST, _MOST = 0.01, 100.0


@dataclass(frozen=True)
class Reliability:
    """Frames by the probability of their predicted class, in bins of equal width.

    Attributes:
        frames: Number of frames, shape (B,).
        confidence: Mean probability of the predicted class, shape (B,); 0 if none.
        accuracy: Share of correct frames, shape (B,); 0 if none.

    Source: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017).
    """

    frames: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, ECE, from 0 to 1."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float((self.frames * gaps).sum() / max(self.frames.sum(), 1))


def reliability(parts: Sequence[Part]) -> Reliability:
    """Return how probabilities agree with accuracy, in all parts together.

    Args:
        parts: Videos or their tiers; K may differ.

    >>> scores = np.array([[0.75, 0.75, 0.75, 0.75], [0.25, 0.25, 0.25, 0.25]])
    >>> reliability([(scores, np.array([0, 0, 1, 1]))]).error
    0.25
    """
    parts = _labelled(parts)
    confidence = np.concatenate([scores.max(axis=0) for scores, _ in parts])
    right = np.concatenate([scores.argmax(axis=0) == true for scores, true in parts])
    # The last bin contains 1.
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    frames, sums, hits = (
        np.bincount(bins, weights, _BINS) for weights in (None, confidence, right)
    )
    least = np.maximum(frames, 1)
    return Reliability(frames, sums / least, hits / least)


def fit_temperature(parts: Sequence[Part]) -> float:
    """Return the temperature with which probabilities agree with accuracy, 0.01 to 100.

    The mean probability of predicted classes is then the share of correct frames, or as
    near to it as these limits allow.

    Args:
        parts: Videos that were not trained on, or their tiers; K may differ.

    Source: Clarté et al., "Expectation Consistency for Calibration of Neural Networks"
    (UAI 2023).

    >>> scores = np.array([[0.99, 0.99, 0.99, 0.99], [0.01, 0.01, 0.01, 0.01]])
    >>> round(fit_temperature([(scores, np.array([0, 0, 0, 1]))]), 2)
    24.72
    """
    from scipy.optimize import brentq

    parts = _labelled(parts)
    right = np.concatenate([scores.argmax(axis=0) == true for scores, true in parts])

    def excess(log_temperature: float) -> float:
        temperature = float(np.exp(log_temperature))
        said = [tempered(scores, temperature).max(axis=0) for scores, _ in parts]
        return float(np.concatenate(said).mean() - right.mean())

    # The higher the temperature, the lower all probabilities.
    if excess(np.log(_LEAST)) <= 0:
        return _LEAST
    if excess(np.log(_MOST)) >= 0:
        return _MOST
    return float(np.exp(brentq(excess, np.log(_LEAST), np.log(_MOST))))


def cross_fitted(folds: Sequence[Sequence[Part]]) -> list[Part]:
    """Return the parts of all folds, two or more, calibrated by the other folds."""
    found = []
    for i, fold in enumerate(folds):
        others = [part for other in (*folds[:i], *folds[i + 1 :]) for part in other]
        temperature = fit_temperature(others)
        found += [(tempered(scores, temperature), labels) for scores, labels in fold]
    return found


def _labelled(parts: Sequence[Part]) -> list[Part]:
    kept = [(scores, labels, labels != IGNORED) for scores, labels in parts]
    if not any(frames.any() for *_, frames in kept):
        raise UserError('There is no labelled frame; at least one is needed.')
    return [(s[:, frames].astype(np.float64), y[frames]) for s, y, frames in kept]
