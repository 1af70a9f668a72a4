"""Random states of a resumed training, as if it had not stopped."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmskelseg.registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds every random state from the run's seed, the epoch and the rank.

    MMEngine's checkpoints hold no random states, and a resumed run would draw its
    dropout from the start again. It also orders the videos by the seed at hand when
    the run was built, instead of the one in the checkpoint.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Order the videos by the seed of the checkpoint, and tell them the epoch."""
        for dataset in _innermost(runner.train_dataloader.dataset):
            if hasattr(dataset, 'set_epoch'):
                dataset.set_epoch(runner.epoch, runner.seed)
        loader = runner.train_dataloader
        # A loader has a sampler of its own where another one puts batches together.
        batches = getattr(loader, 'batch_sampler', None)
        for sampler in (loader.sampler, getattr(batches, 'sampler', None)):
            if sampler is None or not hasattr(sampler, 'seed'):
                continue
            if not runner._randomness_cfg.get('diff_rank_seed'):
                sampler.seed = runner.seed

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed Python, NumPy and PyTorch at the first step of an epoch.

        Not before the epoch: a loader whose workers live on draws from PyTorch's state
        when its run begins, and in no later epoch.
        """
        if batch_idx > 0:
            return
        drawn = np.random.SeedSequence((runner.seed, runner.epoch, get_rank()))
        seed = int(drawn.generate_state(1)[0])
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)


def _innermost(dataset: Any) -> Iterator[Any]:
    """Yield the data sets inside MMEngine's wrappers (repeated, concatenated, ...)."""
    if hasattr(dataset, 'datasets'):
        for part in dataset.datasets:
            yield from _innermost(part)
    elif hasattr(dataset, 'dataset'):
        yield from _innermost(dataset.dataset)
    else:
        yield dataset
