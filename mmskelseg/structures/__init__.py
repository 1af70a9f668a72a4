"""Data structures that several parts share."""

from mmskelseg.structures.skeleton import Skeleton

__all__ = ['Skeleton']
