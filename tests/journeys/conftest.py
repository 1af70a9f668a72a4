"""What several afternoons share."""

from functools import partial

import pytest

from mmskelseg.engine import planning


@pytest.fixture
def fit(call_tool, quick_runs, monkeypatch):
    """Fit in an empty folder, whose trainings have few steps of one network."""
    monkeypatch.setattr(planning, '_STEPS', (40, 41))
    monkeypatch.setattr(planning, '_FRAMES', 0)
    return partial(call_tool, 'mmskelseg', 'fit')
