"""Means over the frames of all processes of a distributed run."""

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor


def mean_over_ranks(total: Tensor, count: Tensor | int) -> Tensor:
    """Return this rank's part of a mean over all frames, 0 where there is no frame.

    Distributed training takes the mean of the ranks' gradients, while their videos
    differ in length. With W ranks a part is ``W * total / count of all``, so that the
    mean of the parts is the mean over all frames, as one process computes it. All
    ranks must call it equally often, also one without a frame.

    Args:
        total: Sum over the frames of this rank, a scalar.
        count: How many these are.
    """
    if isinstance(count, int):
        count = torch.full((), count, device=total.device)
    world_size = get_world_size()
    if world_size > 1:
        count = count.clone()
        all_reduce(count)
        total = total * world_size
    return total / count.clamp(min=1)
