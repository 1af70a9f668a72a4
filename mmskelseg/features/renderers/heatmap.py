"""Skeletons drawn as heatmaps: Sec. III-A of the paper."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmskelseg.features.renderers.coordinates import read_joints
from mmskelseg.features.renderers.drawing import (
    MIN_SCORE,
    draw_segments,
    draw_segments_on_device,
)
from mmskelseg.registry import TRANSFORMS
from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError


@TRANSFORMS.register_module()
class RenderSkeletonHeatmap(BaseTransform):
    """Draws the joints and limbs of each frame into one image, as their plain sum.

    Reads: keypoint (M, T, V, 2), x and y in pixels; keypoint_score (M, T, V), taken as
    1 where the key is missing; shift (2,), where :class:`RandomShift` wrote it, by
    which x and y move, as parts of the heatmap's width and height. Writes: imgs
    (T, 3, H, W), float32, about 0 to 3, whose three equal channels share memory. Where
    the keypoints are a tensor, so is it, drawn on the device that they are on.

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        size: Height and width of the heatmap in pixels.
        sigma: Standard deviation of a joint and half-width of a limb, in pixels of
            the heatmap.
        joints: Whether joints are drawn (Eq. 1).
        limbs: Whether limbs are drawn (Eq. 2).
        box: ``sequence`` maps the smallest box around all joints seen in the whole
            video onto the heatmap, whatever its aspect; ``square`` a square around that
            box, a quarter larger, as MMAction2 does for PoseC3D; None draws the
            keypoints as they stand, in pixels of the heatmap.
        distance: ``squared`` (of MMAction2's code), or ``printed``: Eq. 2 as it
            stands in the paper, without the square.

    Raises:
        ValueError: If an option is not one of these, if nothing is to be drawn, or if
            the keypoints do not fit the skeleton or are not finite.

    Note:
        A Gaussian reaches as far as it is above 3e-6 of its peak, where MMAction2 cuts
        it off at three sigma. A limb shorter than one pixel follows Eq. 2 too, where
        MMAction2 draws its first joint instead. Keypoints are mapped to the heatmap
        before drawing: drawing at video size and shrinking the picture, as the paper
        words it, loses nearly all of a joint.

    Source: Hyder et al. (ICRA 2024), Sec. III-A; Duan et al., "Revisiting
    Skeleton-based Action Recognition" (CVPR 2022).
    """

    reads: ClassVar = 'poses'

    def __init__(
        self,
        skeleton: Skeleton | str | Mapping[str, Any],
        size: tuple[int, int] = (56, 56),
        *,
        sigma: float = 0.6,
        joints: bool = True,
        limbs: bool = True,
        box: str | None = 'sequence',
        distance: str = 'squared',
    ) -> None:
        self.skeleton = Skeleton.get(skeleton)
        self.size = (int(size[0]), int(size[1]))
        self.sigma = sigma
        self.joints = joints
        self.limbs = limbs
        self.box = box
        self.distance = distance
        if min(self.size) < 1 or sigma <= 0:
            raise UserError(
                f'size={size} and sigma={sigma} must be positive, in pixels.'
            )
        if not (joints or (limbs and self.skeleton.limbs)):
            raise UserError(
                f'joints={joints} and limbs={limbs} leave nothing of skeleton '
                f'{self.skeleton.name!r} to draw; set one of them to True.'
            )
        if box not in ('sequence', 'square', None):
            raise UserError(f"box={box!r} is not 'sequence', 'square' or None.")
        if distance not in ('squared', 'printed'):
            raise UserError(f"distance={distance!r} is not 'squared' or 'printed'.")

    @property
    def context(self) -> tuple[int, int] | None:
        """Frames that an image depends on: its own, or all whose box it is drawn in."""
        return (0, 0) if self.box is None else None

    def transform(self, results: dict) -> dict:
        """Write ``imgs`` for the keypoints in ``results``."""
        keypoint, score = self.place(results)
        given = results['keypoint']
        if isinstance(given, Tensor):
            heatmap = draw_segments_on_device(
                torch.from_numpy(keypoint).to(given.device),
                torch.from_numpy(score).to(given.device),
                self.pairs,
                self.size,
                self.sigma,
                squared=self.squared,
            )
            results['imgs'] = heatmap[:, None].expand(-1, 3, -1, -1)
        else:
            results['imgs'] = self.images(keypoint, score)
        return results

    def blocks(self, results: Mapping[str, Any], frames: int) -> Iterator[np.ndarray]:
        """Yield ``imgs`` of that many frames at a time, so that no more are held."""
        keypoint, score = self.place(results)
        for begin in range(0, keypoint.shape[1], frames):
            block = slice(begin, begin + frames)
            yield self.images(keypoint[:, block], score[:, block])

    def place(self, results: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return keypoints in pixels of the heatmap (M, T, V, 2), and their scores."""
        keypoint, score = read_joints(
            results, 'keypoint', self.skeleton, 2, np.float32, score_dtype=np.float32
        )
        if self.box is not None:
            square = self.box == 'square'
            keypoint = _fit(keypoint, score >= MIN_SCORE, self.size, square)
        if 'shift' in results:
            size = np.array(self.size[::-1], np.float32)
            keypoint = keypoint + np.array(results['shift'], np.float32) * size
        return keypoint, score

    def images(self, keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Return ``imgs`` of placed joints (M, T, V, 2) and their scores (M, T, V)."""
        heatmap = draw_segments(
            keypoint, score, self.pairs, self.size, self.sigma, squared=self.squared
        )
        T, H, W = heatmap.shape
        frame, row, column = heatmap.strides
        # Like np.broadcast_to, but writable, which PyTorch expects of an array.
        return np.lib.stride_tricks.as_strided(
            heatmap, (T, 3, H, W), (frame, 0, row, column)
        )

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Between which joints segments are drawn, a joint and itself for a joint."""
        joints = [(v, v) for v in range(self.skeleton.num_joints)]
        return joints * self.joints + list(self.skeleton.limbs) * self.limbs

    @property
    def squared(self) -> bool:
        """Whether a limb falls off with the square of the distance."""
        return self.distance == 'squared'

    def source(self, results: Mapping[str, Any]) -> list[np.ndarray]:
        """Return what is drawn, for the name of a feature file."""
        keys = ('keypoint', 'keypoint_score')
        return [results[key] for key in keys if key in results]

    def settings(self) -> dict[str, Any]:
        """Return all that decides what is drawn, as plain values."""
        return {
            'type': type(self).__name__,
            'joints_of': list(self.skeleton.joints),
            'limbs_of': [list(pair) for pair in self.skeleton.limbs],
            'size': list(self.size),
            'sigma': self.sigma,
            'joints': self.joints,
            'limbs': self.limbs,
            'box': self.box,
            'distance': self.distance,
        }


@TRANSFORMS.register_module()
class RenderJointHeatmaps(RenderSkeletonHeatmap):
    """Draws each joint, and then each limb, of those that are drawn, in its channel.

    PoseC3D reads them: ``limbs=False`` gives V channels, ``joints=False`` one for each
    limb.

    Reads and options: as for :class:`RenderSkeletonHeatmap`, whose image is the sum of
    these channels. Writes: imgs (T, channels, H, W), float32, 0 to 1.

    Source: Duan et al., "Revisiting Skeleton-based Action Recognition" (CVPR 2022).
    """

    def transform(self, results: dict) -> dict:
        """Write ``imgs`` for the keypoints in ``results``."""
        results['imgs'] = self.images(*self.place(results))
        return results

    def images(self, keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Return ``imgs`` of placed joints (M, T, V, 2) and their scores (M, T, V)."""
        return draw_segments(
            keypoint,
            score,
            self.pairs,
            self.size,
            self.sigma,
            squared=self.squared,
            separate=True,
        )


def _fit(
    keypoint: np.ndarray, seen: np.ndarray, size: tuple[int, int], square: bool
) -> np.ndarray:
    """Map the box around all joints seen onto a heatmap of (H, W) = ``size``."""
    if not seen.any():
        return keypoint
    points = keypoint[seen]
    low = points.min(axis=0)
    # A box without width or height is widened to one pixel.
    extent = points.max(axis=0) - low
    extent = np.where(extent > 0, extent, 1)
    if square:
        side = np.full_like(extent, 1.25 * extent.max())
        low, extent = low - (side - extent) / 2, side
    return (keypoint - low) / extent * np.array(size[::-1], np.float32)
