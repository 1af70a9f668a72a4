"""Statistics of the training set that a model needs before the first step."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dist import broadcast, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmskelseg.engine.hooks.epoch_seed_hook import innermost
from mmskelseg.models.layers import FeatureStandardizer, Fitted
from mmskelseg.registry import HOOKS
from mmskelseg.runtime.messages.errors import UserError


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
                    # One pass per branch, since memory may not hold all features.
                    items = (dataset[i]['inputs'] for i in range(len(dataset)))
                    channels = len(cast(FeatureStandardizer, part).mean)
                    part.fit(_features(items, name, channels))
                else:
                    part.fit(labels_of(dataset, part.tier))
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


def labels_of(dataset: BaseDataset, tier: int | None = None) -> Iterator[np.ndarray]:
    """Yield the annotated labels (T,) of each video in a data set, of one tier."""
    for inner in innermost(dataset):
        for _, video in inner.videos():
            label = np.asarray(video['label'])
            yield label if tier is None else label[tier]


def _features(
    items: Iterable[Mapping[str, Tensor]], name: str, channels: int
) -> Iterator[Tensor]:
    for inputs in items:
        if name not in inputs:
            raise UserError(
                f'The model has a branch {name!r}, but the inputs are {list(inputs)}; '
                'name it under dataset.features as well.'
            )
        if len(inputs[name]) != channels:
            raise UserError(
                f'The {name} features have {len(inputs[name])} channels, but the model '
                f'expects {channels}; set model.branches.{name}.in_channels to that of '
                'the features.'
            )
        yield inputs[name]
