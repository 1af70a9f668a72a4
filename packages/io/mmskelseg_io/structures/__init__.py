"""Data structures shared by several packages: skeletons, segments, annotations."""

from mmskelseg_io.structures.skeleton import Skeleton, is_data_layout

__all__ = ['Skeleton', 'is_data_layout']
