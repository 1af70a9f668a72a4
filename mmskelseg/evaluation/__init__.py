"""Metrics of temporal action segmentation, and how time is divided among classes."""

from typing import Any

from mmskelseg.evaluation.functional import *  # noqa: F403
from mmskelseg.evaluation.functional import __all__ as _functions

_METRICS = ('DumpPredictions', 'RiskMetric', 'SegmentationMetric')
__all__ = [*_METRICS, *_functions]


def __getattr__(name: str) -> Any:
    # They need PyTorch, without which the functions come at once.
    if name in _METRICS:
        from mmskelseg.evaluation import metrics

        return getattr(metrics, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
