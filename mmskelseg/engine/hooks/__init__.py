"""Hooks for checks, seeds, statistics, threads, scores and timelines."""

from mmskelseg.engine.hooks.check_hook import SegCheckHook
from mmskelseg.engine.hooks.epoch_seed_hook import EpochSeedHook
from mmskelseg.engine.hooks.fit_statistics_hook import FitStatisticsHook
from mmskelseg.engine.hooks.report_hook import SegReportHook
from mmskelseg.engine.hooks.threads_hook import CPUThreadsHook
from mmskelseg.engine.hooks.visualization_hook import SegVisualizationHook

__all__ = [
    'CPUThreadsHook',
    'EpochSeedHook',
    'FitStatisticsHook',
    'SegCheckHook',
    'SegReportHook',
    'SegVisualizationHook',
]
