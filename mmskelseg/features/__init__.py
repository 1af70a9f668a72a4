"""A frame as a vector: renderers, encoders, and the store of what they made."""

from mmskelseg.features.encoders import ClipEncoder, FrameEncoder, GridEncoder
from mmskelseg.features.recipe import Encoder, FeatureRecipe, Renderer, VideoEncoder
from mmskelseg.features.renderers import (
    MMActionCoordinates,
    ReadVideoFrames,
    RenderJointHeatmaps,
    RenderSkeletonHeatmap,
    SkeletonCoordinates,
)
from mmskelseg.features.store import FeatureStore, ensure_features, load_features

__all__ = [
    'ClipEncoder',
    'Encoder',
    'FeatureRecipe',
    'FeatureStore',
    'FrameEncoder',
    'GridEncoder',
    'MMActionCoordinates',
    'ReadVideoFrames',
    'RenderJointHeatmaps',
    'RenderSkeletonHeatmap',
    'Renderer',
    'SkeletonCoordinates',
    'VideoEncoder',
    'ensure_features',
    'load_features',
]
