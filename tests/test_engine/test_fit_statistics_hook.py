import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.dataset import pseudo_collate
from mmengine.hooks import EMAHook
from torch.utils.data import DataLoader

from mmskelseg.engine.hooks import FitStatisticsHook
from mmskelseg.models.postprocessors import ActionOrder, build_postprocessors
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


@pytest.mark.parametrize('tiers', [None, [2, 2]])
def test_the_cost_of_a_segment_is_found_after_the_last_epoch(tiers):
    """On predictions of the averaged model, in the order of its own classes."""
    order = {'type': 'ActionOrder', 'frames': 1}
    classes = sum(tiers or [2])
    runner = Runner()
    models = [
        build_segmentor(
            {'pose': BRANCH}, num_classes=classes, tiers=tiers, postprocess=[order]
        )
        for _ in range(2)
    ]
    runner.model, average = models
    with torch.no_grad():
        for weight in runner.model.parameters():
            weight.normal_()
    for model in models:
        for step in model.modules():
            if isinstance(step, ActionOrder):
                step.fit([np.array([0, 1])])
    items, pairs = [], []
    for x in (torch.randn(3, 30), torch.randn(3, 40)):
        sample = ActionDataSample()
        (found,) = average.eval()({'pose': x[None]}, [sample.clone()], mode='predict')
        label = found.pred_score.numpy()
        label = [part.argmax(axis=0) for part in np.split(label, classes // 2)]
        sample.set_gt_label(np.stack(label) if tiers else label[0])
        items.append({'inputs': {'pose': x}, 'data_samples': sample})
        pairs.append((label[-1], found.pred_score.numpy()[-2:]))
    runner.train_dataloader = DataLoader(items, collate_fn=pseudo_collate)
    hook = EMAHook()
    hook.ema_model = SimpleNamespace(module=average)
    runner.hooks, runner.max_epochs, runner.epoch = [hook], 5, 3
    average.train()
    steps = [[m for m in x.modules() if isinstance(m, ActionOrder)] for x in models]
    statistics = FitStatisticsHook()
    statistics.after_train_epoch(runner)
    assert all(step.cost == 0 for own in steps for step in own)
    runner.epoch = 4
    statistics.after_train_epoch(runner)
    costs = [[float(step.cost) for step in own] for own in steps]
    assert costs[0] == costs[1]
    expected = ActionOrder(2)
    expected.weigh(pairs)
    assert costs[0][-1] == pytest.approx(float(expected.cost))
    assert average.training


def test_a_cost_that_is_set_stays():
    runner = Runner()
    order = {'type': 'ActionOrder', 'frames': 1, 'cost': 2.5}
    runner.model = build_segmentor({'pose': BRANCH}, num_classes=2, postprocess=[order])
    runner.hooks, runner.max_epochs, runner.epoch = [], 1, 0
    FitStatisticsHook().after_train_epoch(runner)
    assert float(runner.model.postprocess[0].cost) == 2.5
