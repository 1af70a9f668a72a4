"""Data structures that several parts share."""

from mmskelseg.structures.skeleton import Skeleton, is_data_layout

__all__ = ['Skeleton', 'is_data_layout']
