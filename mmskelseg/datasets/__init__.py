"""Annotation files, and the data set and samplers that read them."""

from typing import TYPE_CHECKING

from mmskelseg.runtime.files.annotations import load_annotations, save_annotations
from mmskelseg.utils.lazy import lazy_names

if TYPE_CHECKING:
    from mmskelseg.datasets.action_seg_dataset import ActionSegDataset
    from mmskelseg.datasets.samplers import LengthBatchSampler

__all__ = [
    'ActionSegDataset',
    'LengthBatchSampler',
    'load_annotations',
    'save_annotations',
]
__getattr__ = lazy_names(
    __name__,
    {'ActionSegDataset': 'action_seg_dataset', 'LengthBatchSampler': 'samplers'},
)
