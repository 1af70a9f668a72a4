"""Fits whose trainings are short."""

from contextlib import contextmanager

import pytest

from mmskelseg.automl import folds
from mmskelseg.engine import lengths
from mmskelseg.engine.new_config import Choice


@contextmanager
def small_fits(steps=2, **network):
    """Train so many steps of one small network, in two folds."""
    chosen = Choice._model

    def small(choice, temperature):
        model = chosen(choice, temperature)
        (branch,) = model['branches'].values()
        branch |= {'channels': 8, 'num_layers': 2, **network}
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Choice, '_model', small)
        patch.setattr(folds, '_MOST_FOLDS', 2)
        # Of two networks, each would have half of the most.
        patch.setattr(lengths, '_STEPS', (steps, steps + 1))
        patch.setattr(lengths, '_FRAMES', 0)
        yield patch
