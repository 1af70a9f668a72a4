"""Auxiliary parts of a network, with losses and predictions besides the classes."""

from mmskelseg.registry import part_finder

__getattr__ = part_finder(__name__)
