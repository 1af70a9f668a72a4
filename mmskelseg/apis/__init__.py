"""Segmenting videos by a trained model."""

from mmskelseg.apis.exports import write_exports
from mmskelseg.apis.inferencer import SkelSegInferencer
from mmskelseg.utils.choices import DEFAULT_EXPORTS, EXPORTS

__all__ = ['DEFAULT_EXPORTS', 'EXPORTS', 'SkelSegInferencer', 'write_exports']
