from types import SimpleNamespace

import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset

from mmskelseg.datasets.action_seg_dataset import ActionSegDataset
from mmskelseg.engine.hooks import EpochSeedHook


@pytest.mark.parametrize(
    'wrap',
    [
        lambda dataset: dataset,
        lambda dataset: RepeatDataset(dataset, 2),
        lambda dataset: ConcatDataset([dataset, dataset]),
    ],
)
def test_videos_are_told_epoch_and_seed(small_data, wrap):
    """Also those inside of MMEngine's wrappers."""
    dataset = ActionSegDataset(str(small_data), 'train', features={}, pipeline=[])
    outer = wrap(dataset)
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=outer, sampler=None), epoch=7, seed=5
    )
    EpochSeedHook().before_train_epoch(runner)
    assert (outer[0]['epoch'], outer[0]['run_seed']) == (7, 5)
