"""Segmentation of videos and streams by trained models, from Python or a web page."""

from mmskelseg.apis.inferencer import SkelSegInferencer
from mmskelseg.apis.stream import SkelSegStream
from mmskelseg.runtime.segmenting.exports import write_exports
from mmskelseg.runtime.structures.choices import DEFAULT_EXPORTS, EXPORTS

__all__ = [
    'DEFAULT_EXPORTS',
    'EXPORTS',
    'SkelSegInferencer',
    'SkelSegStream',
    'write_exports',
]
