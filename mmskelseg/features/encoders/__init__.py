"""Encoders: images as feature vectors."""

from mmskelseg.features.encoders.clip import ClipEncoder
from mmskelseg.features.encoders.frame import FrameEncoder, GridEncoder

__all__ = ['ClipEncoder', 'FrameEncoder', 'GridEncoder']
