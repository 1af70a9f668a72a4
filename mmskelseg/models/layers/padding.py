"""Batches of videos of different lengths, and layers that ignore padding.

A mask is 1 for frames and 0 for padding, shape (N, 1, T). It is None if no video of a
batch is padded; the segmentor decides that once, without synchronising with a GPU.
"""

from collections.abc import Sequence

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.utils.errors import UserError


def video_lengths(x: Tensor, samples: Sequence[ActionDataSample] | None) -> list[int]:
    """Return the true length of each video of a batch (N, C, T, ...).

    It is ``total_frames`` in the sample's meta information, else the length of its
    labels, else T.
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
    """Return the mask for videos of these lengths, with a tensor's type and device."""
    if min(lengths) == frames:
        return None
    # Filled on the device, since copying the lengths to a GPU would wait for it.
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

    The padding is ``fill``. Each video must have a value for each of its frames.
    """
    batch = torch.full((len(samples), frames), fill, dtype=dtype)
    for row, length, sample in zip(batch, lengths, samples, strict=True):
        values = sample.get(key)
        if values is None or len(values) != length:
            raise UserError(
                f'{sample.get("frame_dir")}: the loss needs {key} for its {length} '
                f'frames, but there are {0 if values is None else len(values)} values; '
                f'add {key.removeprefix("gt_")!r} to its annotation.'
            )
        row[:length] = values
    return batch


def to_device(x: Tensor, device: torch.device) -> Tensor:
    """Copy a host tensor to a device without waiting for it."""
    # Copying to a GPU waits for it unless the memory is pinned.
    x = x.pin_memory() if device.type == 'cuda' and x.device.type == 'cpu' else x
    return x.to(device, non_blocking=True)


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return x (N, C, T, ...) with the padding set to 0."""
    return x if mask is None else x * mask.view(*mask.shape, *[1] * (x.dim() - 3))


def norm_frames(norm: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Return x normalised over its frames, without the padding, which becomes 0.

    All frames of a batch share their statistics, as if its videos followed one another
    without padding. A single frame has no deviation, so it is normalised with the
    running statistics in training as well.

    Args:
        norm: A ``BatchNorm1d``, or a ``SyncBatchNorm`` into which it was converted.
        x: Shape (N, C, T) or (N, C, T, V).
        mask: Shape (N, 1, T), or None.
    """
    if mask is None:
        return _normed(norm, x.flatten(2)).view_as(x)
    frames = mask[:, 0] > 0
    # (C, n, ...), with n the number of frames
    valid = x.transpose(0, 1)[:, frames]
    normed = _normed(norm, valid.flatten(1)[None])[0].view_as(valid)
    padded = normed.new_zeros(x.shape)
    padded.transpose(0, 1)[:, frames] = normed
    return padded


def _normed(norm: nn.Module, x: Tensor) -> Tensor:
    """Return x (N, C, T) normalised."""
    # With SyncBatchNorm, all processes must take part, and others have more frames.
    if isinstance(norm, nn.BatchNorm1d) and x.shape[0] * x.shape[2] == 1:
        return F.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
    return norm(x)


def norm_videos(x: Tensor, mask: Tensor | None, eps: float = 1e-5) -> Tensor:
    """Return x with each channel of each video normalised over its own frames.

    This is ``InstanceNorm1d`` without parameters for padded videos. The padding of the
    result is 0.

    Args:
        x: Shape (N, C, T), with any values in the padding.
        mask: Shape (N, 1, T), or None.
        eps: Number added to the variance.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    length = x.shape[2] if mask is None else mask.sum(dim=2, keepdim=True)
    mean = masked(wide, mask).sum(dim=2, keepdim=True) / length
    centred = masked(wide - mean, mask)
    variance = (centred**2).sum(dim=2, keepdim=True) / length
    return (centred * torch.rsqrt(variance + eps)).to(x.dtype)
