"""Layers that backbones share, and helpers for padded batches."""

from mmskelseg.models.layers.attention import AttentionStage, window_attention
from mmskelseg.models.layers.graph_conv import GraphConv, check_joints, norm_joints
from mmskelseg.models.layers.padding import (
    VideoNorm,
    Videos,
    each_video,
    frame_mask,
    masked,
    norm_frames,
    norm_videos,
    stack_frames,
    to_device,
    video_lengths,
)
from mmskelseg.models.layers.pooling import adaptive_mean, adaptive_mean_2d
from mmskelseg.models.layers.stages import (
    for_each_stage,
    run_layers,
    run_stage,
    total_channels,
)
from mmskelseg.models.layers.standardizer import FeatureStandardizer, Fitted
from mmskelseg.models.layers.temporal_conv import (
    FrameDropout,
    TemporalConv1d,
    shifted_products,
    uses_loops,
)
from mmskelseg.models.layers.tiers import by_tier

__all__ = [
    'AttentionStage',
    'FeatureStandardizer',
    'Fitted',
    'FrameDropout',
    'GraphConv',
    'TemporalConv1d',
    'VideoNorm',
    'Videos',
    'adaptive_mean',
    'adaptive_mean_2d',
    'by_tier',
    'check_joints',
    'each_video',
    'for_each_stage',
    'frame_mask',
    'masked',
    'norm_frames',
    'norm_joints',
    'norm_videos',
    'run_layers',
    'run_stage',
    'shifted_products',
    'stack_frames',
    'to_device',
    'total_channels',
    'uses_loops',
    'video_lengths',
    'window_attention',
]
