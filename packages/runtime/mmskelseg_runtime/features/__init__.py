"""Features of frames: the recipe, and renderers of images and coordinates."""

from mmskelseg_runtime.features.body import SkeletonCoordinates
from mmskelseg_runtime.features.concatenate import Concatenate
from mmskelseg_runtime.features.heatmap import (
    RenderJointHeatmaps,
    RenderSkeletonHeatmap,
)
from mmskelseg_runtime.features.image_coordinates import ImageCoordinates
from mmskelseg_runtime.features.objects import ObjectCoordinates
from mmskelseg_runtime.features.pairs import PairCoordinates
from mmskelseg_runtime.features.places import PlaceCoordinates
from mmskelseg_runtime.features.recipe import Encoder, FeatureRecipe, Renderer
from mmskelseg_runtime.features.video_frames import ReadVideoFrames

__all__ = [
    'Concatenate',
    'Encoder',
    'FeatureRecipe',
    'ImageCoordinates',
    'ObjectCoordinates',
    'PairCoordinates',
    'PlaceCoordinates',
    'ReadVideoFrames',
    'RenderJointHeatmaps',
    'RenderSkeletonHeatmap',
    'Renderer',
    'SkeletonCoordinates',
]
