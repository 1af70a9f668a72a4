"""Images as vectors."""

from mmskelseg.features.encoders.clip import ClipEncoder
from mmskelseg.features.encoders.frame import FrameEncoder
from mmskelseg.features.encoders.grid import GridEncoder

__all__ = ['ClipEncoder', 'FrameEncoder', 'GridEncoder']
