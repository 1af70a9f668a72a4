"""Annotation files as the data that PyTorch trains on."""

from mmskelseg.datasets.action_seg_dataset import ActionSegDataset
from mmskelseg.datasets.annotations import load_annotations, save_annotations

__all__ = ['ActionSegDataset', 'load_annotations', 'save_annotations']
