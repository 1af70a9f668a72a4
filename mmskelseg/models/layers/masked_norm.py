"""Batch normalisation that padding does not enter.

A mask is 1 for frames and 0 for padding, shape (N, 1, T), and None where no video of a
batch is padded: the segmentor decides that once, without asking a GPU.
"""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmskelseg.utils.errors import UserError


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return x (N, C, T) with 0 in the padding."""
    return x if mask is None else x * mask


def check_lengths(network: nn.Module, videos: Iterable[tuple[str, int]]) -> None:
    """Check that a network can be trained on videos, given as names and frames.

    Raises:
        UserError: If it has batch norms, and a video is a single frame.
    """
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

    All frames of a batch share their statistics, as if its videos stood behind one
    another without padding. A batch without padding is handed on as it is.

    Args:
        norm: ``BatchNorm1d``, or the ``SyncBatchNorm`` that it was converted to.
        x: Shape (N, C, T) or (N, C, T, V).
        mask: Shape (N, 1, T), or None.
    """
    if mask is None:
        return norm(x.flatten(2)).view_as(x)
    frames = mask[:, 0] > 0
    # (C, n, ...), with n the number of frames
    valid = x.transpose(0, 1)[:, frames]
    normed = norm(valid.flatten(1)[None])[0].view_as(valid)
    padded = normed.new_zeros(x.shape)
    padded.transpose(0, 1)[:, frames] = normed
    return padded


def norm_joints(norm: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Return coordinates, each channel of each joint normalised for itself.

    Args:
        norm: As in :func:`norm_frames`, of V * C channels, those of a joint in a row.
        x: Shape (N, C, T, V).
        mask: Shape (N, 1, T), or None.
    """
    N, C, T, V = x.shape
    # (N, V * C, T)
    rows = x.permute(0, 3, 1, 2).reshape(N, V * C, T)
    return norm_frames(norm, rows, mask).view(N, V, C, T).permute(0, 2, 3, 1)
