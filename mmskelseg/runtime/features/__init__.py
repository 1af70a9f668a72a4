"""Features of frames: the recipe, and renderers of images and coordinates."""

from mmskelseg.runtime.features.concatenate import Concatenate
from mmskelseg.runtime.features.coordinates import SkeletonCoordinates
from mmskelseg.runtime.features.heatmap import (
    RenderJointHeatmaps,
    RenderSkeletonHeatmap,
)
from mmskelseg.runtime.features.objects import ObjectCoordinates
from mmskelseg.runtime.features.pairs import PairCoordinates
from mmskelseg.runtime.features.places import PlaceCoordinates
from mmskelseg.runtime.features.recipe import Encoder, FeatureRecipe, Renderer
from mmskelseg.runtime.features.video_frames import ReadVideoFrames

__all__ = [
    'Concatenate',
    'Encoder',
    'FeatureRecipe',
    'ObjectCoordinates',
    'PairCoordinates',
    'PlaceCoordinates',
    'ReadVideoFrames',
    'RenderJointHeatmaps',
    'RenderSkeletonHeatmap',
    'Renderer',
    'SkeletonCoordinates',
]
