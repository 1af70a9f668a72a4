"""Predictions of videos that a model was not trained on, and how sure they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mmskelseg.evaluation.predictions import load_samples
from mmskelseg_behaviour.functional.calibration import (
    Reliability,
    Scored,
    cross_fitted,
    fit_temperature,
    reliability,
)
from mmskelseg_behaviour.functional.videos import Video, videos_of_tiers


@dataclass(frozen=True)
class HeldOut:
    """The predictions of each fold, by video, from the model of the other folds.

    With G tiers, labels are (G, T).
    """

    folds: Sequence[Mapping[str, Video]]
    metainfo: Mapping

    @property
    def videos(self) -> dict[str, Video]:
        """All videos."""
        return {name: video for fold in self.folds for name, video in fold.items()}

    @cached_property
    def temperature(self) -> float:
        """The temperature that fits all folds."""
        return fit_temperature(parts_of(self.videos, self.metainfo))

    @property
    def after(self) -> Reliability:
        """The reliability with the temperature of the other folds in each."""
        folds = [parts_of(fold, self.metainfo) for fold in self.folds]
        return reliability(cross_fitted(folds))


def predictions_of(file: Path) -> dict[str, Video]:
    """Return the predictions of a test, by video, of those that have a label."""
    keys = ('pred_label', 'gt_label', 'pred_score')
    found = {
        name: Video(*(np.asarray(sample[key]) for key in keys))
        for name, sample in load_samples(file).items()
    }
    return {name: one for name, one in found.items() if (one.gt >= 0).any()}


def parts_of(videos: Mapping[str, Video], metainfo: Mapping) -> list[Scored]:
    """Return the probabilities and true classes of all tiers of some videos."""
    return [
        Scored(video.scores, video.gt, name)
        for _, own in videos_of_tiers(videos, metainfo)
        for name, video in own.items()
    ]
