"""Annotation files and what reads them."""

from mmskelseg.datasets.action_seg_dataset import ActionSegDataset
from mmskelseg.datasets.annotations import load_annotations, save_annotations

__all__ = ['ActionSegDataset', 'load_annotations', 'save_annotations']
