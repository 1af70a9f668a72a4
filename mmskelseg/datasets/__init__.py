"""Annotation files and what reads them."""

from mmskelseg.datasets.action_seg_dataset import ActionSegDataset
from mmskelseg.datasets.annotations import load_annotations, save_annotations
from mmskelseg.datasets.samplers import LengthBatchSampler

__all__ = [
    'ActionSegDataset',
    'LengthBatchSampler',
    'load_annotations',
    'save_annotations',
]
