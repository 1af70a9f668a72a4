"""Fixtures that several test modules use."""

import os
import subprocess
import sys

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from tests.small_data import ROOT, VECTORS, small_annotations
from tests.tool_server import IS_POSSIBLE, run_forked


def pytest_collection_modifyitems(items):
    """Begin with slow tests, so that at the end no process waits for another's."""
    items.sort(key=lambda item: item.get_closest_marker('slow') is None)


@pytest.fixture(autouse=True)
def _default_scope():
    init_default_scope('mmskelseg')


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
    from mmskelseg.runtime.files.annotations import save_annotations

    path = tmp_path / 'data' / 'annotations.pkl'
    save_annotations(small_annotations(), path)
    return path


@pytest.fixture
def run_tool(tmp_path):
    """Run a tool as a user does, in an empty folder; return the finished process."""

    def run(tool, *args, code=0, env=None):
        command = [str(ROOT / tool), *map(str, args)]
        environment = {**os.environ, 'OMP_NUM_THREADS': '1', **(env or {})}
        if IS_POSSIBLE and env is None:
            process = run_forked(command, tmp_path, environment, 300)
        else:
            process = subprocess.run(
                [sys.executable, *command],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
            )
        assert process.returncode == code, process.stdout + process.stderr
        return process

    return run
