"""Decoding: frame labels from the probabilities of a model, with NumPy only."""

from mmskelseg_io.entry_points import import_entry_points
from mmskelseg_runtime.decoding.filters import (
    causal_min_duration,
    min_duration,
    refine_boundaries,
)
from mmskelseg_runtime.decoding.orders import action_order
from mmskelseg_runtime.decoding.steps import STEPS, decode, run_step

__all__ = [
    'STEPS',
    'action_order',
    'causal_min_duration',
    'decode',
    'min_duration',
    'refine_boundaries',
    'run_step',
]

import_entry_points('postprocessing')
