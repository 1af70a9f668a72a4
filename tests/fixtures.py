"""Fixtures of all tests where the plugin is installed, also of those in projects/."""

import importlib
import os
import runpy
import subprocess
import sys
from subprocess import CompletedProcess

import pytest
import torch
from mmengine.config import Config
from mmengine.device import utils as device_utils
from mmengine.registry import init_default_scope

from mmskelseg_io.jobs import processes
from tests.devices import NOWHERE
from tests.small_data import ROOT, TOY, small_annotations, small_training
from tests.tool_server import (
    CAPTURED,
    IS_POSSIBLE,
    preloaded_context,
    run_python,
    serve_commands,
)

META = small_annotations()['metainfo']

# Tests run side by side. With one thread, PyTorch works in processes that they fork,
# where those that it has started before would be missing.
os.environ['OMP_NUM_THREADS'] = '1'
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _default_scope():
    init_default_scope('mmskelseg')
    # Random weights that happen to hide something would fail a test now and then.
    torch.manual_seed(0)


@pytest.fixture
def elsewhere(monkeypatch):
    """Let MMEngine choose a device on which nothing may be."""
    monkeypatch.setattr(device_utils, 'DEVICE', NOWHERE)


@pytest.fixture
def small_config(small_data):
    """The toy config on the small data, with a small model of 3 classes."""
    cfg = Config.fromfile(TOY)
    cfg.merge_from_dict(
        {
            'model.num_classes': 3,
            'model.branches.heatmap.channels': 8,
            'test_dataloader.dataset.ann_file': str(small_data),
        }
    )
    return cfg


@pytest.fixture
def small_options(small_data):
    """The toy config on the small data, with a small model."""
    return small_training(small_data)


@pytest.fixture
def checkpoint(tmp_path):
    """Save a model with random weights; return its checkpoint."""

    from mmskelseg.registry import MODELS

    def save(cfg, meta=META, name='model.pth', seed=0):
        torch.manual_seed(seed)
        state = MODELS.build(cfg.model).state_dict()
        path = tmp_path / name
        meta = {'dataset_meta': meta, 'cfg': cfg.pretty_text, 'seed': seed}
        torch.save({'state_dict': state, 'meta': meta}, path)
        return path

    return save


@pytest.fixture(scope='session')
def served(tmp_path_factory):
    """The folder of commands that run in forks; None where this is not possible."""
    folder = tmp_path_factory.mktemp('served')
    if not IS_POSSIBLE:
        yield None
        return
    with serve_commands(folder):
        yield folder


@pytest.fixture
def run_tool(tmp_path, served):
    """Run a tool as a user does, in an empty folder; return the finished process."""

    def run(tool, *args, code=0, env=None, limit=None):
        command = [str(ROOT / tool), *map(str, args)]
        environment = {**os.environ, **(env or {})}
        if env is None:
            python = served and served / 'python'
            process = run_python(command, tmp_path, environment, 300, limit, python)
        else:
            command = [sys.executable, *command]
            process = subprocess.run(
                command, cwd=tmp_path, env=environment, timeout=300, **CAPTURED
            )
        assert process.returncode == code, process.stdout + process.stderr
        return process

    return run


@pytest.fixture
def call_tool(monkeypatch, capsys, tmp_path):
    """Run a tool in this process, many times faster; return it as if it were its own.

    The test runs in an empty folder. One of each tool should still use ``run_tool``.
    """
    monkeypatch.chdir(tmp_path)

    def call(tool, *args, code=0):
        path = ROOT / tool
        monkeypatch.syspath_prepend(str(path.parent))
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        ended, message = 0, ''
        try:
            runpy.run_path(str(path), run_name='__main__')
        except SystemExit as end:
            ended = 1 if isinstance(end.code, str) else end.code
            message = f'{end.code}\n' if isinstance(end.code, str) else ''
        shown = capsys.readouterr()
        done = CompletedProcess(sys.argv, ended, shown.out, shown.err + message)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def tool(monkeypatch, request):
    """The script that a test module names as TOOL, imported."""
    path = ROOT / request.module.TOOL
    monkeypatch.syspath_prepend(str(path.parent))
    return importlib.import_module(path.stem)


@pytest.fixture
def quick_runs(monkeypatch, served):
    """Fork what a test or ``call_tool`` starts."""
    if served:
        monkeypatch.setattr(sys, 'executable', str(served / 'python'))
        monkeypatch.setattr(processes, 'get_context', lambda _: preloaded_context())
