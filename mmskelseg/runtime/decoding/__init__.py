"""Decoding: frame labels from the probabilities of a model, with NumPy only."""

from mmskelseg.runtime.decoding.filters import (
    causal_min_duration,
    median_filter,
    min_duration,
    refine_boundaries,
)
from mmskelseg.runtime.decoding.orders import action_order
from mmskelseg.runtime.decoding.steps import decode, run_step

__all__ = [
    'action_order',
    'causal_min_duration',
    'decode',
    'median_filter',
    'min_duration',
    'refine_boundaries',
    'run_step',
]
