"""Batches of videos of different lengths, and layers that ignore padding.

A mask is 1 for frames and 0 for padding, shape (N, 1, T). It is None if no video of a
batch is padded; the segmentor decides that once, without synchronising with a GPU.
Layers that look beyond a frame also take the lengths of videos that follow one another
in a single row, (1, C, T), so that a CPU computes no padding.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg_io.messages.errors import UserError

#: How the videos of a batch lie in (N, C, T): a mask, or None without padding; or the
#: lengths of videos that follow one another in the only row.
Videos: TypeAlias = Tensor | tuple[int, ...] | None


def video_lengths(x: Tensor, samples: Sequence[ActionDataSample] | None) -> list[int]:
    """Return the true length of each video of a batch (N, C, T, ...).

    It is ``total_frames`` in the sample's meta information, else the length of its
    labels, else T.

    Raises:
        UserError: If a video is longer than its features.
    """
    longest = x.shape[2]
    if samples is None:
        return [longest] * len(x)
    lengths = [
        sample.get('total_frames') or _labelled_frames(sample, longest)
        for sample in samples
    ]
    for sample, length in zip(samples, lengths, strict=True):
        if length > longest:
            raise UserError(
                f'{sample.get("frame_dir")}: {length} frames, but features of '
                f'{longest}; features and labels must come from the same frames.'
            )
    return lengths


def _labelled_frames(sample: ActionDataSample, default: int) -> int:
    label = sample.get('gt_label')
    return default if label is None else label.shape[-1]


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
    rows: tuple[int, ...] = (),
) -> Tensor:
    """Return a field (T,) of all samples as a batch (N, T) on the host.

    The padding is ``fill``. Each video must have a value for each of its frames. With
    ``rows`` of (G,), the field is (G, T) and the batch (N, G, T).

    Raises:
        UserError: If a field is missing, or has another shape.
    """
    batch = torch.full((len(samples), *rows, frames), fill, dtype=dtype)
    for row, length, sample in zip(batch, lengths, samples, strict=True):
        values = sample.get(key)
        if values is not None and tuple(values.shape[:-1]) != rows:
            raise UserError(
                f'{sample.get("frame_dir")}: {key} has the shape '
                f'{tuple(values.shape)}, but the model needs {(*rows, length)}; set '
                'model.tiers to the sizes of the tiers in the annotation file.'
            )
        if values is None or values.shape[-1] != length:
            raise UserError(
                f'{sample.get("frame_dir")}: the loss needs {key} for its {length} '
                'frames, but there are '
                f'{0 if values is None else values.shape[-1]} values; '
                f'add {key.removeprefix("gt_")!r} to its annotation.'
            )
        row[..., :length] = values
    return batch


def to_device(x: Tensor, device: torch.device) -> Tensor:
    """Copy a host tensor to a device without waiting for it."""
    # Copying to a GPU waits for it unless the memory is pinned.
    x = x.pin_memory() if device.type == 'cuda' and x.device.type == 'cpu' else x
    return x.to(device, non_blocking=True)


def masked(x: Tensor, videos: Videos) -> Tensor:
    """Return x (N, C, T, ...) with the padding set to 0."""
    if not isinstance(videos, Tensor):
        return x
    return x * videos.view(*videos.shape, *[1] * (x.dim() - 3))


def packed(x: Tensor, lengths: Sequence[int]) -> Tensor:
    """Return the frames of padded videos (N, C, T) one after another, (1, C, T')."""
    rows = zip(x.transpose(1, 2), lengths, strict=True)
    return torch.cat([row[:length] for row, length in rows])[None].transpose(1, 2)


def unpacked(x: Tensor, lengths: Sequence[int], frames: int) -> Tensor:
    """Return videos that follow one another, (1, C, T'), as (N, C, frames), padded."""
    parts = x.squeeze(0).t().split(list(lengths))
    padded = [F.pad(part, (0, 0, 0, frames - len(part))) for part in parts]
    return torch.stack(padded).transpose(1, 2)


def each_video(
    function: Callable[..., Tensor], lengths: Sequence[int], *inputs: Tensor
) -> Tensor:
    """Return a function of each of the videos that follow one another, (1, C, T)."""
    parts = (x.split(list(lengths), dim=2) for x in inputs)
    return torch.cat([function(*own) for own in zip(*parts, strict=True)], dim=2)


def norm_frames(norm: nn.Module, x: Tensor, videos: Videos) -> Tensor:
    """Return x normalised over its frames, without the padding, which becomes 0.

    All frames of a batch share their statistics, as if its videos followed one another
    without padding. A single frame has no deviation, so it is normalised with the
    running statistics in training as well.

    Args:
        norm: A ``BatchNorm1d``, or the ``SyncBatchNorm`` it was converted to.
        x: Shape (N, C, T) or (N, C, T, V).
        videos: How the videos lie in x.
    """
    if not isinstance(videos, Tensor):
        return _normed(norm, x.flatten(2)).view_as(x)
    frames = videos[:, 0] > 0
    # (C, n, ...), with n the number of frames
    valid = x.transpose(0, 1)[:, frames]
    normed = _normed(norm, valid.flatten(1)[None])[0].view_as(valid)
    padded = normed.new_zeros(x.shape)
    padded.transpose(0, 1)[:, frames] = normed
    return padded


def _normed(norm: nn.Module, x: Tensor) -> Tensor:
    """Return x (N, C, T) normalised."""
    # SyncBatchNorm needs all processes, and the others may have more frames.
    if isinstance(norm, nn.BatchNorm1d) and x.shape[0] * x.shape[2] == 1:
        return F.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
    return norm(x)


def norm_videos(x: Tensor, videos: Videos, eps: float = 1e-5) -> Tensor:
    """Return x with each channel of each video normalised over its own frames.

    This is ``InstanceNorm1d`` without parameters for videos of different lengths. The
    padding of the result is 0.

    Args:
        x: Shape (N, C, T), with any values in the padding.
        videos: How the videos lie in x.
        eps: Number added to the variance.
    """
    if isinstance(videos, tuple):
        rows = x.squeeze(0).t().to(torch.promote_types(x.dtype, torch.float32))
        # Not F.batch_norm, which refuses a video of a single frame.
        normed = [
            torch.batch_norm(own, None, None, None, None, True, 0.0, eps, False)
            for own in rows.split(videos)
        ]
        return torch.cat(normed).t()[None].to(x.dtype)
    centred, _, variance, _ = _of_videos(x, videos)
    return (centred * torch.rsqrt(variance + eps)).to(x.dtype)


class VideoNorm(nn.Module):
    """A norm of each channel of each video over its own frames, without the padding.

    What is constant in a video, such as the build of a person, thus has little effect.
    In evaluation, mean and variance combine those of the video with the running
    statistics of training, which count as ``prior_frames`` frames. Otherwise, a short
    video of a single action would lose what distinguishes it. Scale and shift are
    trained.

    Args:
        channels: Number of channels, C.
        prior_frames: The weight of the running statistics, as a number of frames.
        momentum: The weight of a new batch in the running statistics.
        eps: Number added to the variance.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        channels: int,
        *,
        prior_frames: int = 100,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.prior_frames = prior_frames
        self.momentum = momentum
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer('running_mean', torch.zeros(channels))
        self.register_buffer('running_var', torch.ones(channels))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return x (N, C, T) normalised, with padding of 0; mask is (N, 1, T)."""
        centred, mean, variance, length = _of_videos(x, mask)
        # (N, T, C), (N, C), (N, C): vectors of C channels then need no further axis,
        # which PyTorch's older ONNX exporter gets wrong if two of them are equal.
        rows, mean, variance = centred.transpose(1, 2), mean[..., 0], variance[..., 0]
        if self.training:
            self._track(mean, variance)
        else:
            share = length[..., 0] / (length[..., 0] + self.prior_frames)
            before = mean - self.running_mean
            rows = rows + ((1 - share) * before)[:, None]
            variance = share * variance + (1 - share) * self.running_var
            # The means differ, which adds to the variance.
            variance = variance + share * (1 - share) * before**2
        scale = self.weight * torch.rsqrt(variance + self.eps)
        rows = rows * scale[:, None] + self.bias
        return masked(rows.transpose(1, 2), mask).to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        """Update the running statistics with those of videos (N, C)."""
        self.running_mean.lerp_(mean.mean(dim=0), self.momentum)
        self.running_var.lerp_(variance.mean(dim=0), self.momentum)


def _of_videos(x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return x (N, C, T) minus its mean; and each video's mean, variance, length.

    All are at least float32. The padding of the first is 0.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    shown = wide.new_ones(1, 1, x.shape[2]) if mask is None else mask.to(wide.dtype)
    length = shown.sum(dim=2, keepdim=True)
    mean = masked(wide, mask).sum(dim=2, keepdim=True) / length
    centred = masked(wide - mean, mask)
    return centred, mean, (centred**2).sum(dim=2, keepdim=True) / length, length
