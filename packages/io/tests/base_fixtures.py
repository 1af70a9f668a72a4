"""Fixtures of all tests, without PyTorch."""

import logging
import sys

import numpy as np
import pytest

from mmskelseg_io.files.annotations import save_annotations
from tests.clips import write_video
from tests.installing import alone  # noqa: F401
from tests.small_data import ROOT, VECTORS, small_annotations

# Modules whose single tests take longest. First the one that shares a fit, so that
# the process that made it keeps all its tests.
LONGEST = ('test_fit', 'test_tutorials', 'test_wheel', 'test_page')


def pytest_collection_modifyitems(items):
    """Begin with slow tests, so that at the end no process waits for another's."""

    def rank(item):
        is_quick = item.get_closest_marker('slow') is None
        name = item.path.stem
        return is_quick, LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=rank)


@pytest.fixture(scope='session')
def shared():
    """The folder with real data and weights, which may not be published."""
    folder = ROOT.parent / 'shared'
    if not folder.is_dir():
        pytest.skip('the folder with real data and weights is not here')
    return folder


@pytest.fixture(scope='session')
def vectors():
    """Return the arrays of a file of reference vectors."""

    def load(name):
        with np.load(VECTORS / f'{name}.npz') as arrays:
            return dict(arrays)

    return load


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def small_data(tmp_path):
    """The path of a small annotation file: two training videos, one test video."""
    path = tmp_path / 'data' / 'annotations.pkl'
    save_annotations(small_annotations(), path)
    return path


@pytest.fixture
def clip(tmp_path):
    """Write a clip of so many grey frames, each a little brighter."""

    def write(name='clip.mp4', frames=30, fps=10.0, img_shape=(96, 128)):
        return write_video(tmp_path / name, range(40, 40 + frames), fps, img_shape)

    return write


@pytest.fixture
def logged(caplog, monkeypatch):
    """What the library logs, where nobody else gets it."""
    mmengine = sys.modules.get('mmengine.logging')
    logger = logging.getLogger('mmskelseg')
    if mmengine is not None:
        logger = mmengine.MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'handlers', [caplog.handler])
    monkeypatch.setattr(logger, 'propagate', False)
    caplog.set_level(logging.INFO, logger.name)
    return caplog


@pytest.fixture
def save_text(tmp_path):
    """Write a text file and return its path."""

    def save(text, name='take1.csv'):
        path = tmp_path / name
        path.write_text(text)
        return path

    return save
