"""Metrics of temporal action segmentation, and how time is divided among classes."""

from importlib import import_module
from typing import Any

from mmskelseg.evaluation.functional import *  # noqa: F403
from mmskelseg.evaluation.functional import __all__ as _functions

_METRICS = ('DumpPredictions', 'RiskMetric', 'SegmentationMetric')
__all__ = [*_METRICS, *_functions]


def __getattr__(name: str) -> Any:
    """Import the metrics when they are needed: the functions do without PyTorch."""
    if name not in _METRICS:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.metrics'), name)
