"""Features of frames: renderers, encoders, and the store of their results."""

from typing import TYPE_CHECKING

from mmskelseg.features.recipe import Encoder, FeatureRecipe, Renderer, VideoEncoder
from mmskelseg.features.renderers import (
    ReadVideoFrames,
    RenderJointHeatmaps,
    RenderSkeletonHeatmap,
    SkeletonCoordinates,
)
from mmskelseg.utils.lazy import lazy_names

if TYPE_CHECKING:
    from mmskelseg.features.encoders import ClipEncoder, FrameEncoder, GridEncoder
    from mmskelseg.features.renderers import MMActionCoordinates
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
__getattr__ = lazy_names(
    __name__,
    {
        'ClipEncoder': 'encoders',
        'FeatureStore': 'store',
        'FrameEncoder': 'encoders',
        'GridEncoder': 'encoders',
        'MMActionCoordinates': 'renderers',
        'ensure_features': 'store',
        'load_features': 'store',
    },
)
