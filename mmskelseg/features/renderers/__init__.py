"""Renderers: a video as images or as coordinates, in blocks of frames."""

from typing import TYPE_CHECKING

from mmskelseg.features.renderers.coordinates import SkeletonCoordinates
from mmskelseg.features.renderers.heatmap import (
    RenderJointHeatmaps,
    RenderSkeletonHeatmap,
)
from mmskelseg.features.renderers.video_frames import ReadVideoFrames
from mmskelseg.utils.lazy import lazy_names

if TYPE_CHECKING:
    from mmskelseg.features.renderers.mmaction_coordinates import MMActionCoordinates

__all__ = [
    'MMActionCoordinates',
    'ReadVideoFrames',
    'RenderJointHeatmaps',
    'RenderSkeletonHeatmap',
    'SkeletonCoordinates',
]
__getattr__ = lazy_names(__name__, {'MMActionCoordinates': 'mmaction_coordinates'})
