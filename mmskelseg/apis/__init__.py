"""Segmentation of videos and streams by trained models, from Python."""

from mmskelseg.apis.inferencer import SkelSegInferencer
from mmskelseg.apis.stream import SkelSegStream
from mmskelseg_io.labels.writing import EXPORTS
from mmskelseg_runtime.commands.models import ClipOptions
from mmskelseg_runtime.segmenting.exports import DEFAULT_EXPORTS, write_exports

__all__ = [
    'DEFAULT_EXPORTS',
    'EXPORTS',
    'ClipOptions',
    'SkelSegInferencer',
    'SkelSegStream',
    'write_exports',
]
