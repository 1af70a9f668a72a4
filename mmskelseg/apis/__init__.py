"""Segmenting videos by a trained model."""

from mmskelseg.apis.exports import DEFAULT_EXPORTS, EXPORTS, write_exports
from mmskelseg.apis.inferencer import SkelSegInferencer

__all__ = [
    'DEFAULT_EXPORTS',
    'EXPORTS',
    'SkelSegInferencer',
    'write_exports',
]
