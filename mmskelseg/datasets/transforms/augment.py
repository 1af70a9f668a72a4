"""Augmentations of a training video: light, mirror images, place and tilt.

Source of all: Hyder et al. (ICRA 2024), Sec. III-C, which gives no figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, ClassVar

import numpy as np
from mmcv.transforms import BaseTransform

from mmskelseg.registry import TRANSFORMS
from mmskelseg.structures import Skeleton
from mmskelseg.structures.segments import IGNORED, segment_table
from mmskelseg.utils.errors import UserError

#: Arrays of a video's skeletons, each (M, T, V, ...).
SKELETON_KEYS = ('keypoint', 'keypoint_score', 'keypoint_3d')
AXES = (0, 1, 2)
AN_AXIS = 'one of the three axes of keypoint_3d, 0, 1 or 2'
A_PROBABILITY = 'a probability from 0 to 1 (50 % is 0.5)'


def require(
    fits: bool, transform: str, option: str, value: object, wanted: str
) -> None:
    """Raise UserError, which says what is wanted, unless an option fits."""
    if not fits:
        raise UserError(f'{transform}: {option} is {value!r}, but must be {wanted}.')


def check_joints(shape: tuple[int, ...], skeleton: Skeleton) -> None:
    """Raise UserError if keypoints of a shape are not (M, T, V, 2) of a skeleton."""
    if len(shape) != 4 or shape[2] != skeleton.num_joints:
        raise UserError(
            f'keypoint has the shape {shape}, but skeleton {skeleton.name!r} needs '
            f'(persons, frames, {skeleton.num_joints}, 2).'
        )


class Transform(BaseTransform):
    """A transform that is shown with its options."""

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value!r}' for key, value in vars(self).items())
        return f'{type(self).__name__}({options})'


class Augmentation(Transform):
    """A transform whose draws depend on its type, its seed, the video and the training.

    So they are the same on every machine, in every worker and after resuming, and the
    same for all modalities of a video. Of a training, epoch and seed count where the
    item tells them, as it does in the pipeline of a data set; among the ``transforms``
    of features that are kept in files they do not.

    Args:
        seed: Other seeds give other draws.
    """

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)

    def draw(
        self, results: Mapping[str, Any], low: float, high: float, part: str = ''
    ) -> float:
        """Return a number from low to high, each as likely.

        It is made of 53 bits, as many as a float keeps, of SHA-256 over ``frame_dir``
        and ``part``, which tells several draws for a video apart. Unlike NumPy's
        generators, that is the same everywhere.
        """
        bits = int.from_bytes(self._digest(results, part)[:8], 'little')
        return low + (high - low) * ((bits >> 11) * 2.0**-53)

    def generator(self, results: Mapping[str, Any]) -> np.random.Generator:
        """Return a generator for draws of many numbers."""
        return np.random.default_rng(int.from_bytes(self._digest(results), 'little'))

    def _digest(self, results: Mapping[str, Any], part: str = '') -> bytes:
        epoch = f':{results["epoch"]}' if 'epoch' in results else ''
        # Nothing for seed 0, so that draws are what they were before there was a seed.
        run = f'/{results["run_seed"]}' if results.get('run_seed') else ''
        kind, name = f'{type(self).__name__}{part}{epoch}{run}', results['frame_dir']
        return hashlib.sha256(f'{kind}:{self.seed}:{name}'.encode()).digest()

    def check_place(self, results: Mapping[str, Any]) -> None:
        """Raise UserError if there are features already, which would not follow."""
        if 'features' in results:
            name = type(self).__name__
            raise UserError(
                f'video {results["frame_dir"]} has its features already; put {name} '
                'into the pipeline before LoadFrameFeatures.'
            )

    def check_skeletons(self, results: Mapping[str, Any], *keys: str) -> None:
        """Raise UserError if a video has none of these arrays of skeletons."""
        if not any(key in results for key in keys):
            raise UserError(
                f'{type(self).__name__}: video {results["frame_dir"]} comes without '
                'skeletons, since all of its features lie in files; set online=True in '
                'dataset.features for those that are to be augmented.'
            )

    @staticmethod
    def keep(results: dict, frames: np.ndarray) -> dict:
        """Keep some frames alone, and note which of the video's frames these are.

        Labelled frames between frames without a label, such as timestamps, are not lost
        between two frames that are kept: the later one gets their label.

        ``source_frames`` (T,) and ``source_length`` say so to
        :class:`LoadFrameFeatures`, which takes stored features of the same frames.
        """
        if 'label' in results:
            results['label'] = _labels_of(np.asarray(results['label']), frames)
        if 'risk' in results:
            results['risk'] = np.asarray(results['risk'])[frames]
        for key in SKELETON_KEYS:
            if key in results:
                results[key] = np.asarray(results[key])[:, frames]
        if 'features' not in results:
            results.setdefault('source_length', results['total_frames'])
            before = results.get('source_frames')
            results['source_frames'] = frames if before is None else before[frames]
        results['total_frames'] = len(frames)
        return results

    def settings(self) -> dict[str, Any]:
        """Return all that decides what is drawn, as plain values."""
        return {'type': type(self).__name__, **vars(self)}


def _labels_of(label: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Return the labels of frames, which rise, with no labelled stretch left out.

    >>> _labels_of(np.array([-1, 3, -1, -1, -1]), np.array([0, 2, 4])).tolist()
    [-1, 3, -1]
    """
    kept = label[frames]
    if (label >= 0).all():
        return kept
    for start, end, k in segment_table(label):
        place = int(np.searchsorted(frames, start))
        if 0 < place < len(frames) and frames[place] >= end and kept[place] == IGNORED:
            kept[place] = k
    return kept


class FactorAugmentation(Augmentation):
    """An augmentation by one factor for a whole video.

    Reads: frame_dir. Writes: the factor, under the transform's ``key``.

    Args:
        factor: The lowest and the highest factor; each between is as likely.
        seed: Other seeds give other draws.

    Raises:
        ValueError: If the factors are not two numbers above 0, the lower one first.
    """

    key: ClassVar[str]

    def __init__(self, factor: Sequence[float] = (0.8, 1.25), seed: int = 0) -> None:
        super().__init__(seed)
        try:
            low, high = map(float, factor)
        except (TypeError, ValueError):
            low = high = float('nan')
        fits = 0 < low <= high and isfinite(high)
        wanted = 'two numbers above 0, the lower one first; (1, 1) changes nothing'
        require(fits, type(self).__name__, 'factor', factor, wanted)
        self.factor = (low, high)

    def transform(self, results: dict) -> dict:
        """Write the factor."""
        results[self.key] = self.draw(results, *self.factor)
        return results


@TRANSFORMS.register_module()
class RandomBrightness(FactorAugmentation):
    """Makes all frames of a video brighter or darker by one factor.

    :class:`ReadVideoFrames` carries it out: values from 0 to 1 are multiplied by it,
    after the contrast, and clipped to 0 and 1.

    Writes: brightness; all else is that of :class:`FactorAugmentation`.
    """

    key = 'brightness'


@TRANSFORMS.register_module()
class RandomContrast(FactorAugmentation):
    """Makes the contrast of all frames of a video stronger or weaker by one factor.

    :class:`ReadVideoFrames` carries it out: the distance of values from 0 to 1 from the
    grey in their middle, 0.5, is multiplied by it, before the brightness.

    Writes: contrast; all else is that of :class:`FactorAugmentation`.
    """

    key = 'contrast'


@TRANSFORMS.register_module()
class RandomHorizontalFlip(Augmentation):
    """Mirrors a whole video, or leaves it as it is.

    Skeletons are mirrored about the middle of the image, and left and right joints
    change names. :class:`ReadVideoFrames` mirrors the frames. Two modalities that name
    this transform with the same p and seed are mirrored together. Classes that tell
    left from right need ``class_pairs``, which change names as the joints do.

    Reads: frame_dir; img_shape (h, w); keypoint (M, T, V, 2), keypoint_score (M, T, V)
    and keypoint_3d (M, T, V, 3), where they are there; flip, taken as False where the
    key is missing; label (T,) and classes, with ``class_pairs``. Writes: the same
    keypoints and labels as new arrays; flip, whether the video is mirrored, now the
    other way round if it was before.

    Args:
        p: Probability that a video is mirrored, 0 to 1.
        seed: Other seeds give other draws.
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`. A data set tells
            it the one of its annotation file.
        lateral: The axis of ``keypoint_3d`` that points sideways, seen from the camera,
            whose sign changes: 1 in UW-IOM and TUM-Kitchen, 0 where x is to the right.
        class_pairs: Names of classes that are each other's mirror image, such as
            ``[('left punch', 'right punch')]``. They need a place in the pipeline of a
            data set, where labels are, before :class:`LoadFrameFeatures`, and features
            that are all online.

    Raises:
        ValueError: If p is no probability, if ``lateral`` is no axis, if there are
            keypoints and no skeleton, or one that does not fit, or if ``class_pairs``
            names a class that the data set does not have, or features cannot follow.

    Note:
        Pixel centres are integers, so that x becomes w - 1 - x. A joint at (0, 0), as
        one that is missing, stays there.
    """

    def __init__(
        self,
        p: float = 0.5,
        seed: int = 0,
        *,
        skeleton: Skeleton | str | Mapping[str, Any] | None = None,
        lateral: int = 1,
        class_pairs: Sequence[Sequence[str]] = (),
    ) -> None:
        super().__init__(seed)
        require(0 <= p <= 1, 'RandomHorizontalFlip', 'p', p, A_PROBABILITY)
        self.p = float(p)
        self.skeleton = None if skeleton is None else Skeleton.get(skeleton)
        require(lateral in AXES, 'RandomHorizontalFlip', 'lateral', lateral, AN_AXIS)
        self.lateral = int(lateral)
        wanted = "pairs of names, such as [('left punch', 'right punch')]"
        fits = all(len(p) == 2 and not isinstance(p, str) for p in class_pairs)
        require(fits, 'RandomHorizontalFlip', 'class_pairs', class_pairs, wanted)
        self.class_pairs = [list(pair) for pair in class_pairs]

    def transform(self, results: dict) -> dict:
        """Write mirrored keypoints, and ``flip``."""
        flip = self.draw(results, 0, 1) < self.p
        results['flip'] = results.get('flip', False) != flip
        if self.class_pairs:
            mirrored = self._mirrored_classes(results)
            if flip:
                # The last row is -1, which stays.
                results['label'] = mirrored[results['label']]
        if 'keypoint' not in results:
            return results
        order = self._order(np.shape(results['keypoint']))
        if flip:
            for key in ('keypoint', 'keypoint_score', 'keypoint_3d'):
                if key in results:
                    # A new array, since it is indexed by a list.
                    results[key] = results[key][:, :, order]
            seen = results['keypoint'].any(axis=-1)
            results['keypoint'][seen, 0] *= -1
            results['keypoint'][seen, 0] += results['img_shape'][1] - 1
            if 'keypoint_3d' in results:
                results['keypoint_3d'][..., self.lateral] *= -1
        return results

    def _mirrored_classes(self, results: Mapping[str, Any]) -> np.ndarray:
        """Return for each class id the one that it is in the mirror, and -1 at -1."""
        self.check_place(results)
        if results.get('feature_files'):
            raise UserError(
                'RandomHorizontalFlip: class_pairs changes labels, but features of '
                f'{", ".join(results["feature_files"])} lie in files, which are not '
                'mirrored; set online=True for them in dataset.features, or leave '
                'RandomHorizontalFlip out.'
            )
        if 'label' not in results or 'classes' not in results:
            raise UserError(
                'RandomHorizontalFlip: class_pairs needs labels, which features in '
                'files do not have; put it into the pipeline of the training data.'
            )
        classes = list(results['classes'])
        mirrored = np.append(np.arange(len(classes)), -1)
        for pair in self.class_pairs:
            for name in pair:
                if name not in classes:
                    raise UserError(
                        f'RandomHorizontalFlip: class_pairs names {name!r}, which is '
                        f'none of the classes {", ".join(classes)}.'
                    )
            a, b = map(classes.index, pair)
            mirrored[a], mirrored[b] = b, a
        return mirrored

    def _order(self, shape: tuple[int, ...]) -> list[int]:
        """Return for each joint the one that it is in the mirror."""
        if self.skeleton is None:
            raise UserError(
                'RandomHorizontalFlip: it is not said which joints are left and right; '
                "name the skeleton, for example skeleton='coco17'."
            )
        check_joints(shape, self.skeleton)
        order = list(range(self.skeleton.num_joints))
        for a, b in self.skeleton.flip_pairs:
            order[a], order[b] = b, a
        return order

    def settings(self) -> dict[str, Any]:
        """Return all that decides what is mirrored, as plain values."""
        pairs = self.skeleton.flip_pairs if self.skeleton else ()
        settings = {**super().settings(), 'flip_pairs': [list(pair) for pair in pairs]}
        # Features in files have no classes, and keep the names that they had.
        del settings['skeleton'], settings['class_pairs']
        return settings


@TRANSFORMS.register_module()
class RandomShift(Augmentation):
    """Moves the skeletons of a video as a whole to another place in the heatmap.

    :class:`RenderSkeletonHeatmap` carries it out, since its box follows the skeletons
    and would undo a move of the keypoints. What leaves the heatmap is cut off.

    Reads: frame_dir. Writes: shift, of x and y, as parts of the heatmap's width and
    height.

    Args:
        fraction: The farthest move to either side, 0 to 1; each up to it is as likely.
        seed: Other seeds give other draws.

    Raises:
        ValueError: If the fraction is not from 0 to 1.
    """

    def __init__(self, fraction: float = 0.1, seed: int = 0) -> None:
        wanted = "a part of the heatmap's size from 0 to 1 (10 % is 0.1)"
        require(0 <= fraction <= 1, 'RandomShift', 'fraction', fraction, wanted)
        super().__init__(seed)
        self.fraction = float(fraction)

    def transform(self, results: dict) -> dict:
        """Write ``shift``."""
        results['shift'] = tuple(
            self.draw(results, -self.fraction, self.fraction, part)
            for part in ('x', 'y')
        )
        return results


@TRANSFORMS.register_module()
class RandomRotation(Augmentation):
    """Turns the skeletons of a video about the middle of the image, by one angle.

    As if the camera were tilted: ``keypoint_3d`` turns about the camera's axis alike.

    Reads: frame_dir; img_shape (h, w); keypoint (M, T, V, 2); keypoint_3d (M, T, V, 3),
    where it is there. Writes: both, as new arrays.

    Args:
        degrees: The largest angle to either side, 0 to 180; each up to it is as likely.
        seed: Other seeds give other draws.
        depth: The axis of ``keypoint_3d`` that points away from the camera: 0 in UW-IOM
            and TUM-Kitchen, 2 where x and y are those of the image.

    Raises:
        ValueError: If ``degrees`` is not from 0 to 180, or ``depth`` is no axis.

    Note:
        A joint at (0, 0), as one that is missing, stays there. Frames of a video are
        not turned.
    """

    def __init__(self, degrees: float = 10, seed: int = 0, *, depth: int = 0) -> None:
        wanted = 'an angle from 0 to 180, up to which skeletons turn to either side'
        require(0 <= degrees <= 180, 'RandomRotation', 'degrees', degrees, wanted)
        super().__init__(seed)
        self.degrees = float(degrees)
        require(depth in AXES, 'RandomRotation', 'depth', depth, AN_AXIS)
        self.depth = int(depth)

    def transform(self, results: dict) -> dict:
        """Write turned keypoints."""
        self.check_skeletons(results, 'keypoint')
        angle = np.deg2rad(self.draw(results, -self.degrees, self.degrees))
        # Of row vectors. With y downwards, an angle above 0 turns clockwise.
        turn = np.array(
            [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        )
        keypoint = np.array(results['keypoint'], np.float32)
        height, width = results['img_shape']
        centre = np.array([width - 1, height - 1]) / 2
        seen = keypoint.any(axis=-1)
        keypoint[seen] = (keypoint[seen] - centre) @ turn + centre
        results['keypoint'] = keypoint
        if 'keypoint_3d' in results:
            keypoint_3d = np.array(results['keypoint_3d'], np.float32)
            plane = [axis for axis in range(3) if axis != self.depth]
            keypoint_3d[..., plane] = keypoint_3d[..., plane] @ turn
            results['keypoint_3d'] = keypoint_3d
        return results
