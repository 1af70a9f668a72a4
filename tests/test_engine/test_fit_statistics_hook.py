import logging

import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmskelseg.engine.hooks import FitStatisticsHook
from mmskelseg.models.postprocessors import build_postprocessors
from tests.errors import raises_naming
from tests.segmentors import TCN, build_segmentor

BRANCH = {**TCN, 'in_channels': 3, 'standardize': True}


class Runner:
    """What the hook reads of a runner: two videos of three channels, and a model."""

    logger = logging.getLogger('test')

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        videos = [5 + 2 * torch.randn(3, T, generator=generator) for T in (40, 25)]
        items = [{'inputs': {'pose': video}} for video in videos]
        self.frames = torch.cat(videos, dim=1)
        self.train_dataloader = DataLoader(items, collate_fn=pseudo_collate)
        self.model = build_segmentor({'pose': BRANCH}, num_classes=2)


def test_statistics_are_those_of_all_training_frames():
    """A longer video counts more; they are in the checkpoint."""
    runner = Runner()
    FitStatisticsHook().before_train(runner)
    state = runner.model.state_dict()
    prefix = 'branches.pose.standardizer'
    torch.testing.assert_close(state[f'{prefix}.mean'], runner.frames.mean(dim=1))
    deviation = runner.frames.std(dim=1, correction=0)
    torch.testing.assert_close(state[f'{prefix}.std'], deviation)
    assert state[f'{prefix}.fitted']


def test_other_channels_than_those_of_the_model_are_named():
    runner = Runner()
    items = [{'inputs': {'pose': torch.zeros(5, 9)}}]
    runner.train_dataloader = DataLoader(items, collate_fn=pseudo_collate)
    with raises_naming(ValueError, ' 5 ', ' 3;', 'model.branches.pose.in_channels'):
        FitStatisticsHook().before_train(runner)


def test_a_model_that_has_statistics_keeps_them():
    """The weights of a checkpoint were trained with its own."""
    runner = Runner()
    standardizer = runner.model.branches['pose']['standardizer']
    standardizer.fit([torch.randn(3, 10)])
    before = standardizer.mean.clone()
    FitStatisticsHook().before_train(runner)
    assert torch.equal(standardizer.mean, before)


def test_steps_of_post_processing_count_the_labels():
    """As they are annotated, whatever the pipeline makes of them."""

    class Dataset(list):
        def videos(self):
            labels = [0, 0, 1, 1, 1], [1, 1, 1, 0, 0]
            return ((i, {'label': label}) for i, label in enumerate(labels))

    runner = Runner()
    videos = [{'inputs': {'pose': torch.randn(3, 9)}} for _ in range(2)]
    runner.train_dataloader = DataLoader(Dataset(videos), collate_fn=pseudo_collate)
    steps = build_postprocessors([{'type': 'MinDuration'}], [2])
    runner.model.postprocess = steps
    FitStatisticsHook().before_train(runner)
    # Of the durations 2, 3, 3 and 2.
    assert steps[0].step()['frames'] == 2
    assert runner.model.branches['pose']['standardizer'].is_fitted
