"""Layers that several backbones share."""

from mmskelseg.models.layers.graph_conv import GraphConv, check_joints
from mmskelseg.models.layers.masked_norm import (
    check_lengths,
    masked,
    norm_frames,
    norm_joints,
)
from mmskelseg.models.layers.temporal_conv import (
    FrameDropout,
    TemporalConv1d,
    shifted_products,
    uses_loops,
)

__all__ = [
    'FrameDropout',
    'GraphConv',
    'TemporalConv1d',
    'check_joints',
    'check_lengths',
    'masked',
    'norm_frames',
    'norm_joints',
    'shifted_products',
    'uses_loops',
]
