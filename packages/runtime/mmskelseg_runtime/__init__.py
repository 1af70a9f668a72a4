"""Runs a trained model on poses, without PyTorch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmskelseg_runtime.model import load
    from mmskelseg_runtime.segmenting.onnx_stream import OnnxStream
    from mmskelseg_runtime.segmenting.segmenter import OnnxSegmenter

__all__ = ['OnnxSegmenter', 'OnnxStream', 'load']
_MODULES = {
    'OnnxSegmenter': 'segmenting.segmenter',
    'OnnxStream': 'segmenting.onnx_stream',
    'load': 'model',
}


def __getattr__(name: str) -> Any:
    """Import a name when it is needed, not before every module of the runtime."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_MODULES[name]}'), name)
