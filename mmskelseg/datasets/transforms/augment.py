"""Augmentations of a training video: flips, shifts, rotation.

Source: Hyder et al. (ICRA 2024), Sec. III-C, which gives no values.
"""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import cast

import numpy as np
from mmcv.transforms import BaseTransform

from mmskelseg.datasets.items import Item
from mmskelseg.registry import TRANSFORMS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Angle, Axis, Fraction
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import (
    FRAME_KEYS,
    PLACE_KEYS,
    SKELETON_KEYS,
    PlaceKey,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import changed_bodies, frames_of
from mmskelseg_io.structures.layouts import mirrored_order
from mmskelseg_io.structures.objects import OBJECT_KEYS, TrackedObject
from mmskelseg_io.structures.segments import IGNORED, segment_table
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_io.structures.tiers import flat_label


def check_joints(shape: tuple[int, ...], skeleton: Skeleton) -> None:
    """Raise a UserError unless the shape of keypoints is (M, T, V, 2) of a skeleton."""
    if len(shape) != 4 or shape[2] != skeleton.num_joints:
        raise UserError(
            f'keypoint has the shape {shape}, but skeleton {skeleton.name!r} needs '
            f'(persons, frames, {skeleton.num_joints}, 2).'
        )


def lose(results: Item, lost: np.ndarray) -> None:
    """Set lost joints, a mask of shape (M, T, V), to 0 in all arrays."""
    if 'keypoint_score' not in results:
        results['keypoint_score'] = np.ones(lost.shape, np.float32)
    for key in SKELETON_KEYS:
        if key in results:
            array = np.asarray(results[key])
            mask = lost[..., None] if array.ndim == 4 else lost
            results[key] = np.where(mask, 0, array).astype(array.dtype)


def move(
    results: Item, key: PlaceKey, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Write a function of coordinates (..., D) to the skeletons and objects.

    Missing points are at 0. The function gets a copy of each array.
    """

    def changed(body: VideoAnnotation) -> VideoAnnotation:
        if key not in body:
            return {}
        return cast(VideoAnnotation, {key: change(np.array(body[key]))})

    results.update(cast(Item, changed_bodies(results, changed)))


class Transform(BaseTransform):
    """A transform whose ``repr`` shows its options."""

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value!r}' for key, value in vars(self).items())
        return f'{type(self).__name__}({options})'

    def check_place(self, results: Item) -> None:
        """Raise a UserError if features are loaded already: they would not change."""
        if 'features' in results:
            raise UserError(
                f'video {results["frame_dir"]} has its features already; put '
                f'{type(self).__name__} into the pipeline before LoadFrameFeatures.'
            )


class Augmentation(Transform):
    """A transform with random numbers that depend only on its type, seed and video.

    So they are the same on every machine, in every worker, after resuming and for all
    modalities of a video. In the pipeline of a data set, they also depend on the epoch,
    the seed of the training and the number of the crop; in the ``transforms`` of
    features that are stored in files, they do not.

    Args:
        seed: Different seeds give different random numbers.
    """

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)

    def draw(self, results: Item, low: float, high: float, part: str = '') -> float:
        """Return a random number, uniformly distributed from low to high.

        It is made of 53 bits, the precision of a float, of a SHA-256 digest: unlike
        NumPy's generators, this is the same everywhere. ``part`` distinguishes several
        numbers for one video.
        """
        bits = int.from_bytes(self._digest(results, part)[:8], 'little')
        return low + (high - low) * ((bits >> 11) * 2.0**-53)

    def generator(self, results: Item) -> np.random.Generator:
        """Return a generator of many random numbers."""
        return np.random.default_rng(int.from_bytes(self._digest(results), 'little'))

    def _digest(self, results: Item, part: str = '') -> bytes:
        epoch = f':{results["epoch"]}' if 'epoch' in results else ''
        # Seed 0 adds nothing, so numbers are the same as without `run_seed`.
        run = f'/{results["run_seed"]}' if results.get('run_seed') else ''
        crop = f'#{results["crop"]}' if results.get('crop') else ''
        kind = f'{type(self).__name__}{part}{epoch}{run}{crop}'
        name = results['frame_dir']
        return hashlib.sha256(f'{kind}:{self.seed}:{name}'.encode()).digest()

    def check_effect(self, results: Item) -> None:
        """Raise a UserError if no features can change: all are loaded or in files.

        Only changes in time also apply to features in files.
        """
        self.check_place(results)
        name = type(self).__name__
        if results.get('feature_files') and not results.get('online'):
            raise UserError(
                f'{name}: all features of video {results["frame_dir"]} are in files, '
                f'so nothing would change; put {name} into dataset.features, as one of '
                'the transforms of the features to augment, or set online=True there.'
            )

    def check_online(self, results: Item, option: str = '') -> None:
        """Raise a UserError if features are in files, which cannot follow a change.

        The message names the transform, or the option of it that makes the change.
        """
        if results.get('feature_files'):
            kind = type(self).__name__
            name = f'{option} of {kind}' if option else kind
            raise UserError(
                f'{name}: features of {", ".join(results["feature_files"])} are in '
                'files, which do not change; set online=True for them in '
                f'dataset.features, or remove {name}.'
            )

    def check_skeletons(self, results: Item, *keys: str) -> None:
        """Raise a UserError if a video has none of these arrays of skeletons."""
        if not any(key in results for key in keys):
            raise UserError(
                f'{type(self).__name__}: video {results["frame_dir"]} comes without '
                'skeletons, since all of its features are in files; set online=True in '
                'dataset.features for the features to augment.'
            )

    @staticmethod
    def keep(results: Item, frames: np.ndarray) -> Item:
        """Keep only some frames, and store which frames of the video these are.

        ``source_frames`` (T,) and ``source_length`` tell :class:`LoadFrameFeatures`
        which frames of stored features to take. A label among unlabelled frames, such
        as a timestamp, is not lost with its frame: the next kept frame gets it.
        """
        for key in FRAME_KEYS:
            if key in results:
                select = _labels_of if key == 'label' else np.take
                values = np.asarray(results[key])
                results[key] = np.apply_along_axis(select, -1, values, frames)
        results.update(cast(Item, changed_bodies(results, frames_of(frames))))
        if 'features' not in results:
            results.setdefault('source_length', results['total_frames'])
            before = results.get('source_frames')
            results['source_frames'] = frames if before is None else before[frames]
        results['total_frames'] = len(frames)
        return results

    def settings(self) -> dict[str, object]:
        """Return everything that determines the changes, as plain values."""
        return {'type': type(self).__name__, **vars(self)}


def _swapped(one: TrackedObject, order: list[int]) -> TrackedObject:
    """Return an object with its points in another order."""
    arrays = {k: one[k][:, order] for k in OBJECT_KEYS.values() if k in one}
    return cast(TrackedObject, {**one, **arrays})


def _mirrored_x(width: int, points: np.ndarray) -> np.ndarray:
    seen = points.any(axis=-1)
    points[seen, 0] *= -1
    points[seen, 0] += width - 1
    return points


def _negated(axis: int, points: np.ndarray) -> np.ndarray:
    points[..., axis] *= -1
    return points


def _mirrored(results: Item, mirrored: np.ndarray) -> np.ndarray:
    """Return labels with the mirrored class of each class id of all tiers."""
    label, tiers = np.asarray(results['label']), results.get('tiers', ())
    if label.ndim == 1:
        return mirrored[label]
    flat = mirrored[flat_label(label, tiers)]
    begins = np.array([[tier.rows.start] for tier in tiers])
    return np.where(flat < 0, flat, flat - begins)


def _labels_of(label: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Return the labels of ascending frames, without losing a labelled run.

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


@TRANSFORMS.register_module()
class RandomHorizontalFlip(Augmentation):
    """Mirrors a whole video with some probability.

    Skeletons are mirrored about the vertical centre line of the image, and left and
    right joints are swapped, as are points of objects whose names differ in the side.
    :class:`ReadVideoFrames` mirrors the frames. Modalities
    that use this transform with the same p and seed are mirrored together. If classes
    distinguish left and right, ``class_pairs`` swaps them like the joints.

    Reads: frame_dir; img_shape (h, w); keypoint (M, T, V, 2), keypoint_score (M, T, V),
    keypoint_3d (M, T, V, 3), objects and their kinds, if present; flip, False by
    default; label (T,), votes (K, T) and classes, with ``class_pairs``. Writes: the
    same keypoints, objects, labels and votes as new arrays; flip, whether the video is
    mirrored, inverted if it was mirrored before.

    Args:
        p: Probability that a video is mirrored, 0 to 1.
        seed: Different seeds mirror different videos.
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`. A data set
            passes the one of its annotation file.
        lateral: The axis of ``keypoint_3d`` that points sideways, seen from the camera;
            its sign changes. 1 in UW-IOM and TUM-Kitchen, 0 if x points to the right.
            None leaves ``keypoint_3d`` out, for features that do not read it.
        class_pairs: Names of classes that are mirror images of each other, such as
            ``[('left punch', 'right punch')]``. Then the transform must be in the
            pipeline of a data set, before :class:`LoadFrameFeatures`, and all features
            must be online.

    Raises:
        ValueError: If there are keypoints but no fitting skeleton, if ``class_pairs``
            names an unknown class, or if it is used with features in files.

    Note:
        Pixel centres are integers, so x becomes w - 1 - x. A joint at (0, 0), which is
        missing, stays there.
    """

    def __init__(
        self,
        p: Fraction = 0.5,
        seed: int = 0,
        *,
        skeleton: SkeletonLike | None = None,
        lateral: Axis | None = None,
        class_pairs: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(seed)
        self.p = float(p)
        self.skeleton = None if skeleton is None else Skeleton.get(skeleton)
        self.lateral = lateral
        self.class_pairs = [list(pair) for pair in class_pairs]

    def transform(self, results: Item) -> Item:
        """Write mirrored keypoints, and ``flip``."""
        if not self.class_pairs:
            self.check_effect(results)
        if self.lateral is None:
            results.pop('keypoint_3d', None)
        flip = self.draw(results, 0, 1) < self.p
        results['flip'] = results.get('flip', False) != flip
        if self.class_pairs:
            mirrored = self._mirrored_classes(results)
            if flip:
                # The last entry is for the label -1, which does not change.
                results['label'] = _mirrored(results, mirrored)
                if 'votes' in results:
                    results['votes'] = results['votes'][mirrored[:-1]]
        places = [key for key in PLACE_KEYS if key in results]
        if not places:
            return results
        order = self._order(np.shape(results[places[0]]))
        if flip:
            self._swap_sides(results, order)
            if 'keypoint' in results:
                width = results['img_shape'][1]
                move(results, 'keypoint', partial(_mirrored_x, width))
            if self.lateral is not None:
                move(results, 'keypoint_3d', partial(_negated, self.lateral))
        return results

    @staticmethod
    def _swap_sides(results: Item, order: list[int]) -> None:
        """Swap left and right joints, and left and right points of objects."""
        for key in SKELETON_KEYS:
            if key in results:
                results[key] = np.asarray(results[key])[:, :, order]
        if 'objects' in results:
            kinds = results['kinds']
            results['objects'] = [
                _swapped(one, mirrored_order(kinds[one['kind']]))
                for one in results['objects']
            ]

    def _mirrored_classes(self, results: Item) -> np.ndarray:
        """Return the mirrored class of each class id, and -1 as the last entry."""
        self.check_place(results)
        self.check_online(results, 'class_pairs')
        if 'label' not in results or 'classes' not in results:
            raise UserError(
                'RandomHorizontalFlip: class_pairs needs labels, which transforms of '
                'features do not get; put it into the pipeline of the training data.'
            )
        classes = list(results['classes'])
        for name in chain(*self.class_pairs):
            if name not in classes:
                raise UserError(
                    f'RandomHorizontalFlip: class_pairs names {name!r}, which is not '
                    f'one of the classes {", ".join(classes)}.'
                )
        mirrored = np.append(np.arange(len(classes)), -1)
        begins = [tier.rows.start for tier in results.get('tiers', ())]
        for pair in self.class_pairs:
            a, b = map(classes.index, pair)
            if len({bisect(begins, k) for k in (a, b)}) > 1:
                raise UserError(
                    f'RandomHorizontalFlip: class_pairs has {pair}, which are of two '
                    'tiers; pair classes of one.'
                )
            mirrored[a], mirrored[b] = b, a
        return mirrored

    def _order(self, shape: tuple[int, ...]) -> list[int]:
        """Return the index of the mirrored joint of each joint."""
        if self.skeleton is None:
            raise UserError(
                'RandomHorizontalFlip: it is unknown which joints are left and right; '
                "name the skeleton, for example skeleton='coco17'."
            )
        check_joints(shape, self.skeleton)
        return mirrored_order(self.skeleton.joints, self.skeleton.flip_pairs)

    def settings(self) -> dict[str, object]:
        """Return everything that determines the changes, as plain values."""
        pairs = self.skeleton.flip_pairs if self.skeleton else ()
        settings = {**super().settings(), 'flip_pairs': [list(pair) for pair in pairs]}
        # Features in files do not depend on classes, so their names do not either.
        del settings['skeleton'], settings['class_pairs']
        return settings


@TRANSFORMS.register_module()
class RandomShift(Augmentation):
    """Shifts all skeletons of a video within the heatmap.

    :class:`RenderSkeletonHeatmap` applies the shift, since its box follows the
    skeletons and would undo a shift of the keypoints. Parts outside the heatmap are cut
    off.

    Reads: frame_dir. Writes: shift, of x and y, as fractions of the heatmap's width and
    height.

    Args:
        fraction: The largest shift in each direction, 0 to 1; the distribution is
            uniform.
        seed: Different seeds give different shifts.
    """

    def __init__(self, fraction: Fraction = 0.1, seed: int = 0) -> None:
        super().__init__(seed)
        self.fraction = float(fraction)

    def transform(self, results: Item) -> Item:
        """Write ``shift``."""
        self.check_effect(results)
        most = self.fraction
        x, y = (self.draw(results, -most, most, axis) for axis in 'xy')
        results['shift'] = (x, y)
        return results


@TRANSFORMS.register_module()
class RandomRotation(Augmentation):
    """Rotates the skeletons of a video about the centre of the image, by one angle.

    This is as if the camera were tilted; ``keypoint_3d`` is rotated about the camera's
    axis by the same angle.

    Reads: frame_dir; img_shape (h, w); keypoint (M, T, V, 2); keypoint_3d (M, T, V, 3)
    and objects, if present. Writes: the same as new arrays.

    Args:
        degrees: The largest angle in either direction, 0 to 180; the distribution is
            uniform.
        seed: Different seeds give different angles.
        depth: The axis of ``keypoint_3d`` that points away from the camera: 0 in UW-IOM
            and TUM-Kitchen, 2 if x and y are those of the image. None leaves
            ``keypoint_3d`` out, for features that do not read it.

    Note:
        A joint at (0, 0), which is missing, stays there. The frames of a video are not
        rotated.
    """

    def __init__(
        self, degrees: Angle = 10, seed: int = 0, *, depth: Axis | None = None
    ) -> None:
        super().__init__(seed)
        self.degrees = float(degrees)
        self.depth = depth

    def transform(self, results: Item) -> Item:
        """Write rotated keypoints."""
        self.check_place(results)
        self.check_skeletons(results, 'keypoint')
        angle = np.deg2rad(self.draw(results, -self.degrees, self.degrees))
        # The matrix is for row vectors. Since y points downwards, a positive angle
        # rotates clockwise.
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        height, width = results['img_shape']
        centre = np.array([width - 1, height - 1]) / 2
        plane = [axis for axis in range(3) if axis != self.depth]

        def in_image(points: np.ndarray) -> np.ndarray:
            # As one matrix, and without a mask of points, which takes twice the time.
            rows = points.astype(np.float32).reshape(-1, 2)
            turned = (rows - centre) @ turn
            turned += centre
            turned *= rows.any(axis=1, keepdims=True)
            return turned.reshape(points.shape).astype(np.float32)

        def in_space(points: np.ndarray) -> np.ndarray:
            points = points.astype(np.float32)
            points[..., plane] = points[..., plane] @ turn
            return points

        move(results, 'keypoint', in_image)
        if self.depth is None:
            results.pop('keypoint_3d', None)
        elif 'keypoint_3d' in results:
            move(results, 'keypoint_3d', in_space)
        return results
