"""Backbones in stages; each stage maps (x, mask) to features of every frame."""

from mmskelseg.registry import part_finder

__getattr__ = part_finder(__name__)
