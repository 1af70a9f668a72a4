"""Metrics of temporal action segmentation, and how time is divided among classes."""

from mmskelseg.evaluation.functional import *  # noqa: F403
from mmskelseg.evaluation.functional import __all__ as _functions
from mmskelseg.utils.lazy import lazy_names

_METRICS = ('DumpPredictions', 'RiskMetric', 'SegmentationMetric')
__all__ = [*_METRICS, *_functions]
__getattr__ = lazy_names(__name__, dict.fromkeys(_METRICS, 'metrics'))
