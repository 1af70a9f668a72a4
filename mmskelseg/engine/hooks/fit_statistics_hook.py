"""Statistics of the training set that a model needs before the first step."""

from collections.abc import Iterator
from typing import cast

import numpy as np
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.dist import broadcast, is_main_process
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmskelseg.engine.hooks.epoch_seed_hook import innermost
from mmskelseg.models.layers.standardizer import FeatureStandardizer, Fitted
from mmskelseg.models.postprocessors import ActionOrder
from mmskelseg.models.segmentors import ActionSegmentor
from mmskelseg.models.segmentors.branches import branch_features
from mmskelseg.registry import HOOKS


@HOOKS.register_module()
class FitStatisticsHook(Hook):
    """A hook that computes the training-set statistics a model stores with its weights.

    For standardised features, these are the mean and deviation of each channel, as
    output by the pipeline in the first epoch, including augmentation. For
    post-processing steps, they are counts in the annotated labels. A model that already
    has statistics, from a checkpoint, keeps them. After the last epoch, the cost of a
    segment follows from the averaged model's predictions of the training videos, with
    their augmentation.
    """

    def before_train(self, runner: Runner) -> None:
        """Compute the statistics that the model lacks."""
        dataset = runner.train_dataloader.dataset
        for key, part in unfitted(runner).items():
            if is_main_process():
                group, name, *_ = key.split('.')
                if group == 'branches':
                    channels = len(cast(FeatureStandardizer, part).mean)
                    # One pass per branch, since memory may not hold all features.
                    items = (dataset[i]['inputs'] for i in range(len(dataset)))
                    part.fit(branch_features(x, name, channels, axis=0) for x in items)
                else:
                    part.fit(_labels(dataset, part.tier))
                    runner.logger.info(f'Counted on the training labels: {part}')
            for tensor in part.buffers():
                broadcast(tensor)

    def after_train_epoch(self, runner: Runner) -> None:
        """Find the cost of a segment, after the last epoch."""
        if not self.is_last_train_epoch(runner):
            return
        averages = [h.ema_model.module for h in runner.hooks if isinstance(h, EMAHook)]
        models = [*averages, bare_model(runner)]
        dataset = runner.train_dataloader.dataset
        for step, *copies in zip(*map(_unweighed, models), strict=True):
            if is_main_process():
                step.weigh(predicted_videos(models[0], dataset, step.tier))
                runner.logger.info(f'A segment costs {step.cost:.1f} nats.')
            broadcast(step.cost)
            for copy in copies:
                copy.cost.copy_(step.cost)


def _unweighed(model: nn.Module) -> list[ActionOrder]:
    """Return the steps of a model for which a segment's cost is to be found."""
    steps = [part for part in model.modules() if isinstance(part, ActionOrder)]
    return [step for step in steps if not step.is_weighed]


def predicted_videos(
    model: ActionSegmentor, dataset: BaseDataset, tier: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the labels (T,) and probabilities (K, T) of each item, of one tier."""
    was_training = model.training
    model.eval()
    items = (inner[i] for inner in innermost(dataset) for i in range(len(inner)))
    for item in items:
        (sample,) = model.test_step(pseudo_collate([item]))
        label, score = sample.gt_label, sample.pred_score
        label, score = label.cpu().numpy(), score.cpu().numpy()
        if tier is not None:
            label = label[tier]
            score = np.split(score, np.cumsum(model.tiers)[:-1])[tier]
        yield label, score
    model.train(was_training)


def bare_model(runner: Runner) -> nn.Module:
    """Return the model of a runner, without a wrapper for several processes."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def unfitted(runner: Runner) -> dict[str, Fitted]:
    """Return the parts of a runner's model that still lack statistics, by name."""
    model = bare_model(runner)
    return {
        name: part
        for name, part in model.named_modules()
        if isinstance(part, Fitted) and not part.is_fitted
    }


def _labels(dataset: BaseDataset, tier: int | None) -> Iterator[np.ndarray]:
    """Yield the annotated labels (T,) of each video in a data set, of one tier."""
    for inner in innermost(dataset):
        for _, video in inner.videos():
            label = np.asarray(video['label'])
            yield label if tier is None else label[tier]
