"""Calibration: whether probabilities are as large as the share of correct frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.segments import IGNORED

_BINS = 15
# Temperatures that are searched.
_LEAST, _MOST = 0.05, 20.0
# A probability that float32 rounds to 0 still has a logarithm.
_TINY = 1e-12


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


def reliability(scores: np.ndarray, labels: np.ndarray) -> Reliability:
    """Return how probabilities agree with accuracy.

    Args:
        scores: Probabilities, shape (K, T).
        labels: True classes, shape (T,); frames of -1 do not count.

    >>> scores = np.array([[0.75, 0.75, 0.75, 0.75], [0.25, 0.25, 0.25, 0.25]])
    >>> reliability(scores, np.array([0, 0, 1, 1])).error
    0.25
    """
    scores, labels = _labelled(scores, labels)
    confidence = scores.max(axis=0)
    right = scores.argmax(axis=0) == labels
    # The last bin contains 1.
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    frames, sums, hits = (
        np.bincount(bins, weights, _BINS) for weights in (None, confidence, right)
    )
    least = np.maximum(frames, 1)
    return Reliability(frames, sums / least, hits / least)


def tempered(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (K, T) with logits divided by a temperature."""
    logits = np.log(np.maximum(scores, _TINY)) / temperature
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature with which the labels are likeliest, 0.05 to 20.

    Args:
        scores: Probabilities, shape (K, T), of videos that were not trained on.
        labels: True classes, shape (T,); frames of -1 do not count.

    >>> scores = np.array([[0.99, 0.99, 0.99, 0.99], [0.01, 0.01, 0.01, 0.01]])
    >>> round(fit_temperature(scores, np.array([0, 0, 0, 1])), 2)
    4.18
    """
    from scipy.optimize import minimize_scalar

    scores, labels = _labelled(scores, labels)
    logits = np.log(np.maximum(scores, _TINY))
    frames = np.arange(labels.size)

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled -= scaled.max(axis=0)
        own = scaled[labels, frames] - np.log(np.exp(scaled).sum(axis=0))
        return -float(own.mean())

    limits = np.log(_LEAST), np.log(_MOST)
    return float(np.exp(minimize_scalar(loss, bounds=limits, method='bounded').x))


def cross_fitted(
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and labels of all folds, calibrated by the other folds.

    Args:
        folds: Probabilities (K, T) and labels (T,) of each fold, two or more.
    """
    scores = []
    for i, (own, _) in enumerate(folds):
        others = [fold for j, fold in enumerate(folds) if j != i]
        temperature = fit_temperature(
            np.concatenate([s for s, _ in others], axis=1),
            np.concatenate([labels for _, labels in others]),
        )
        scores.append(tempered(own, temperature))
    labels = np.concatenate([labels for _, labels in folds])
    return np.concatenate(scores, axis=1), labels


def _labelled(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = labels != IGNORED
    if not kept.any():
        raise UserError('There is no labelled frame; at least one is needed.')
    return scores[:, kept].astype(np.float64), labels[kept]
