"""Metrics of temporal action segmentation."""

from typing import Any

from mmskelseg.evaluation.functional import *  # noqa: F403
from mmskelseg.evaluation.functional import __all__ as _functions

__all__ = ['RiskMetric', 'SegmentationMetric', *_functions]  # noqa: F405


def __getattr__(name: str) -> Any:
    # They need PyTorch, without which the functions come at once.
    if name in ('RiskMetric', 'SegmentationMetric'):
        from mmskelseg.evaluation import metrics

        return getattr(metrics, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
