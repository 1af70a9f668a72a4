"""A video as images, or as numbers, in blocks of frames."""

from mmskelseg.features.renderers.coordinates import (
    MMActionCoordinates,
    SkeletonCoordinates,
)
from mmskelseg.features.renderers.heatmap import (
    RenderJointHeatmaps,
    RenderSkeletonHeatmap,
)
from mmskelseg.features.renderers.video_frames import ReadVideoFrames

__all__ = [
    'MMActionCoordinates',
    'ReadVideoFrames',
    'RenderJointHeatmaps',
    'RenderSkeletonHeatmap',
    'SkeletonCoordinates',
]
