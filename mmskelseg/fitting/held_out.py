"""Predictions of videos that a model was not trained on, and how sure they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.engine.run_folder import RunFolder
from mmskelseg.evaluation.functional.calibration import (
    Reliability,
    cross_fitted,
    fit_temperature,
    reliability,
)
from mmskelseg.evaluation.predictions import load_samples


@dataclass(frozen=True)
class Prediction:
    """Labels and probabilities of a video: true (T,), label (T,), score (K, T)."""

    true: np.ndarray
    label: np.ndarray
    score: np.ndarray


@dataclass(frozen=True)
class HeldOut:
    """The predictions of each fold, by video, from the model of the other folds."""

    folds: Sequence[Mapping[str, Prediction]]

    @classmethod
    def of(cls, runs: Sequence[RunFolder]) -> 'HeldOut':
        """Read the predictions of finished runs."""
        return cls([predictions_of(run.predictions) for run in runs])

    @property
    def videos(self) -> dict[str, Prediction]:
        """All videos."""
        return {name: video for fold in self.folds for name, video in fold.items()}

    @cached_property
    def temperature(self) -> float:
        """The temperature that fits all folds."""
        return fit_temperature(*_joined(list(self.videos.values())))

    @property
    def before(self) -> Reliability:
        """The reliability of the probabilities as they are."""
        return reliability(*_joined(list(self.videos.values())))

    @property
    def after(self) -> Reliability:
        """The same, with the temperature of the other folds in each."""
        folds = [_joined(list(fold.values())) for fold in self.folds]
        return reliability(*cross_fitted(folds))


def predictions_of(file: Path) -> dict[str, Prediction]:
    """Return the predictions of a test, by video, of those that have a label."""
    found = {name: _prediction(sample) for name, sample in load_samples(file).items()}
    return {name: one for name, one in found.items() if (one.true >= 0).any()}


def _prediction(sample: Mapping[str, Any]) -> Prediction:
    names = ('gt_label', 'pred_label', 'pred_score')
    return Prediction(*(np.asarray(sample[name]) for name in names))


def _joined(videos: Sequence[Prediction]) -> tuple[np.ndarray, np.ndarray]:
    scores = np.concatenate([video.score for video in videos], axis=1)
    return scores, np.concatenate([video.true for video in videos])
