"""What makes a training video's skeletons vary: mirror images, place and tilt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmskelseg.datasets.transforms.augment import Augmentation
from mmskelseg.registry import TRANSFORMS
from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError


@TRANSFORMS.register_module()
class RandomHorizontalFlip(Augmentation):
    """Mirrors a whole video, or leaves it as it is.

    Skeletons are mirrored about the middle of the image, and left and right joints
    change names. :class:`ReadVideoFrames` mirrors the frames. Two modalities that name
    this transform with the same p and seed are mirrored together. Labels stay, so it is
    not for classes that tell left from right.

    Reads: frame_dir; img_shape (h, w); keypoint (M, T, V, 2), keypoint_score (M, T, V)
    and keypoint_3d (M, T, V, 3), where they are there; flip, taken as False where the
    key is missing. Writes: the same keypoints as new arrays; flip, whether the video is
    mirrored, now the other way round if it was before.

    Args:
        p: Probability that a video is mirrored, 0 to 1.
        seed: Other seeds give other draws.
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`. A data set tells
            it the one of its annotation file.
        lateral: The axis of ``keypoint_3d`` that points sideways, seen from the camera,
            whose sign changes: 1 in UW-IOM and TUM-Kitchen, 0 where x is to the right.

    Raises:
        ValueError: If p is no probability, if ``lateral`` is no axis, or if there are
            keypoints and no skeleton, or one that does not fit.

    Note:
        Pixel centres are integers, so that x becomes w - 1 - x. A joint at (0, 0), as
        one that is missing, stays there.

    Source: Hyder et al. (ICRA 2024), Sec. III-C.
    """

    def __init__(
        self,
        p: float = 0.5,
        seed: int = 0,
        *,
        skeleton: Skeleton | str | Mapping[str, Any] | None = None,
        lateral: int = 1,
    ) -> None:
        if not 0 <= p <= 1:
            raise UserError(
                f'RandomHorizontalFlip: p is {p}, but must be a probability from 0 to '
                '1 (50 % is 0.5).'
            )
        super().__init__(seed)
        self.p = float(p)
        self.skeleton = None if skeleton is None else Skeleton.get(skeleton)
        self.lateral = _axis(type(self).__name__, 'lateral', lateral)

    def transform(self, results: dict) -> dict:
        """Write mirrored keypoints, and ``flip``."""
        flip = self.draw(results, 0, 1) < self.p
        results['flip'] = results.get('flip', False) != flip
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

    def _order(self, shape: tuple[int, ...]) -> list[int]:
        """Return for each joint the one that it is in the mirror."""
        if self.skeleton is None:
            raise UserError(
                'RandomHorizontalFlip: it is not said which joints are left and right; '
                "name the skeleton, for example skeleton='coco17'."
            )
        if len(shape) != 4 or shape[2] != self.skeleton.num_joints:
            raise UserError(
                f'keypoint has the shape {shape}, but skeleton {self.skeleton.name!r} '
                f'needs (persons, frames, {self.skeleton.num_joints}, 2).'
            )
        order = list(range(self.skeleton.num_joints))
        for a, b in self.skeleton.flip_pairs:
            order[a], order[b] = b, a
        return order

    def settings(self) -> dict[str, Any]:
        """Return all that decides what is mirrored, as plain values."""
        pairs = self.skeleton.flip_pairs if self.skeleton else ()
        settings = {**super().settings(), 'flip_pairs': [list(pair) for pair in pairs]}
        del settings['skeleton']
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

    Source: Hyder et al. (ICRA 2024), Sec. III-C, which gives no figures.
    """

    def __init__(self, fraction: float = 0.1, seed: int = 0) -> None:
        if not 0 <= fraction <= 1:
            raise UserError(
                f'RandomShift: fraction is {fraction}, but must be a part of the '
                "heatmap's size from 0 to 1 (10 % is 0.1)."
            )
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

    Source: Hyder et al. (ICRA 2024), Sec. III-C, which gives no figures.
    """

    def __init__(self, degrees: float = 10, seed: int = 0, *, depth: int = 0) -> None:
        if not 0 <= degrees <= 180:
            raise UserError(
                f'RandomRotation: degrees is {degrees}, but must be an angle from 0 to '
                '180, up to which skeletons turn to either side.'
            )
        super().__init__(seed)
        self.degrees = float(degrees)
        self.depth = _axis(type(self).__name__, 'depth', depth)

    def transform(self, results: dict) -> dict:
        """Write turned keypoints."""
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


def _axis(name: str, option: str, axis: int) -> int:
    if axis not in (0, 1, 2):
        raise UserError(
            f'{name}: {option} is {axis!r}, but must be one of the three axes of '
            'keypoint_3d, 0, 1 or 2.'
        )
    return int(axis)
