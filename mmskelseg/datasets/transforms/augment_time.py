"""Augmentations in time: the speed of a training video, and the order of its segments.

They belong in the pipeline of the training data. Random numbers depend only on seed,
epoch and video.
"""

from __future__ import annotations

from logging import WARNING
from typing import Literal, TypeAlias, cast

import numpy as np

from mmskelseg.datasets.items import Item, ItemSource
from mmskelseg.datasets.transforms.augment import Augmentation
from mmskelseg.datasets.transforms.augment_skeletons import Sigma, smooth_noise
from mmskelseg.datasets.transforms.joining import (
    joined,
    middle,
    moved,
    part_of,
)
from mmskelseg.registry import TRANSFORMS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.messages.options import Count, Fraction, Interval, Positive
from mmskelseg_io.structures.annotations import (
    PLACE_KEYS,
    SKELETON_KEYS,
    PlaceKey,
)
from mmskelseg_io.structures.bodies import body_size, joints_seen
from mmskelseg_io.structures.clips import kind_of
from mmskelseg_io.structures.individuals import placed
from mmskelseg_io.structures.segments import direct_boundaries
from mmskelseg_io.structures.tiers import joint_label, labelled_frames
from mmskelseg_runtime.segmenting.frame_rates import interpolated, nearest_frames

# The index of a video, a boundary in it, and the end of the labels after that.
_Place: TypeAlias = tuple[int, int, int]


@TRANSFORMS.register_module()
class RandomSpeed(Augmentation):
    """Plays a video faster or slower by dropping or repeating frames.

    Of T frames, T / factor remain, rounded, but at least one. Each is the frame shown
    at the middle of the new frame, so features and labels of all modalities stay
    aligned. It belongs in the pipeline of the training data, after
    :class:`LoadFrameFeatures`.

    The factor depends only on seed, epoch and video; 2 is twice as fast.

    Reads: frame_dir; total_frames; features, an array (C, T, ...) for each modality;
    label (T,), risk (T,), votes (K, T) and epoch, if present. Writes: features, label,
    risk, votes and total_frames.

    Args:
        factor: The lowest and the highest factor; the distribution is uniform.
        seed: Different seeds give different factors.

    Raises:
        ValueError: If there are no features yet.

    Note:
        Displacements between frames in the features remain those of the original speed.
    """

    def __init__(self, factor: Interval = (0.8, 1.25), seed: int = 0) -> None:
        super().__init__(seed)
        self.factor = (float(factor[0]), float(factor[1]))

    def transform(self, results: Item) -> Item:
        """Write features and labels at another speed.

        Raises:
            UserError: If there are no features yet.
        """
        if 'features' not in results:
            raise UserError(
                f'video {results["frame_dir"]} has no features yet; put RandomSpeed '
                'into the pipeline after LoadFrameFeatures.'
            )
        factor = self.draw(results, *self.factor)
        frames = _frames_at(factor, results['total_frames'])
        # A new dict, since the data set may keep the original one.
        results['features'] = {
            modality: np.take(features, frames, axis=1)
            for modality, features in results['features'].items()
        }
        return self.keep(results, frames)


def _frames_at(factor: float, num_frames: int) -> np.ndarray:
    """Return the indices of the frames to show at a speed, shape (T / factor,).

    >>> _frames_at(2, 6).tolist(), _frames_at(0.5, 3).tolist()
    ([1, 3, 5], [0, 0, 1, 1, 2, 2])
    """
    count = max(1, round(num_frames / factor))
    # The old frame at the middle of each new frame: (j + 1/2) T / count, rounded down.
    return (2 * np.arange(count) + 1) * num_frames // (2 * count)


@TRANSFORMS.register_module()
class RandomTimeWarp(Augmentation):
    """Plays a video at a speed that varies smoothly over time.

    The logarithm of the speed is the sum of one random number for the video and a
    random smooth curve, both with the same standard deviation. Joints are interpolated,
    so that their displacements change with the speed; labels, risk and features from
    files are those of the nearest frame.

    Reads: frame_dir; total_frames; fps; label (T,), risk (T,), votes (K, T) and the
    arrays of skeletons, if present. Writes: the same for another number of frames T.

    Args:
        sigma: Standard deviation of the logarithm of the speed: with 0.25, two thirds
            of the frames play at 0.78 to 1.28 times their speed.
        period: Seconds between the knots of the curve.
        seed: Different seeds give different speeds.

    Raises:
        ValueError: If features are loaded already.
    """

    def __init__(
        self, sigma: Sigma = 0.25, *, period: Positive = 2.0, seed: int = 0
    ) -> None:
        super().__init__(seed)
        self.sigma = float(sigma)
        self.period = float(period)

    def transform(self, results: Item) -> Item:
        """Write frames at another speed."""
        self.check_place(results)
        rng = self.generator(results)
        frames = results['total_frames']
        curve = smooth_noise(rng, frames, self.period * results['fps'])
        # The factor makes the variances of both parts add up to 1.
        swing = (curve + rng.standard_normal()) * np.sqrt(0.5)
        # The time at each old frame, in new frames.
        passed = np.cumsum(np.exp(-self.sigma * swing))
        passed -= passed[0]
        count = max(round(passed[-1]), 1) + 1 if frames > 1 else 1
        places = np.interp(np.linspace(0, passed[-1], count), passed, np.arange(frames))
        between = interpolated(results, places)
        results = self.keep(results, nearest_frames(places))
        return cast(Item, {**results, **between})


@TRANSFORMS.register_module()
class RecombineSegments(Augmentation):
    """Continues a video with another training video at a segment boundary.

    A boundary is where two labelled segments meet. Everything after it is replaced by
    what follows a boundary of another video, as far as that is labelled, with skeletons
    moved to the position and scaled to the size of those before. The size is the root
    mean square distance of all joints from the mean of their frame, over all frames.
    Objects and places follow them, and are gone after the frames of their own video.
    The ``individual`` of both videos, if they have one, continues in itself. This
    creates orders of actions that nobody performed, and keeps a model from memorising
    whole videos. Crops grow no longer than the data set's ``crop_frames``. Videos are
    only joined if they have the same frame rate, number of people and kinds of
    skeletons, and both or neither have objects, and places.

    Reads: frame_dir; fps; dataset, the :class:`ActionSegDataset` of the video; label
    (T,), risk (T,), votes (K, T) and the arrays of skeletons. Writes: label, risk,
    votes, skeletons and total_frames for the frames of both parts.

    Args:
        p: Probability of a splice; after each one, another follows with the same
            probability, up to ``times``.
        transitions: ``observed`` only joins boundaries between the same two classes, so
            that every transition occurs in the data; ``any`` joins any two boundaries,
            for data in which all orders are possible.
        times: The maximum number of splices in a video.
        seed: Different seeds give different splices.

    Raises:
        ValueError: If the model reads features from files, which cannot be spliced.
    """

    def __init__(
        self,
        p: Fraction = 0.5,
        *,
        transitions: Literal['observed', 'any'] = 'observed',
        times: Count = 3,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.p = float(p)
        self.transitions = transitions
        self.times = int(times)
        self._places: dict[tuple[int, int], list[_Place]] | None = None
        self._sizes: dict[tuple[str, str], float] = {}

    def transform(self, results: Item) -> Item:
        """Write another order of segments."""
        self.check_online(results)
        rng = self.generator(results)
        for _ in range(self.times):
            if rng.random() >= self.p:
                break
            results = self._spliced(results, rng)
        return results

    def _spliced(self, results: Item, rng: np.random.Generator) -> Item:
        """Return a video that continues with another one from a random boundary."""
        label = joint_label(results['label'])
        cuts = direct_boundaries(label)
        places = self._boundaries(results['dataset'])
        if not cuts.size:
            return results
        cut = int(rng.choice(cuts))
        # Earlier augmentations may have made pairs that the data lack.
        chosen = places.get((int(label[cut - 1]), int(label[cut])), [])
        if self.transitions == 'any':
            chosen = [place for pairs in places.values() for place in pairs]
        if not chosen:
            return results
        index, begin, end = chosen[rng.integers(len(chosen))]
        other = results['dataset'].video(index)
        if not _fit_together(results, other):
            return results
        if 'individual' in results:
            other = cast(Item, placed(other, results['individual']))
        longest = results['crop_frames']
        if longest is not None:
            end = min(end, begin + longest - cut)
        after = self._moved(other, slice(begin, end), results, cut)
        return joined(results, [part_of(results, slice(cut)), after])

    def _moved(self, video: Item, frames: slice, results: Item, cut: int) -> Item:
        """Return frames of a video, moved and scaled to what is before a cut."""
        moves: dict[PlaceKey, tuple[np.ndarray, np.float32, np.ndarray]] = {}
        for key in PLACE_KEYS:
            if key in results:
                size = self._size_of(video, key)
                scale = _size(results, key) / size if size > 0 else 1
                begin = middle(video, key, frames.start)
                end = middle(results, key, cut - 1)
                moves[key] = begin, np.float32(scale or 1), end
        return moved(part_of(video, frames), moves)

    def _size_of(self, video: Item, key: PlaceKey) -> float:
        """Return the size in a whole video, computed once."""
        place = (video['frame_dir'], key)
        if place not in self._sizes:
            self._sizes[place] = _size(video, key)
        return self._sizes[place]

    def _boundaries(self, dataset: ItemSource) -> dict[tuple[int, int], list[_Place]]:
        """Return the boundaries between each pair of classes.

        Each is the index of a video, the first frame of the second class, and the end
        of what is labelled from there on. They are found only once, since this reads
        all videos.
        """
        if self._places is None:
            self._places = {}
            for index, video in dataset.videos():
                label = joint_label(video['label'])
                cuts = direct_boundaries(label)
                gaps = np.flatnonzero(~labelled_frames(video['label']))
                ends = np.append(gaps, len(label))[np.searchsorted(gaps, cuts)]
                for cut, end in zip(cuts.tolist(), ends.tolist(), strict=True):
                    pair = (int(label[cut - 1]), int(label[cut]))
                    self._places.setdefault(pair, []).append((index, cut, end))
            if not self._places:
                print_log(
                    'RecombineSegments: no training video has two adjacent labelled '
                    'segments, so videos stay as they are.',
                    WARNING,
                )
        return self._places


def _fit_together(video: Item, other: Item) -> bool:
    """Return whether videos are of a kind, and of equal numbers of people."""
    return kind_of(video) == kind_of(other) and all(
        len(video[key]) == len(other[key]) for key in SKELETON_KEYS if key in video
    )


def _size(video: Item, key: PlaceKey) -> float:
    """Return the size of the people in a video, 0 if no joint is seen."""
    points = np.asarray(video[key], np.float32)
    return body_size(points, joints_seen(video, key))
