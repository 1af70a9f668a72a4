"""Attention in windows, and stages built from it.

Frames are rows with contiguous channels, and masks are contiguous along the frames that
are read, since the memory-saving kernels of GPUs require both.
"""

from functools import lru_cache, partial
from typing import Any

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from mmskelseg.models.layers.padding import Videos, each_video
from mmskelseg.models.layers.stages import run_layers
from mmskelseg.models.layers.temporal_conv import TemporalConv1d

# The smallest number of frames for which attention is computed at a time. Blocks of
# single frames would be slower, and too many for a GPU in long videos.
_BLOCK = 32


def window_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    videos: Videos,
    *,
    window: int,
    blocks: bool,
    dropout: float = 0.0,
) -> Tensor:
    """Return the attention of each frame to those in a window around it, (N, C, T).

    Frame t reads ``window`` frames from ``t - window // 2`` on, as far as its video has
    them. With ``blocks``, it reads its block and ``window // 2`` frames on each side,
    where block b begins at frame ``b * window``.

    Args:
        query: Shape (N, C, T), as are ``key`` and ``value``.
        videos: How the videos lie in these.
        dropout: Probability that a weight is dropped.
    """
    if blocks and isinstance(videos, tuple):
        # Their blocks begin anywhere.
        each = partial(
            window_attention, videos=None, window=window, blocks=True, dropout=dropout
        )
        return each_video(each, videos, query, key, value)
    frames, half = query.shape[2], window // 2
    # Blocks of queries with the keys around them, so that memory grows as T * window.
    # Short ones read little outside the windows.
    size, reach = max(window if blocks else half, 1), half
    size *= -(-_BLOCK // size)
    if torch.onnx.is_in_onnx_export():
        return _attention_graph(query, key, value, size, reach, window, blocks)
    # A video that fits into one window needs no other frames.
    if frames <= max(size, window):
        size, reach = frames, 0
    padding = (frames + size - 1) // size * size - frames
    queries = F.pad(query.transpose(1, 2), (0, 0, 0, padding)).contiguous()
    queries = queries.unflatten(1, (-1, size))
    keys, values = (
        _WithNeighbours.apply(x.transpose(1, 2), size, reach, padding)
        for x in (key, value)
    )
    sizes = (size, reach, padding, window)
    if isinstance(videos, tuple):
        allowed = _bias_in_row(videos, query.device, query.dtype, *sizes)
    else:
        shown = torch.ones_like(query[:1, :1]) if videos is None else videos
        allowed = _allowed(shown, *sizes, blocks)
    attended = F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=allowed, dropout_p=dropout
    )
    return attended.flatten(1, 2)[:, :frames].transpose(1, 2)


# As many as a network has layers, since its stages and members use the same ones.
@lru_cache(maxsize=16)
def _bias_in_row(
    lengths: tuple[int, ...],
    device: torch.device,
    dtype: torch.dtype,
    size: int,
    reach: int,
    padding: int,
    window: int,
) -> Tensor:
    """Return 0 or -inf for ``_allowed``, for videos that follow one another."""
    own = [torch.full((n,), i, device=device) for i, n in enumerate(lengths, 1)]
    video = torch.cat(own)[None, None]
    allowed = _allowed(video, size, reach, padding, window, blocks=False)
    return torch.where(allowed, 0.0, float('-inf')).to(dtype)


def _allowed(
    video: Tensor, size: int, reach: int, padding: int, window: int, blocks: bool
) -> Tensor:
    """Return which frames the frames of each block read, (N, T / size, size, keys).

    ``video`` is the number of the video that a frame belongs to, (N, 1, T), 0 for the
    padding, which reads other padding, since the softmax over nothing is NaN.
    """
    rows = video.transpose(1, 2)
    seen = _WithNeighbours.apply(rows, size, reach, padding)[..., 0]
    own = seen[:, :, reach : reach + size]
    near = _near(size, reach, window, blocks, video.device)
    return (own[..., None] == seen[:, :, None]) & near


# Stages and members use the same ones.
@lru_cache(maxsize=16)
def _near(
    size: int, reach: int, window: int, blocks: bool, device: torch.device
) -> Tensor:
    """Return which frames are in the window of each frame of a block, (size, keys)."""
    reader = torch.arange(size, device=device)[:, None]
    place = torch.arange(-reach, size + reach, device=device)
    first = (reader // window * window if blocks else reader) - window // 2
    end = first + window + (2 * (window // 2) if blocks else 0)
    return (place >= first) & (place < end)


def _attention_graph(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    size: int,
    reach: int,
    window: int,
    blocks: bool,
) -> Tensor:
    """Return ``window_attention`` in one video, computed by few operations of ONNX."""
    frames = query.shape[2]
    around = torch.arange(0, frames, size)[:, None] + torch.arange(-reach, size + reach)
    # In place of frames beyond the ends, others, which are not read either.
    there = around % frames
    queries = query.transpose(1, 2)[:, there[:, reach : reach + size]]
    keys, values = (x.transpose(1, 2)[:, there] for x in (key, value))
    near = _near(size, reach, window, blocks, query.device)
    allowed = near & (there == around)[:, None]
    attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=allowed)
    return attended.flatten(1, 2)[:, :frames].transpose(1, 2)


class _WithNeighbours(Function):
    """The blocks of x (N, T, C) with neighbouring frames on both sides.

    The shape is (N, blocks, reach + size + reach, C). Beyond the ends of x, and in the
    padding of the last block, they are 0. Frames that several blocks read are not
    copied.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, reach: int, padding: int) -> Tensor:
        """Return a view of the padded frames."""
        ctx.size, ctx.reach, ctx.frames = size, reach, x.shape[1]
        wide = F.pad(x, (0, 0, reach, padding + reach)).contiguous()
        return wide.unfold(1, size + 2 * reach, size).transpose(2, 3)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of x: that of its blocks, and of their neighbours."""
        end = ctx.reach + ctx.size
        total = grad[:, :, ctx.reach : end].clone()
        total[:, :-1, ctx.size - ctx.reach :] += grad[:, 1:, : ctx.reach]
        total[:, 1:, : ctx.reach] += grad[:, :-1, end:]
        return total.flatten(1, 2)[:, : ctx.frames], None, None, None


class AttentionStage(BaseModule):
    """Channel masking, a 1x1 convolution, then layers of attention.

    Args:
        in_channels: Features per frame of the first stage, or classes that a later one
            reads, C.
        channels: Width of the stage, W.
        layers: Called as ``layer(x, videos, source)`` for features (N, W, T). Their
            attention takes its values from ``source`` (N, W, T), or from their own
            features if it is None.
        channel_masking: Probability, in training, that a channel of a video is set to
            0.
        reads_features: Whether the source is the features of the previous stage; see
            :class:`mmskelseg.models.ActionSegmentor`.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        layers: ModuleList,
        *,
        channel_masking: float = 0.0,
        reads_features: bool = False,
    ) -> None:
        super().__init__()
        self.reads_features = reads_features
        self.masking = nn.Dropout1d(channel_masking)
        self.conv_in = TemporalConv1d(in_channels, channels, 1)
        self.layers = layers

    def forward(
        self, x: Tensor, mask: Tensor | None = None, features: Tensor | None = None
    ) -> Tensor:
        """Return features (N, W, T) for x (N, C, T); mask is (N, 1, T).

        ``features`` (N, W, T) are those of the previous stage, if it reads them.
        """
        return run_layers(self.layers, self.conv_in(self.masking(x)), mask, features)
