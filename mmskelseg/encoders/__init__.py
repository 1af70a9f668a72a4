"""Encoders: images as feature vectors."""

from mmskelseg.encoders.clip import ClipEncoder
from mmskelseg.encoders.frame import FrameEncoder, GridEncoder

__all__ = ['ClipEncoder', 'FrameEncoder', 'GridEncoder']
