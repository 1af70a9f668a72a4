"""A small model with its config and checkpoint, and a clip."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmskelseg.registry import MODELS
from mmskelseg.runtime.files.video import written_video
from tests.small_data import ROOT, small_annotations

META = small_annotations()['metainfo']


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

    def write(name='clip.mp4', frames=30, fps=10.0, img_shape=(96, 128)):
        path = tmp_path / name
        with written_video(path, fps, img_shape) as put:
            for i in range(frames):
                put(np.full((*img_shape, 3), min(40 + i, 255), np.uint8))
        return path

    return write
