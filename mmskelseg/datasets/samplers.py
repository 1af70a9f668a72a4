"""Batches of videos."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from torch.utils.data import BatchSampler, Sampler

from mmskelseg.registry import DATA_SAMPLERS
from mmskelseg.utils.errors import UserError


@DATA_SAMPLERS.register_module()
class LengthBatchSampler(BatchSampler):
    """Puts videos of like length into one batch, so that little of it is padding.

    The order of the sampler is cut into pools of some batches. Each pool is sorted by
    length and cut into batches, which come in random order. It is named in a
    dataloader: ``batch_sampler=dict(type='LengthBatchSampler')``.

    Args:
        sampler: Gives indices of the data set, as ``DefaultSampler`` does.
        batch_size: Videos of a batch.
        drop_last: Whether an incomplete batch of a pool is left out.
        pool_batches: Batches of a pool. More save more padding; fewer mix videos more.

    Raises:
        ValueError: If there is not at least one batch in a pool.
    """

    sampler: Any

    def __init__(
        self,
        sampler: Sampler,
        batch_size: int,
        drop_last: bool = False,
        *,
        pool_batches: int = 8,
    ) -> None:
        super().__init__(sampler, batch_size, drop_last)
        if pool_batches < 1:
            raise UserError(
                f'LengthBatchSampler: pool_batches is {pool_batches}, but must be at '
                'least 1.'
            )
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
        # Read once, since a data set unpickles its entries.
        dataset = self.sampler.dataset
        return [dataset.get_data_info(i)['total_frames'] for i in range(len(dataset))]
