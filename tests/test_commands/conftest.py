"""Options of commands for the small data and a small model."""

import pytest


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
