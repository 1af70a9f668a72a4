"""A frame as a vector: renderers, encoders, and the store of what they made."""

from mmskelseg.features.encoders import ClipEncoder, FrameEncoder, GridEncoder
from mmskelseg.features.extraction import ensure_features
from mmskelseg.features.renderers import (
    MMActionCoordinates,
    ReadVideoFrames,
    RenderJointHeatmaps,
    RenderSkeletonHeatmap,
    SkeletonCoordinates,
)
from mmskelseg.features.store import FeatureStore, load_features

__all__ = [
    'ClipEncoder',
    'FeatureStore',
    'FrameEncoder',
    'GridEncoder',
    'MMActionCoordinates',
    'ReadVideoFrames',
    'RenderJointHeatmaps',
    'RenderSkeletonHeatmap',
    'SkeletonCoordinates',
    'ensure_features',
    'load_features',
]
