"""Metrics of temporal action segmentation."""

from mmskelseg.evaluation.functional import *  # noqa: F403
from mmskelseg.evaluation.functional import __all__ as _functions
from mmskelseg.evaluation.metrics import RiskMetric, SegmentationMetric

__all__ = ['RiskMetric', 'SegmentationMetric', *_functions]
