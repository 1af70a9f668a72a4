"""Statistics of the training set that a model needs before the first step."""

from collections.abc import Iterator
from typing import cast

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dist import broadcast, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmskelseg.engine.hooks.epoch_seed_hook import innermost
from mmskelseg.models.layers import FeatureStandardizer, Fitted
from mmskelseg.models.segmentors.branches import branch_features
from mmskelseg.registry import HOOKS


@HOOKS.register_module()
class FitStatisticsHook(Hook):
    """A hook that computes the training-set statistics a model stores with its weights.

    For standardised features, these are the mean and deviation of each channel, as
    output by the pipeline in the first epoch, including augmentation. For
    post-processing steps, they are counts in the annotated labels. A model that already
    has statistics, from a checkpoint, keeps them.
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
