"""Layers that several backbones share."""

from mmskelseg.models.layers.graph_conv import GraphConv
from mmskelseg.models.layers.masked_norm import norm_frames, norm_joints

__all__ = ['GraphConv', 'norm_frames', 'norm_joints']
