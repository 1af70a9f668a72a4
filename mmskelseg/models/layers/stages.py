"""Stages of a model: their numbers of channels, and how they read a video."""

import inspect
from collections.abc import Iterable, Sequence

from torch import Tensor, nn

from mmskelseg.models.layers.padding import Videos, masked, packed, unpacked
from mmskelseg.models.layers.temporal_conv import uses_loops
from mmskelseg_io.messages.errors import UserError


def for_each_stage(channels: int | Sequence[int], num_stages: int) -> list[int]:
    """Return the number of channels of each stage; an int holds for all.

    >>> for_each_stage(64, 3), for_each_stage((64, 32, 32), 3)
    ([64, 64, 64], [64, 32, 32])

    Raises:
        ValueError: If there are channels for another number of stages.
    """
    if isinstance(channels, int):
        return [channels] * num_stages
    if len(channels) != num_stages:
        raise UserError(
            f'There are {len(channels)} numbers of channels, {tuple(channels)}, for '
            f'{num_stages} stages; a backbone needs as many in out_channels as it has '
            'stages, or one for all.'
        )
    return list(channels)


def total_channels(
    channels: Iterable[int | Sequence[int]], num_stages: int
) -> int | list[int]:
    """Return the summed channels: an int if equal in all stages, else a list.

    >>> total_channels([64, 8], 3), total_channels([64, (64, 32, 32)], 3)
    (72, [128, 96, 96])
    """
    each = (for_each_stage(part, num_stages) for part in channels)
    totals = [sum(parts) for parts in zip(*each, strict=True)]
    return totals[0] if len(set(totals)) == 1 else totals


def run_stage(
    stage: nn.Module, x: Tensor, mask: Tensor | None, *features: Tensor
) -> Tensor:
    """Run a stage; if it requires a mask, it gets ones instead of None.

    Args:
        stage: A module that is called as ``stage(x, mask, *features)``.
        x: Shape (N, C, T) or (N, C, T, ...).
        mask: Shape (N, 1, T), or None.
        features: The features of the previous stage, if it reads them.
    """
    _, parameter, *_ = inspect.signature(stage.forward).parameters.values()
    if mask is None and parameter.default is inspect.Parameter.empty:
        mask = x.new_ones(len(x), 1, x.shape[2])
    return stage(x, mask, *features)


def run_layers(
    layers: Iterable[nn.Module],
    x: Tensor,
    mask: Tensor | None,
    *sources: Tensor | None,
) -> Tensor:
    """Return the output of the layers of a stage, one after another, (N, C, T).

    The padding becomes 0. On CPUs, the layers get no padding, but the videos of a batch
    one after another.

    Args:
        layers: Modules that are called as ``layer(x, videos, *sources)``, where
            ``videos`` says where in x the videos are: a mask, None, or their lengths.
        x: Features that the first layer reads, (N, C, T).
        mask: Shape (N, 1, T), or None.
        sources: Further features (N, C', T) that all layers read, or None.
    """

    def run(x: Tensor, videos: Videos, *sources: Tensor | None) -> Tensor:
        for layer in layers:
            x = layer(x, videos, *sources)
        return x

    if mask is None or not uses_loops(x):
        return run(masked(x, mask), mask, *sources)
    lengths = tuple(mask.sum(dim=(1, 2)).int().tolist())
    rows = [None if s is None else packed(s, lengths) for s in sources]
    return unpacked(run(packed(x, lengths), lengths, *rows), lengths, x.shape[2])
