"""Hooks for checks, seeds, statistics, threads, scores and timelines."""

from mmskelseg.registry import part_finder

__getattr__ = part_finder(__name__)
