"""Segmenting videos by a trained model."""

from mmskelseg.apis.exports import write_exports
from mmskelseg.apis.inferencer import SkelSegInferencer
from mmskelseg.apis.stream import SkelSegStream
from mmskelseg.utils.choices import DEFAULT_EXPORTS, EXPORTS

__all__ = [
    'DEFAULT_EXPORTS',
    'EXPORTS',
    'SkelSegInferencer',
    'SkelSegStream',
    'write_exports',
]
