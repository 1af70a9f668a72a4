"""Logits of several tiers: each tier has a distribution of its own."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def within_tiers(
    function: Callable[..., Tensor], x: Tensor, tiers: Sequence[int], dim: int
) -> Tensor:
    """Return ``function(part, dim=dim)`` of the part of each tier, side by side.

    The classes of all tiers lie along the dimension ``dim``; ``tiers`` are the numbers
    of classes of each.

    >>> within_tiers(torch.softmax, torch.zeros(4), [1, 3], 0)
    tensor([1.0000, 0.3333, 0.3333, 0.3333])
    """
    if len(tiers) == 1:
        return function(x, dim=dim)
    parts = x.split(list(tiers), dim)
    return torch.cat([function(part, dim=dim) for part in parts], dim)
