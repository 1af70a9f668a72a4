"""Batches of videos."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

import torch
from torch.utils.data import BatchSampler

from mmskelseg.datasets.items import ItemSource
from mmskelseg.registry import DATA_SAMPLERS
from mmskelseg_io.messages.options import Count


class ItemSampler(Protocol):
    """A sampler that yields indices of a data set, such as ``DefaultSampler``."""

    dataset: ItemSource

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of an epoch."""


@DATA_SAMPLERS.register_module()
class LengthBatchSampler(BatchSampler):
    """Batches videos of similar length together, to reduce padding.

    The indices of the sampler are divided into pools of several batches. Each pool is
    sorted by length and divided into batches; batches are then shuffled. Use it in a
    dataloader as ``batch_sampler=dict(type='LengthBatchSampler')``.

    Args:
        sampler: Yields indices of the data set.
        batch_size: Number of videos in a batch.
        drop_last: Whether to drop incomplete batches of a pool.
        pool_batches: Number of batches in a pool. A larger pool reduces padding; a
            smaller one mixes videos more.
    """

    sampler: ItemSampler

    def __init__(
        self,
        sampler: ItemSampler,
        batch_size: Count,
        drop_last: bool = False,
        *,
        pool_batches: Count = 8,
    ) -> None:
        super().__init__(sampler, batch_size, drop_last)
        self.pool_batches = pool_batches

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the indices of each batch of an epoch."""
        indices = list(self.sampler)
        pool = self.pool_batches * self.batch_size
        batches: list[list[int]] = []
        for begin in range(0, len(indices), pool):
            by_length = sorted(
                indices[begin : begin + pool], key=self._lengths.__getitem__
            )
            batches += [
                by_length[i : i + self.batch_size]
                for i in range(0, len(by_length), self.batch_size)
            ]
        if self.drop_last:
            batches = [batch for batch in batches if len(batch) == self.batch_size]
        seed = getattr(self.sampler, 'seed', 0) + getattr(self.sampler, 'epoch', 0)
        order = torch.randperm(
            len(batches), generator=torch.Generator().manual_seed(seed)
        )
        yield from (batches[i] for i in order.tolist())

    @cached_property
    def _lengths(self) -> list[int]:
        # Read only once, since a data set unpickles an entry each time.
        dataset = self.sampler.dataset
        return [dataset.get_data_info(i)['total_frames'] for i in range(len(dataset))]
