"""Options of commands for the small data and a small model."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmskelseg.registry import MODELS


@pytest.fixture
def small_loaders(small_data):
    """Settings of all data loaders for the small data."""
    return [
        f'{mode}_dataloader.{setting}'
        for mode in ('train', 'val', 'test')
        for setting in (
            f'dataset.ann_file={small_data}',
            'num_workers=0',
            'persistent_workers=False',
        )
    ]


@pytest.fixture
def small_options(small_loaders):
    """The toy config on the small data, with a small model."""
    return [
        *small_loaders,
        'val_evaluator.num_classes=3',
        'test_evaluator.num_classes=3',
        'model.num_classes=3',
        'model.branches.heatmap.channels=16',
    ]


@pytest.fixture(scope='session')
def untrained():
    """Save a checkpoint of random weights for a config file, beside it."""

    def save(config, meta, **model):
        init_default_scope('mmskelseg')
        cfg = Config.fromfile(config)
        cfg.model.update(model)
        torch.manual_seed(0)
        network = MODELS.build(cfg.model)
        for name, buffer in network.named_buffers():
            if 'standardizer' in name:
                buffer.fill_(1)
        path = config.with_suffix('.pth')
        content = {'state_dict': network.state_dict(), 'meta': {'dataset_meta': meta}}
        torch.save(content, path)
        return path

    return save
