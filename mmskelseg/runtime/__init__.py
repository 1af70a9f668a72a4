"""Running of exported models on videos and streams, without PyTorch and MMEngine."""

from mmskelseg.runtime.segmenter import OnnxSegmenter
from mmskelseg.runtime.stream import OnnxStream

__all__ = ['OnnxSegmenter', 'OnnxStream']
