"""Layers that several backbones share."""

from mmskelseg.models.layers.graph_conv import GraphConv, check_joints
from mmskelseg.models.layers.masked_norm import norm_frames, norm_joints

__all__ = ['GraphConv', 'check_joints', 'norm_frames', 'norm_joints']
