"""Predictions within seconds, by a linear model, while a better one is trained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal, cast

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.options import argument
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.predictions import InputVideo, Prediction
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import Tier, label_rows, tier_sizes, tiers_of
from mmskelseg_runtime.decoding import decode
from mmskelseg_runtime.features import SkeletonCoordinates
from mmskelseg_runtime.segmenting.predictions import drop_absent, to_prediction
from mmskelseg_studio.predicting import timed, with_doubts
from mmskelseg_studio.results import Predictions

# Means over these windows around a frame describe it, in seconds.
_EDGES = (-2.0, -1.0, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 1.0, 2.0)
# As many frames are learnt from, spread evenly over all that are labelled.
_MOST_FRAMES = 8000
# The penalty on weights, of features with standard deviation 1, and steps of training.
_PENALTY, _STEPS = 0.01, 40
# Shorter segments, in seconds, become part of a neighbour.
_SHORTEST = 0.3
# Seconds after which no other recording is predicted, frames predicted at a time.
_LONGEST, _AT_ONCE = 12.0, 4096


@dataclass(frozen=True, kw_only=True)
class Preview(Job[Predictions]):
    """Trains a linear model in seconds, and returns its predictions.

    Recordings for which there is no time are left out.
    """

    ann_file: Path = argument('the recordings, with the labels that there are')

    def run(self, events: Events) -> Predictions:
        """Learn from what is labelled, and predict all recordings."""
        began = monotonic()
        events.progress('Making a preview', 0, None)
        data = load_annotations(self.ann_file)
        meta, videos = data['metainfo'], data['annotations']
        models = train(videos, meta)
        frames = [int(video['total_frames']) for video in videos]
        found = predict(models, videos, meta, began + _LONGEST)
        return with_doubts(meta, timed(found, frames, events))


@dataclass(frozen=True)
class LinearModel:
    """A linear classifier: means and deviations of features (F,), weights (F + 1, K).

    The last row is the bias.
    """

    mean: np.ndarray
    deviation: np.ndarray
    weights: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return values (n, K) of features (n, F)."""
        scaled = (features - self.mean) / self.deviation
        return scaled @ self.weights[:-1] + self.weights[-1]


class _Windows:
    """Means of a recording's coordinates, speeds and lengths over windows."""

    def __init__(self, video: VideoAnnotation, meta: Metainfo) -> None:
        dims: Literal[2, 3] = 2 if 'keypoint' in video else 3
        skeleton = Skeleton.get(meta['skeleton'])
        render = SkeletonCoordinates(skeleton, dims)
        moved, place = np.split(render.coordinates(alone(video)), 2, axis=1)
        a, b = np.array(skeleton.limbs, np.int64).reshape(-1, 2).T
        # Lengths are the same in whatever direction a body is turned.
        lengths = [
            np.linalg.norm(values, axis=1)
            for values in (moved, place, place[..., a] - place[..., b])
        ]
        values = [moved, place, *lengths]
        flat = np.concatenate([v.reshape(len(v), -1) for v in values], axis=1)
        self._sums = np.zeros((len(flat) + 1, flat.shape[1]))
        np.cumsum(flat, axis=0, out=self._sums[1:])
        self._edges = np.round(np.multiply(_EDGES, video['fps'])).astype(np.int64)

    def of(self, frames: np.ndarray) -> np.ndarray:
        """Return the features of frames (n,), float32 (n, F)."""
        last = len(self._sums) - 1
        edges = frames[:, None] + self._edges
        # A window has at least one frame, also beyond the ends.
        starts = edges[:, :-1].clip(0, last - 1)
        ends = np.maximum(edges[:, 1:].clip(0, last), starts + 1)
        sums = self._sums[ends] - self._sums[starts]
        means = sums / (ends - starts)[..., None]
        return means.reshape(len(frames), -1).astype(np.float32)


def train(
    videos: Sequence[VideoAnnotation], meta: Metainfo
) -> Mapping[str, LinearModel]:
    """Return a model for each tier that has labels, by its name."""
    tiers, rows = tiers_of(meta), [label_rows(v['label']) for v in videos]
    labelled = [np.flatnonzero((row != IGNORED).any(axis=0)) for row in rows]
    step = -(-sum(map(len, labelled)) // _MOST_FRAMES)
    features, labels = [], []
    for video, row, frames in zip(videos, rows, labelled, strict=True):
        if chosen := [*frames[::step]]:
            features.append(_Windows(video, meta).of(np.array(chosen)))
            labels.append(row[:, chosen])
    values, classes = np.concatenate(features), np.concatenate(labels, axis=1)
    return {
        tier.name: _fitted(values[row != IGNORED], row[row != IGNORED], tier)
        for tier, row in zip(tiers, classes, strict=True)
        if (row != IGNORED).any()
    }


def _fitted(features: np.ndarray, label: np.ndarray, tier: Tier) -> LinearModel:
    """Return a multinomial logistic regression with a penalty on squared weights."""
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    values, count = (features - mean) / deviation, len(tier.classes)
    given = np.eye(count, dtype=np.float32)[label]
    shape = (values.shape[1] + 1, count)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape).astype(np.float32)
        logits = log_softmax(values @ weights[:-1] + weights[-1], axis=1)
        error = (np.exp(logits) - given) / len(values)
        slope = np.vstack([values.T @ error, error.sum(axis=0)])
        slope[:-1] += _PENALTY * weights[:-1]
        total = -(logits * given).sum() / len(values)
        penalty = _PENALTY / 2 * np.square(weights[:-1]).sum()
        return float(total + penalty), slope.ravel().astype(np.float64)

    start, options = np.zeros(shape).ravel(), {'maxiter': _STEPS}
    best = minimize(loss, start, jac=True, method='L-BFGS-B', options=options).x
    return LinearModel(mean, deviation, best.reshape(shape).astype(np.float32))


def predict(
    models: Mapping[str, LinearModel],
    videos: Sequence[VideoAnnotation],
    meta: Metainfo,
    until: float,
) -> Iterator[Prediction]:
    """Yield predictions of recordings, until a time of `time.monotonic`."""
    for video in videos:
        if monotonic() > until:
            return
        score = _scores(models, video, meta)
        shortest = max(1, round(_SHORTEST * video['fps']))
        steps = [{'type': 'MinDuration', 'frames': shortest}]
        tiers = tiers_of(meta)
        fields = decode({'pred_score': score}, tier_sizes(meta), [steps] * len(tiers))
        own = cast(InputVideo, video)
        label = drop_absent(own, fields['pred_label'])
        for tier, row in zip(tiers, label_rows(label), strict=True):
            if tier.name not in models:
                row[:] = IGNORED
        entropy = -(score * np.log(np.maximum(score, 1e-12))).sum(axis=0)
        found = {'pred_label': label, 'pred_score': score, 'pred_entropy': entropy}
        yield to_prediction(own, found, meta)


def _scores(
    models: Mapping[str, LinearModel], video: VideoAnnotation, meta: Metainfo
) -> np.ndarray:
    """Return probabilities (K, T), which are equal in tiers without a model."""
    windows, frames = _Windows(video, meta), np.arange(video['total_frames'])
    blocks = []
    for start in range(0, len(frames), _AT_ONCE):
        features = windows.of(frames[start : start + _AT_ONCE])
        logits = [
            models[tier.name].logits(features)
            if tier.name in models
            else np.zeros((len(features), len(tier.classes)))
            for tier in tiers_of(meta)
        ]
        blocks.append(np.concatenate([softmax(z, axis=1) for z in logits], axis=1))
    return np.concatenate(blocks).T
