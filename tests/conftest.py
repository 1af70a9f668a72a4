"""Fixtures that several test modules use."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _default_scope():
    init_default_scope('mmskelseg')


@pytest.fixture(scope='session')
def shared():
    """The folder with reference vectors, data and weights, which users do not have."""
    folder = ROOT.parent / 'shared'
    if not folder.is_dir():
        pytest.skip('the folder with reference vectors, data and weights is not here')
    return folder


@pytest.fixture(scope='session')
def vectors(shared):
    """Return the arrays of a file of reference vectors."""

    def load(name):
        with np.load(shared / 'vectors' / f'{name}.npz') as arrays:
            return dict(arrays)

    return load


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def small_annotations(lengths=(60, 45, 50), num_classes=3, seed=0):
    """Return annotations of one walking COCO person a video, in segments of labels."""
    rng = np.random.default_rng(seed)
    videos = []
    for i, length in enumerate(lengths):
        keypoint = rng.normal([320, 240], 60, (1, 1, 17, 2))
        keypoint = keypoint + rng.normal(0, 4, (1, length, 17, 2)).cumsum(axis=1)
        label = (np.arange(length) // 12 + i) % num_classes
        # The class decides where the left wrist is.
        keypoint[0, :, 9] = 100 + 120 * label[:, None]
        videos.append(
            {
                'frame_dir': f'video_{i}',
                'total_frames': length,
                'img_shape': (480, 640),
                'keypoint': keypoint.astype(np.float32),
                'keypoint_score': np.ones((1, length, 17), np.float32),
                'label': label.astype(np.int64),
                'fps': 10.0,
            }
        )
    names = [video['frame_dir'] for video in videos]
    return {
        'annotations': videos,
        'split': {'train': names[:-1], 'test': names[-1:]},
        'metainfo': {
            'classes': [f'class_{k}' for k in range(num_classes)],
            'skeleton': 'coco17',
            'dataset': 'small',
            'background': None,
        },
    }


@pytest.fixture
def small_data(tmp_path):
    """The path of a small annotation file: two training videos, one test video."""
    from mmskelseg.datasets import save_annotations

    path = tmp_path / 'data' / 'annotations.pkl'
    save_annotations(small_annotations(), path)
    return path


@pytest.fixture
def run_tool(tmp_path):
    """Run a tool as a user does, in an empty folder; return the finished process."""

    def run(tool, *args, code=0, env=None):
        process = subprocess.run(
            [sys.executable, str(ROOT / tool), *map(str, args)],
            cwd=tmp_path,
            env={**os.environ, 'OMP_NUM_THREADS': '1', **(env or {})},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert process.returncode == code, process.stdout + process.stderr
        return process

    return run
