"""Encoders: images as feature vectors."""

from mmskelseg.registry import part_finder

__getattr__ = part_finder(__name__)
