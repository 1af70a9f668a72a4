"""Batches of videos of different lengths, and layers that padding does not enter.

A mask is 1 for frames and 0 for padding, shape (N, 1, T), and None where no video of a
batch is padded: the segmentor decides that once, without asking a GPU.
"""

from collections.abc import Iterable, Sequence

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from mmskelseg.utils.errors import UserError


def video_lengths(x: Tensor, samples: Sequence[ActionDataSample] | None) -> list[int]:
    """Return the true length of each video of a batch (N, C, T, ...).

    It is ``total_frames`` of the sample's meta information, else that of its labels,
    else T.
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
    """Return the mask of videos of these lengths, in type and place like a tensor."""
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

    Padding holds ``fill``. Each video needs the field for all of its ``lengths``.
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


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return x (N, C, T, ...) with 0 in the padding."""
    return x if mask is None else x * mask.view(*mask.shape, *[1] * (x.dim() - 3))


def check_lengths(network: nn.Module, videos: Iterable[tuple[str, int]]) -> None:
    """Check that a network can be trained on videos, given as names and frames."""
    if not any(isinstance(module, _BatchNorm) for module in network.modules()):
        return
    for name, frames in videos:
        if frames < 2:
            raise UserError(
                f'{name}: {frames} frame, but a network with batch norms trains on '
                'videos of at least 2; take it out of the training split.'
            )


def norm_frames(norm: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Return x, normalised by its frames alone and 0 in the padding.

    All frames of a batch share their statistics, as if its videos followed one another
    without padding. A single one has no deviation, and gets the running statistics in
    training, too.

    Args:
        norm: ``BatchNorm1d``, or the ``SyncBatchNorm`` that it was converted to.
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
    """Return x (N, C, T), normalised."""
    # Processes that share statistics must all take part, and have other frames.
    if isinstance(norm, nn.BatchNorm1d) and x.shape[0] * x.shape[2] == 1:
        return F.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
    return norm(x)


def norm_videos(x: Tensor, mask: Tensor | None, eps: float = 1e-5) -> Tensor:
    """Return x, each channel of each video normalised over its own frames.

    It is ``InstanceNorm1d`` without parameters, for videos of any length; padding is
    then 0.

    Args:
        x: Shape (N, C, T), 0 in the padding or not.
        mask: Shape (N, 1, T), or None.
        eps: What is added to the variance.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    length = x.shape[2] if mask is None else mask.sum(dim=2, keepdim=True)
    mean = masked(wide, mask).sum(dim=2, keepdim=True) / length
    centred = masked(wide - mean, mask)
    variance = (centred**2).sum(dim=2, keepdim=True) / length
    return (centred * torch.rsqrt(variance + eps)).to(x.dtype)
