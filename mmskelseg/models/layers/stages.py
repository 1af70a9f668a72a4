"""Numbers of channels of the stages of a model."""

from collections.abc import Iterable, Sequence


def for_each_stage(channels: int | Sequence[int], num_stages: int) -> list[int]:
    """Return the channels of each stage, given their number, or one for all stages.

    >>> for_each_stage(64, 3), for_each_stage((64, 32, 32), 3)
    ([64, 64, 64], [64, 32, 32])
    """
    return [channels] * num_stages if isinstance(channels, int) else list(channels)


def total_channels(
    channels: Iterable[int | Sequence[int]], num_stages: int
) -> int | list[int]:
    """Return the sum of several numbers of channels, or that of each stage.

    >>> total_channels([64, 8], 3), total_channels([64, (64, 32, 32)], 3)
    (72, [128, 96, 96])
    """
    each = (for_each_stage(part, num_stages) for part in channels)
    totals = [sum(parts) for parts in zip(*each, strict=True)]
    return totals[0] if len(set(totals)) == 1 else totals
