"""Batch normalisation that padding does not enter."""

from torch import Tensor, nn


def norm_frames(norm: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Return x, normalised by its frames alone and 0 in the padding.

    All frames of a batch share their statistics, as if its videos stood behind one
    another without padding. A batch without padding is handed on as it is.

    Args:
        norm: ``BatchNorm1d``, or the ``SyncBatchNorm`` that it was converted to.
        x: Shape (N, C, T) or (N, C, T, V).
        mask: 1 for frames and 0 for padding, shape (N, 1, T); None for no padding.
    """
    if mask is None or (mask > 0).all():
        return norm(x.flatten(2)).view_as(x)
    frames = mask[:, 0] > 0
    # (C, n, ...), with n the number of frames
    valid = x.transpose(0, 1)[:, frames]
    normed = norm(valid.flatten(1)[None])[0].view_as(valid)
    padded = normed.new_zeros(x.shape)
    padded.transpose(0, 1)[:, frames] = normed
    return padded


def norm_joints(norm: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
    """Return coordinates, each channel of each joint normalised for itself.

    Args:
        norm: As in :func:`norm_frames`, of V * C channels, those of a joint in a row.
        x: Shape (N, C, T, V).
        mask: Shape (N, 1, T).
    """
    N, C, T, V = x.shape
    # (N, V * C, T)
    rows = x.permute(0, 3, 1, 2).reshape(N, V * C, T)
    return norm_frames(norm, rows, mask).view(N, V, C, T).permute(0, 2, 3, 1)
