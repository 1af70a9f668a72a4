"""Runs a trained model on poses, without PyTorch."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmskelseg_runtime.segmenting.onnx_stream import OnnxStream
    from mmskelseg_runtime.segmenting.segmenter import OnnxSegmenter

__all__ = ['OnnxSegmenter', 'OnnxStream']
_MODULES = {'OnnxSegmenter': 'segmenter', 'OnnxStream': 'onnx_stream'}


def __getattr__(name: str) -> type:
    """Import a name when it is needed, not before every module of the runtime."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.segmenting.{_MODULES[name]}'), name)
