"""Annotation files as data sets for PyTorch."""

from mmskelseg.datasets.annotations import load_annotations, save_annotations

__all__ = ['load_annotations', 'save_annotations']
