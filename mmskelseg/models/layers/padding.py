"""Lengths, masks and stacked annotations of a padded batch."""

from collections.abc import Sequence

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor

from mmskelseg.utils.errors import UserError


def video_lengths(x: Tensor, samples: Sequence[ActionDataSample] | None) -> list[int]:
    """Return the true length of each video of a batch (N, C, T, ...).

    It is ``total_frames`` of the sample's meta information, else that of its labels,
    else T.

    Raises:
        UserError: If a video is longer than the batch.
    """
    longest = x.shape[2]
    if samples is None:
        return [longest] * len(x)
    lengths = [
        sample.get('total_frames') or len(sample.get('gt_label', range(longest)))
        for sample in samples
    ]
    for sample, length in zip(samples, lengths, strict=True):
        if length > longest:
            raise UserError(
                f'{sample.get("frame_dir")}: {length} frames, but features of '
                f'{longest}; features and labels must come from the same frames.'
            )
    return lengths


def frame_mask(lengths: Sequence[int], frames: int, like: Tensor) -> Tensor | None:
    """Return 1 for frames and 0 for padding, shape (N, 1, T); None without padding.

    Args:
        lengths: True length of each video.
        frames: T.
        like: A tensor of the type and on the device that the mask gets.
    """
    if min(lengths) == frames:
        return None
    # Filled there, since copying the lengths to a GPU would wait for it.
    mask = like.new_ones(len(lengths), 1, frames)
    for i, length in enumerate(lengths):
        mask[i, :, length:] = 0
    return mask


def stack_frames(
    samples: Sequence[ActionDataSample],
    key: str,
    lengths: Sequence[int],
    frames: int,
    fill: int | float,
    dtype: torch.dtype,
) -> Tensor:
    """Return a field (T,) of all samples as a batch (N, T) on the host.

    Args:
        samples: With the field.
        key: Name of the field.
        lengths: Frames of each video.
        frames: T.
        fill: What the padding holds.
        dtype: Of the batch.

    Raises:
        UserError: If a video lacks it, or has it for another number of frames.
    """
    batch = torch.full((len(samples), frames), fill, dtype=dtype)
    for row, length, sample in zip(batch, lengths, samples, strict=True):
        values = sample.get(key)
        if values is None or len(values) != length:
            raise UserError(
                f'{sample.get("frame_dir")}: a loss needs {key} for its {length} '
                f'frames, but there are {0 if values is None else len(values)} values; '
                f'add {key.removeprefix("gt_")!r} to its annotation.'
            )
        row[:length] = values
    return batch


def to_device(x: Tensor, device: torch.device) -> Tensor:
    """Return a host tensor on a device, without waiting for it."""
    # A GPU is waited for unless the memory is pinned.
    x = x.pin_memory() if device.type == 'cuda' and x.device.type == 'cpu' else x
    return x.to(device, non_blocking=True)
