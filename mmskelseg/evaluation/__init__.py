"""Metrics of temporal action segmentation, and how time is divided among classes."""

from importlib import import_module
from typing import Any

from mmskelseg_behaviour.functional.framewise import (
    confusion_matrix,
    frame_accuracy,
    frame_ap,
    frame_mae,
    frame_map,
    frame_mse,
    frame_recall,
)
from mmskelseg_behaviour.functional.report import (
    evaluate_videos,
    format_members,
    format_report,
    format_score,
    format_summary,
    summarize_runs,
)
from mmskelseg_behaviour.functional.segmental import (
    edit_score,
    f1_from_counts,
    segmental_counts,
    segmental_f1,
)
from mmskelseg_behaviour.functional.significance import Difference, paired_bootstrap
from mmskelseg_behaviour.functional.videos import EvaluatedVideos, Video
from mmskelseg_behaviour.scores import SCORES, Score, register_score
from mmskelseg_io.structures.segments import IGNORED, resolve_background, to_segments
from mmskelseg_io.structures.time_budget import TimeBudget, budget_as_dict, time_budget

# What needs PyTorch, and its modules.
_LATER = {
    'DumpPredictions': 'metrics',
    'RiskMetric': 'metrics',
    'SegmentationMetric': 'metrics',
    'load_samples': 'predictions',
}
__all__ = [
    *_LATER,
    'IGNORED',
    'SCORES',
    'Difference',
    'Score',
    'EvaluatedVideos',
    'TimeBudget',
    'Video',
    'budget_as_dict',
    'confusion_matrix',
    'edit_score',
    'evaluate_videos',
    'f1_from_counts',
    'format_members',
    'format_report',
    'format_score',
    'format_summary',
    'frame_accuracy',
    'frame_ap',
    'frame_mae',
    'frame_map',
    'frame_mse',
    'frame_recall',
    'paired_bootstrap',
    'register_score',
    'resolve_background',
    'segmental_counts',
    'segmental_f1',
    'summarize_runs',
    'time_budget',
    'to_segments',
]


def __getattr__(name: str) -> Any:
    """Import on demand what needs PyTorch, since the functions don't."""
    if name not in _LATER:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_LATER[name]}'), name)
