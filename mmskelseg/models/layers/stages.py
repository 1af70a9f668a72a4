"""Numbers of channels of the stages of a model."""

from collections.abc import Iterable, Sequence

from mmskelseg.utils.errors import UserError


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
