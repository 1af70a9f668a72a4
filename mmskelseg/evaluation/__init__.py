"""Metrics of temporal action segmentation."""

from importlib import import_module
from typing import Any

from mmskelseg_behaviour.functional.framewise import frame_accuracy, frame_map
from mmskelseg_behaviour.functional.segmental import edit_score, segmental_f1
from mmskelseg_io.structures.segments import to_segments

__all__ = [
    'SegmentationMetric',
    'edit_score',
    'frame_accuracy',
    'frame_map',
    'segmental_f1',
    'to_segments',
]


def __getattr__(name: str) -> Any:
    """Import on demand what needs PyTorch, since the functions don't."""
    if name != 'SegmentationMetric':
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return import_module(f'{__name__}.metrics').SegmentationMetric
