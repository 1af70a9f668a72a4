"""Metrics of temporal action segmentation."""

from .functional import *  # noqa: F403
from .functional import __all__ as _functions
from .metrics import SegmentationMetric

__all__ = ['SegmentationMetric', *_functions]
