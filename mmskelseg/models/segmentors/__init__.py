"""Segmentors, which label every frame of a video."""

from mmskelseg.registry import part_finder

__getattr__ = part_finder(__name__)
