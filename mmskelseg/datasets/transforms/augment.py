"""What makes a training video vary: its light, its contrast, its speed.

:mod:`mmskelseg.datasets.transforms.skeleton_augment` has the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmskelseg.registry import TRANSFORMS
from mmskelseg.utils.errors import UserError


class Augmentation(BaseTransform):
    """A transform whose draws depend on its type, its seed and the video alone.

    So they are the same on every machine, in every worker and after resuming, and the
    same for two modalities of a video.

    Args:
        seed: Other seeds give other draws.
    """

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)

    def draw(
        self, results: Mapping[str, Any], low: float, high: float, part: str = ''
    ) -> float:
        """Return a number from low to high, each as likely.

        It is made of 53 bits, as many as a float keeps, of SHA-256. Unlike NumPy's
        generators, that is the same everywhere.

        Args:
            results: The video's ``frame_dir``.
            low: The lowest number.
            high: The highest number.
            part: What to tell several draws for a video apart by.
        """
        key = f'{type(self).__name__}{part}:{self.seed}:{results["frame_dir"]}'
        bits = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], 'little')
        return low + (high - low) * ((bits >> 11) * 2.0**-53)

    def settings(self) -> dict[str, Any]:
        """Return all that decides what is drawn, as plain values."""
        return {'type': type(self).__name__, **vars(self)}

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value!r}' for key, value in vars(self).items())
        return f'{type(self).__name__}({options})'


class FactorAugmentation(Augmentation):
    """An augmentation by one factor for a whole video.

    Args:
        factor: The lowest and the highest factor; each between is as likely.
        seed: Other seeds give other draws.

    Raises:
        ValueError: If the factors are not two numbers above 0, the lower one first.
    """

    def __init__(self, factor: Sequence[float] = (0.8, 1.25), seed: int = 0) -> None:
        super().__init__(seed)
        try:
            low, high = map(float, factor)
        except (TypeError, ValueError):
            low = high = float('nan')
        if not (0 < low <= high and isfinite(high)):
            raise UserError(
                f'{type(self).__name__}: factor is {factor!r}, but must be two numbers '
                'above 0, the lower one first; (1, 1) changes nothing.'
            )
        self.factor = (low, high)


@TRANSFORMS.register_module()
class RandomBrightness(FactorAugmentation):
    """Makes all frames of a video brighter or darker by one factor.

    :class:`ReadVideoFrames` carries it out: values from 0 to 1 are multiplied by it,
    after the contrast, and clipped to 0 and 1.

    Reads: frame_dir. Writes: brightness, the factor.

    Args:
        factor: The lowest and the highest factor; each between is as likely.
        seed: Other seeds give other draws.

    Raises:
        ValueError: If the factors are not two numbers above 0, the lower one first.

    Source: Hyder et al. (ICRA 2024), Sec. III-C, which gives no figures.
    """

    def transform(self, results: dict) -> dict:
        """Write ``brightness``."""
        results['brightness'] = self.draw(results, *self.factor)
        return results


@TRANSFORMS.register_module()
class RandomContrast(FactorAugmentation):
    """Makes the contrast of all frames of a video stronger or weaker by one factor.

    :class:`ReadVideoFrames` carries it out: the distance of values from 0 to 1 from the
    grey in their middle, 0.5, is multiplied by it, before the brightness.

    Reads: frame_dir. Writes: contrast, the factor.

    Args:
        factor: The lowest and the highest factor; each between is as likely.
        seed: Other seeds give other draws.

    Raises:
        ValueError: If the factors are not two numbers above 0, the lower one first.

    Source: Hyder et al. (ICRA 2024), Sec. III-C, which gives no figures.
    """

    def transform(self, results: dict) -> dict:
        """Write ``contrast``."""
        results['contrast'] = self.draw(results, *self.factor)
        return results


@TRANSFORMS.register_module()
class RandomSpeed(FactorAugmentation):
    """Plays a video faster or slower: leaves out frames, or repeats some.

    Of T frames, T / factor remain, rounded, one at least. Each is the frame that is
    shown at its middle, so that features and labels of all modalities stay together. It
    belongs into the pipeline of the training data, after :class:`LoadFrameFeatures`.

    What is drawn depends on seed, epoch and video alone.

    Reads: frame_dir; total_frames; features, an array (C, T, ...) for each modality;
    label (T,) and risk (T,), where they are there; epoch, taken as 0 where the key is
    missing. Writes: features, label, risk and total_frames.

    Args:
        factor: The lowest and the highest factor; each between is as likely. 2 is twice
            as fast.
        seed: Other seeds give other draws.

    Raises:
        ValueError: If the factors are not two numbers above 0, the lower one first, or
            if there are no features yet.

    Note:
        Displacements from frame to frame, where features hold such, stay those of the
        original speed.

    Source: Hyder et al. (ICRA 2024), Sec. III-C, which gives no figures.
    """

    def transform(self, results: dict) -> dict:
        """Write features and labels at another speed."""
        if 'features' not in results:
            raise UserError(
                f'video {results["frame_dir"]} has no features yet; put RandomSpeed '
                'into the pipeline after LoadFrameFeatures.'
            )
        epoch = results.get('epoch', 0)
        factor = self.draw(results, *self.factor, part=f':{epoch}')
        frames = _frames_at(factor, results['total_frames'])
        # A new dict, since the data set may keep the one that it gave.
        results['features'] = {
            modality: np.take(features, frames, axis=1)
            for modality, features in results['features'].items()
        }
        for key in ('label', 'risk'):
            if key in results:
                results[key] = np.asarray(results[key])[frames]
        results['total_frames'] = len(frames)
        return results


def _frames_at(factor: float, num_frames: int) -> np.ndarray:
    """Return which frames are shown at a speed, shape (T / factor,).

    >>> _frames_at(2, 6).tolist(), _frames_at(0.5, 3).tolist()
    ([1, 3, 5], [0, 0, 1, 1, 2, 2])
    """
    count = max(1, round(num_frames / factor))
    # The middle of each new frame, in whole steps of the old ones: (j + 1/2) T / count.
    return (2 * np.arange(count) + 1) * num_frames // (2 * count)
