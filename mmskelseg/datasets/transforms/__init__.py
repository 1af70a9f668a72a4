"""Transforms of a video or an item, from its annotation to the inputs of a model."""

from mmskelseg.registry import part_finder

__getattr__ = part_finder(__name__)
