"""Exported models without PyTorch, from `mmskelseg_runtime`."""

from mmskelseg_runtime.segmenting.onnx_stream import OnnxStream
from mmskelseg_runtime.segmenting.segmenter import OnnxSegmenter

__all__ = ['OnnxSegmenter', 'OnnxStream']
