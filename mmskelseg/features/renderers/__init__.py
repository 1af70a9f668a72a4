"""A video as images, or as numbers, in blocks of frames."""

from mmskelseg.features.renderers.coordinates import SkeletonCoordinates
from mmskelseg.features.renderers.heatmap import RenderSkeletonHeatmap
from mmskelseg.features.renderers.joint_heatmaps import RenderJointHeatmaps
from mmskelseg.features.renderers.mmaction_coordinates import MMActionCoordinates
from mmskelseg.features.renderers.video_frames import ReadVideoFrames

__all__ = [
    'MMActionCoordinates',
    'ReadVideoFrames',
    'RenderJointHeatmaps',
    'RenderSkeletonHeatmap',
    'SkeletonCoordinates',
]
