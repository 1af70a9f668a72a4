"""Augmentations of a training video's time: its speed, and the order of its segments.

They belong into the pipeline of the training data. What is drawn depends on seed, epoch
and video alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np

from mmskelseg.datasets.transforms.augment import (
    A_PROBABILITY,
    SKELETON_KEYS,
    Augmentation,
    FactorAugmentation,
    require,
)
from mmskelseg.datasets.transforms.augment_skeletons import (
    PLACE_KEYS,
    joints_seen,
    smooth_noise,
)
from mmskelseg.registry import TRANSFORMS
from mmskelseg.utils.errors import UserError


@TRANSFORMS.register_module()
class RandomSpeed(FactorAugmentation):
    """Plays a video faster or slower: leaves out frames, or repeats some.

    Of T frames, T / factor remain, rounded, one at least. Each is the frame that is
    shown at its middle, so that features and labels of all modalities stay together. It
    belongs into the pipeline of the training data, after :class:`LoadFrameFeatures`.

    What is drawn depends on seed, epoch and video alone; a factor of 2 is twice as
    fast. Options are those of :class:`FactorAugmentation`.

    Reads: frame_dir; total_frames; features, an array (C, T, ...) for each modality;
    label (T,), risk (T,) and epoch, where they are there. Writes: features, label, risk
    and total_frames.

    Raises:
        ValueError: If there are no features yet.

    Note:
        Displacements from frame to frame, where features hold such, stay those of the
        original speed.
    """

    def transform(self, results: dict) -> dict:
        """Write features and labels at another speed."""
        if 'features' not in results:
            raise UserError(
                f'video {results["frame_dir"]} has no features yet; put RandomSpeed '
                'into the pipeline after LoadFrameFeatures.'
            )
        factor = self.draw(results, *self.factor)
        frames = _frames_at(factor, results['total_frames'])
        # A new dict, since the data set may keep the one that it gave.
        results['features'] = {
            modality: np.take(features, frames, axis=1)
            for modality, features in results['features'].items()
        }
        return self.keep(results, frames)


def _frames_at(factor: float, num_frames: int) -> np.ndarray:
    """Return the frames that are shown at a speed, shape (T / factor,).

    >>> _frames_at(2, 6).tolist(), _frames_at(0.5, 3).tolist()
    ([1, 3, 5], [0, 0, 1, 1, 2, 2])
    """
    count = max(1, round(num_frames / factor))
    # The middle of each new frame, in whole steps of the old ones: (j + 1/2) T / count.
    return (2 * np.arange(count) + 1) * num_frames // (2 * count)


@TRANSFORMS.register_module()
class RandomTimeWarp(Augmentation):
    """Plays a video faster here and slower there, by a speed that changes smoothly.

    The logarithm of the speed is the sum of one number for the video and a curve that
    swings around it, both of the same spread. Joints are interpolated, so that their
    displacements change with the speed; labels, risk and features from files are those
    of the nearest frame.

    Reads: frame_dir; total_frames; fps; label (T,), risk (T,) and the arrays of
    skeletons, where they are there. Writes: the same for other T frames.

    Args:
        sigma: Standard deviation of the logarithm of the speed: with 0.25, two thirds
            of the frames play at 0.78 to 1.28 times their speed.
        period: Seconds between the knots of the curve.
        seed: Other seeds give other draws.

    Raises:
        ValueError: If sigma is below 0, the period is not above 0, or features are
            there already.
    """

    def __init__(
        self, sigma: float = 0.25, *, period: float = 2.0, seed: int = 0
    ) -> None:
        super().__init__(seed)
        require(0 <= sigma <= 2, 'RandomTimeWarp', 'sigma', sigma, 'from 0 to 2')
        require(0 < period < inf, 'RandomTimeWarp', 'period', period, 'seconds above 0')
        self.sigma = float(sigma)
        self.period = float(period)

    def transform(self, results: dict) -> dict:
        """Write frames at another speed."""
        self.check_place(results)
        rng = self.generator(results)
        frames = results['total_frames']
        curve = smooth_noise(rng, frames, self.period * results['fps'])
        # The variances of both parts add up to that of sigma.
        swing = (curve + rng.standard_normal()) * np.sqrt(0.5)
        # The time that has passed at each old frame, in new ones.
        passed = np.cumsum(np.exp(-self.sigma * swing))
        passed -= passed[0]
        count = max(round(passed[-1]), 1) + 1 if frames > 1 else 1
        places = np.interp(np.linspace(0, passed[-1], count), passed, np.arange(frames))
        between = _interpolated(results, places)
        results = self.keep(results, np.rint(places).astype(np.int64))
        return {**results, **between}


@TRANSFORMS.register_module()
class RecombineSegments(Augmentation):
    """Goes on with another training video where a segment ends.

    Of a video, what follows a boundary is replaced by what follows a boundary of
    another one, with the skeleton moved to where the first one stood. So orders of
    actions appear that nobody performed, and a model cannot learn whole videos by
    heart.

    Reads: frame_dir; dataset, the :class:`ActionSegDataset` that the video is of; label
    (T,), risk (T,) and the arrays of skeletons. Writes: all but the first two, for the
    frames of both parts.

    Args:
        p: Probability of a change; after one, the next is drawn, up to ``times``.
        transitions: ``observed`` changes only between boundaries of the same two
            classes, so that each still follows one that it followed in the data;
            ``any`` changes between any two, for data in which all orders are possible.
        times: The most changes in a video.
        seed: Other seeds give other draws.

    Raises:
        ValueError: If p is no probability, if ``transitions`` is neither, or if the
            model reads features from files, which cannot follow.
    """

    def __init__(
        self,
        p: float = 0.5,
        *,
        transitions: str = 'observed',
        times: int = 3,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        require(0 <= p <= 1, 'RecombineSegments', 'p', p, A_PROBABILITY)
        fits = transitions in ('observed', 'any')
        wanted = "'observed' or 'any'"
        require(fits, 'RecombineSegments', 'transitions', transitions, wanted)
        require(times >= 1, 'RecombineSegments', 'times', times, 'at least 1')
        self.p = float(p)
        self.transitions = transitions
        self.times = int(times)
        self._places: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def transform(self, results: dict) -> dict:
        """Write another order of segments."""
        if results['feature_files']:
            raise UserError(
                f'RecombineSegments: features of {", ".join(results["feature_files"])} '
                'lie in files, which cannot follow; set online=True for them in '
                'dataset.features, or leave RecombineSegments out.'
            )
        rng = self.generator(results)
        for _ in range(self.times):
            if rng.random() >= self.p:
                break
            results = self._spliced(results, rng)
        return results

    def _spliced(self, results: dict, rng: np.random.Generator) -> dict:
        """Return a video that goes on as another one from some boundary."""
        label = results['label']
        cuts = np.flatnonzero(np.diff(label)) + 1
        if not cuts.size:
            return results
        cut = int(rng.choice(cuts))
        pair = (int(label[cut - 1]), int(label[cut]))
        places = self._boundaries(results['dataset'])
        if self.transitions == 'observed':
            # Those of the data: augmentations before may have made others.
            chosen = places.get(pair, [])
        else:
            chosen = [place for pairs in places.values() for place in pairs]
        if not chosen:
            return results
        index, begin = chosen[rng.integers(len(chosen))]
        other = results['dataset'].get_data_info(index)
        if not _same_people(results, other):
            return results
        joined = dict(results)
        for key in ('label', 'risk'):
            if key in results:
                joined[key] = np.concatenate([results[key][:cut], other[key][begin:]])
        for key in SKELETON_KEYS:
            if key in results:
                after = np.asarray(other[key])[:, begin:]
                if key in PLACE_KEYS:
                    after = after.astype(np.float32)
                    seen = joints_seen(other, key)[:, begin:]
                    after[seen] += _middle(results, key, cut - 1) - _middle(
                        other, key, begin
                    )
                joined[key] = np.concatenate([results[key][:, :cut], after], axis=1)
        joined['total_frames'] = len(joined['label'])
        # Frames of two videos are not those of one, and no file is to be read by them.
        joined.pop('source_frames', None)
        return joined

    def _boundaries(self, dataset: Any) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """Return where each pair of classes meets: (video, first frame of the second).

        Found once, since it reads all videos.
        """
        if not self._places:
            for index in range(len(dataset)):
                label = dataset.get_data_info(index)['label']
                for cut in np.flatnonzero(np.diff(label)) + 1:
                    pair = (int(label[cut - 1]), int(label[cut]))
                    self._places.setdefault(pair, []).append((index, int(cut)))
        return self._places


def _same_people(video: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether videos have the same arrays of skeletons, of as many people."""
    kept = [[key for key in SKELETON_KEYS if key in v] for v in (video, other)]
    return kept[0] == kept[1] and all(
        len(video[key]) == len(other[key]) for key in kept[0]
    )


def _middle(video: Mapping[str, Any], key: str, frame: int) -> np.ndarray:
    """Return the mean (D,) of the joints of a frame that are seen, 0 if none is."""
    points = np.asarray(video[key])[:, frame]
    seen = joints_seen(video, key)[:, frame]
    mean = points[seen].mean(axis=0) if seen.any() else np.zeros(points.shape[-1])
    return mean.astype(np.float32)


def _interpolated(
    results: Mapping[str, Any], places: np.ndarray
) -> dict[str, np.ndarray]:
    """Return joints at places between frames, where both frames show them.

    Elsewhere they are those of the nearest frame.
    """
    last = results['total_frames'] - 1
    before = np.minimum(places.astype(np.int64), max(last - 1, 0))
    after = np.minimum(before + 1, last)
    nearest = np.rint(places).astype(np.int64)
    part = (places - before).astype(np.float32)[:, None, None]
    made = {}
    for key in PLACE_KEYS:
        if key in results:
            points = np.asarray(results[key], np.float32)
            seen = joints_seen(results, key)
            both = (seen[:, before] & seen[:, after])[..., None]
            between = points[:, before] * (1 - part) + points[:, after] * part
            made[key] = np.where(both, between, points[:, nearest])
    return made
