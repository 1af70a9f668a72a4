"""Registration of the renderers that import neither MMEngine nor PyTorch themselves."""

from mmskelseg.features.renderers.coordinates import SkeletonCoordinates
from mmskelseg.features.renderers.heatmap import (
    RenderJointHeatmaps,
    RenderSkeletonHeatmap,
)
from mmskelseg.features.renderers.mmaction_coordinates import MMActionCoordinates
from mmskelseg.features.renderers.video_frames import ReadVideoFrames
from mmskelseg.registry import TRANSFORMS

__all__ = ['MMActionCoordinates']

for renderer in (
    ReadVideoFrames,
    RenderJointHeatmaps,
    RenderSkeletonHeatmap,
    SkeletonCoordinates,
):
    TRANSFORMS.register_module(module=renderer)
