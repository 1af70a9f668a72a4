"""Annotation files as the data that PyTorch trains on."""

from mmskelseg.datasets.annotations import load_annotations, save_annotations

__all__ = ['load_annotations', 'save_annotations']
