"""Segmentation of videos and streams by trained models, from Python or a web page."""

from typing import TYPE_CHECKING

from mmskelseg.runtime.segmenting.exports import write_exports
from mmskelseg.runtime.structures.choices import DEFAULT_EXPORTS, EXPORTS
from mmskelseg.utils.lazy import lazy_names

if TYPE_CHECKING:
    from mmskelseg.apis.inferencer import SkelSegInferencer
    from mmskelseg.apis.stream import SkelSegStream

__all__ = [
    'DEFAULT_EXPORTS',
    'EXPORTS',
    'SkelSegInferencer',
    'SkelSegStream',
    'write_exports',
]
__getattr__ = lazy_names(
    __name__, {'SkelSegInferencer': 'inferencer', 'SkelSegStream': 'stream'}
)
