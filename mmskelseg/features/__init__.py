"""One feature vector a frame, from a frozen network of images or clips."""

from mmskelseg.features.clip_encoder import ClipEncoder
from mmskelseg.features.extraction import ensure_features
from mmskelseg.features.feature_store import FeatureStore, load_features
from mmskelseg.features.frame_encoder import FrameEncoder, GridEncoder

__all__ = [
    'ClipEncoder',
    'FeatureStore',
    'FrameEncoder',
    'GridEncoder',
    'ensure_features',
    'load_features',
]
