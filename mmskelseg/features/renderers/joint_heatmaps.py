"""Heatmaps of joints, one channel each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mmskelseg.features.renderers.drawing import draw_segments
from mmskelseg.features.renderers.heatmap import RenderSkeletonHeatmap
from mmskelseg.registry import TRANSFORMS


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
        results['imgs'] = self.draw(*self.place(results))
        return results

    def blocks(self, results: Mapping[str, Any], frames: int) -> Iterator[np.ndarray]:
        """Yield ``imgs`` of that many frames at a time, so that no more are held."""
        keypoint, score = self.place(results)
        for begin in range(0, keypoint.shape[1], frames):
            block = slice(begin, begin + frames)
            yield self.draw(keypoint[:, block], score[:, block])

    def draw(self, keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Return each joint and limb.

        Args:
            keypoint: In pixels of the heatmap, shape (M, T, V, 2).
            score: Confidence of each joint, shape (M, T, V).

        Returns:
            Array of shape (T, channels, H, W), float32.
        """
        return draw_segments(
            keypoint,
            score,
            self.pairs,
            self.size,
            self.sigma,
            squared=self.squared,
            separate=True,
        )
