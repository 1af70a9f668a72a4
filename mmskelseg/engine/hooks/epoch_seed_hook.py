"""Random states that make a resumed training equal to an uninterrupted one."""

import random
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmskelseg.registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """A hook that seeds all random states by the run's seed, the epoch and the rank.

    MMEngine's checkpoints contain no random states, so a resumed run would repeat the
    dropout of its start. MMEngine would also shuffle videos by the seed of the new run
    instead of the one in the checkpoint.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Shuffle videos by the checkpoint's seed, and set the epoch of data sets."""
        for dataset in innermost(runner.train_dataloader.dataset):
            if hasattr(dataset, 'set_epoch'):
                dataset.set_epoch(runner.epoch, runner.seed)
        loader = runner.train_dataloader
        # A batch sampler contains the actual sampler.
        batches = getattr(loader, 'batch_sampler', None)
        for sampler in (loader.sampler, getattr(batches, 'sampler', None)):
            if sampler is None or not hasattr(sampler, 'seed'):
                continue
            if not runner._randomness_cfg.get('diff_rank_seed'):
                sampler.seed = runner.seed

    def before_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Mapping[str, object] | None = None,
    ) -> None:
        """Seed Python, NumPy and PyTorch at the first step of an epoch.

        This is not done before the epoch, since a loader with persistent workers draws
        from PyTorch's state only in the first epoch of a run.
        """
        if batch_idx > 0:
            return
        drawn = np.random.SeedSequence((runner.seed, runner.epoch, get_rank()))
        seed = int(drawn.generate_state(1)[0])
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)


def innermost(dataset: BaseDataset) -> Iterator[BaseDataset]:
    """Yield the data sets inside MMEngine's wrappers (repeated, concatenated, ...)."""
    if hasattr(dataset, 'datasets'):
        for part in dataset.datasets:
            yield from innermost(part)
    elif hasattr(dataset, 'dataset'):
        yield from innermost(dataset.dataset)
    else:
        yield dataset
