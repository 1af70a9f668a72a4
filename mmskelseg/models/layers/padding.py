"""Lengths, masks and stacked annotations of a padded batch."""

from collections.abc import Sequence

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor


def video_lengths(x: Tensor, samples: Sequence[ActionDataSample] | None) -> list[int]:
    """Return the true length of each video of a batch (N, C, T, ...).

    It is ``total_frames`` of the sample's meta information, else that of its labels,
    else T.

    Raises:
        ValueError: If a video is longer than the batch.
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
            raise ValueError(
                f'{sample.get("frame_dir")}: {length} frames, but features of '
                f'{longest}; features and labels must come from the same frames.'
            )
    return lengths


def frame_mask(lengths: Sequence[int], frames: int, like: Tensor) -> Tensor:
    """Return 1 for frames and 0 for padding, shape (N, 1, T).

    Args:
        lengths: True length of each video.
        frames: T.
        like: A tensor of the type and on the device that the mask gets.
    """
    ends = torch.tensor(lengths, device=like.device)
    valid = torch.arange(frames, device=like.device) < ends[:, None]
    return valid[:, None].to(like.dtype)


def stack_frames(
    samples: Sequence[ActionDataSample], key: str, lengths: Sequence[int], batch: Tensor
) -> Tensor:
    """Return a field (T,) of all samples in the frames of ``batch``.

    Args:
        samples: With the field.
        key: Name of the field.
        lengths: Frames of each video.
        batch: Where its values go, a tensor (N, T) that holds what the padding has.

    Raises:
        ValueError: If a video lacks it, or has it for another number of frames.
    """
    for row, length, sample in zip(batch, lengths, samples, strict=True):
        values = sample.get(key)
        if values is None or len(values) != length:
            raise ValueError(
                f'{sample.get("frame_dir")}: a loss needs {key} for its {length} '
                f'frames, but there are {0 if values is None else len(values)} values; '
                f'add {key.removeprefix("gt_")!r} to its annotation.'
            )
        row[:length] = values
    return batch
