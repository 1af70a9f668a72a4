"""What a model takes from the training set before the first step."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from mmengine.dist import broadcast, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from mmskelseg.models.layers import Fitted
from mmskelseg.registry import HOOKS
from mmskelseg.utils.errors import UserError


@HOOKS.register_module()
class FitStatisticsHook(Hook):
    """Finds the statistics of the training set that a model keeps with its weights.

    For features that are standardised these are the mean and deviation of each channel,
    as the pipeline gives them in the first epoch, augmented if it augments; for steps
    of post-processing what they count in the labels, as they are annotated. A model
    that comes with statistics, from a checkpoint, keeps them.
    """

    def before_train(self, runner: Runner) -> None:
        """Find them, unless the model has them."""
        dataset = runner.train_dataloader.dataset
        for key, part in unfitted(runner).items():
            if is_main_process():
                group, name, *_ = key.split('.')
                if group == 'branches':
                    # A pass for each, since features of all may fill the memory.
                    items = (dataset[i]['inputs'] for i in range(len(dataset)))
                    part.fit(_features(items, name))
                else:
                    part.fit(labels_of(dataset))
            for tensor in part.buffers():
                broadcast(tensor)


def unfitted(runner: Runner) -> dict[str, Any]:
    """Return the parts of a runner's model that have no statistics yet, by name."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return {
        name: part
        for name, part in model.named_modules()
        if isinstance(part, Fitted) and not part.is_fitted
    }


def labels_of(dataset: Any) -> Iterator[np.ndarray]:
    """Yield the labels (T,) of each video of a data set, as they are annotated."""
    for i in range(len(dataset)):
        yield np.asarray(dataset.get_data_info(i)['label'])


def _features(items: Iterable[Mapping[str, Tensor]], name: str) -> Iterator[Tensor]:
    for inputs in items:
        if name not in inputs:
            raise UserError(
                f'The model has a branch {name!r}, but the inputs are {list(inputs)}; '
                'name it under dataset.features as well.'
            )
        yield inputs[name]
