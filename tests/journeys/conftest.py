"""What several afternoons share."""

from functools import partial
from pathlib import PurePosixPath

import pytest

from tests.small_fits import small_fits
from tests.stand_ins import write_networks


@pytest.fixture
def fit(call_tool, quick_runs):
    """Fit in an empty folder, with few steps of a small network."""
    with small_fits():
        yield partial(call_tool, 'mmskelseg', 'fit')


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """Put stand-ins where RTMPose's networks are once they have been fetched."""
    rtmlib = pytest.importorskip('rtmlib', reason='rtmlib is not installed')
    monkeypatch.delenv('TORCH_HOME', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    default = rtmlib.Body.MODE['lightweight']
    names = {key: PurePosixPath(default[key]).name for key in ('det', 'pose')}
    write_networks(tmp_path / 'cache/rtmlib/hub/checkpoints', **names, size=1.5)
