"""Fixtures that several test modules use."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from tests.small_data import ROOT, VECTORS, small_annotations
from tests.tool_server import IS_POSSIBLE, run_forked

META = small_annotations()['metainfo']


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
def small_config(small_data):
    """The toy config on the small data, with a small model of 3 classes."""
    cfg = Config.fromfile(ROOT / 'configs' / 'skelseg' / 'toy_joint_limb.py')
    cfg.merge_from_dict(
        {
            'model.num_classes': 3,
            'model.branches.heatmap.channels': 8,
            'test_dataloader.dataset.ann_file': str(small_data),
        }
    )
    return cfg


@pytest.fixture
def checkpoint(tmp_path):
    """Save a model with random weights; return its checkpoint."""

    from mmskelseg.registry import MODELS

    def save(cfg, meta=META, name='model.pth', seed=0):
        torch.manual_seed(seed)
        state = MODELS.build(cfg.model).state_dict()
        path = tmp_path / name
        meta = {'dataset_meta': meta, 'cfg': cfg.pretty_text}
        torch.save({'state_dict': state, 'meta': meta}, path)
        return path

    return save


@pytest.fixture
def clip(tmp_path):
    """Write a clip of so many grey frames, each a little brighter."""

    from mmskelseg.runtime.files.video import written_video

    def write(name='clip.mp4', frames=30, fps=10.0, img_shape=(96, 128)):
        path = tmp_path / name
        with written_video(path, fps, img_shape) as put:
            for i in range(frames):
                put(np.full((*img_shape, 3), min(40 + i, 255), np.uint8))
        return path

    return write


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
