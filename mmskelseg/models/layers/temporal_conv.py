"""Temporal convolution and dropout that are fast on CPUs.

On CPUs, the results (N, C, T) of both have the channels of a frame contiguous in
memory, whereas PyTorch's layers keep the frames of a channel contiguous. A frame is
then a row of a matrix, and a convolution is a sum of a few matrix products with shifted
rows. On other devices, they are PyTorch's layers.
"""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from mmskelseg.models.layers.padding import Videos, masked


class TemporalConv1d(nn.Conv1d):
    """``nn.Conv1d`` with the same parameters and results, but faster on CPUs.

    The result has as many frames as the input: ``padding`` is how many earlier frames a
    frame reads, and frames after the last one are 0.
    """

    #: Whether to use shifted products, and the faster random numbers of
    #: ``FrameDropout``. None: only on CPUs.
    loops: ClassVar[bool | None] = None

    def forward(
        self, x: Tensor, videos: Videos = None, *, relu: bool = False
    ) -> Tensor:
        """Return (N, C', T) for x (N, C, T), optionally after ReLU.

        If ``videos`` are lengths, no frame reads another video.
        """
        if not uses_loops(x):
            result = super().forward(x)[:, :, : x.shape[2]]
            return F.relu(result) if relu else result
        if self.kernel_size == (1,):
            rows, weight = x.transpose(1, 2), self.weight.squeeze(2)
            if not rows.is_contiguous() and len(rows) == 1:
                # As a matrix, since a batch would be copied. `squeeze` has the faster
                # gradient, but is a branch in ONNX where the size is not known.
                is_graph = torch.onnx.is_in_onnx_export()
                rows = rows[0] if is_graph else rows.squeeze(0)
            result = F.linear(rows, weight, self.bias)
            result = F.relu(result) if relu else result
            return result.view(len(x), -1, len(weight)).transpose(1, 2)
        (padding,) = map(int, self.padding)
        shifts = [i * self.dilation[0] - padding for i in range(self.kernel_size[0])]
        taps = self.weight.permute(2, 0, 1)
        return shifted_products(x, taps, shifts, self.bias, videos, relu=relu)


def uses_loops(x: Tensor) -> bool:
    """Return whether x is processed by shifted products, not by PyTorch's layers."""
    loops = TemporalConv1d.loops
    return x.device.type == 'cpu' if loops is None else loops


def shifted_products(
    x: Tensor,
    taps: Tensor,
    shifts: Sequence[int],
    bias: Tensor | None,
    videos: Videos = None,
    *,
    relu: bool = False,
) -> Tensor:
    """Return a temporal convolution with arbitrary tap offsets, (N, C', T).

    Frame t of the result is ``bias + sum_k taps[k] @ x[t + shifts[k]]``, where frames
    before the first and after the last of a video are 0.

    Args:
        x: Frames (N, C, T), in any order in memory.
        taps: Weights of each, shape (K, C', C).
        shifts: Distance of each tap in frames, below 0 for earlier frames.
        bias: Shape (C',), or None for 0.
        videos: The lengths of videos that follow one another; anything else leaves one
            in each row.
        relu: Whether ReLU follows.
    """
    if torch.onnx.is_in_onnx_export():
        return _one_product(x, taps, shifts, bias, relu)
    if bias is None:
        bias = taps.new_zeros(taps.shape[1])
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, taps, bias = x.to(dtype), taps.to(dtype), bias.to(dtype)
    rows = x.transpose(1, 2).flatten(0, 1).contiguous()
    lengths = videos if isinstance(videos, tuple) else (x.shape[2],) * len(x)
    output = _ShiftedProducts.apply(rows, taps, bias, tuple(shifts), lengths, relu)
    return output.view(len(x), -1, output.shape[1]).transpose(1, 2)


def _one_product(
    x: Tensor, taps: Tensor, shifts: Sequence[int], bias: Tensor | None, relu: bool
) -> Tensor:
    """Return the same as `shifted_products`, computed by operations that ONNX has."""
    before, after = max(0, -min(shifts)), max(0, *shifts)
    rows = F.pad(x.transpose(1, 2), (0, 0, before, after))
    # Counted from the ends, so that the number of frames is not fixed in the graph.
    ends = [shift - after or None for shift in shifts]
    read = [rows[:, before + s : end] for s, end in zip(shifts, ends, strict=True)]
    product = F.linear(torch.cat(read, 2), taps.transpose(0, 1).flatten(1), bias)
    return (F.relu(product) if relu else product).transpose(1, 2)


class _ShiftedProducts(Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        taps: Tensor,
        bias: Tensor,
        shifts: tuple[int, ...],
        lengths: tuple[int, ...],
        relu: bool,
    ) -> Tensor:
        """Return rows (T, C') for rows (T, C) of all videos and taps (K, C', C)."""
        # Slices of strided weights would be copied for each product.
        taps = taps.contiguous()
        own, others = _own_tap_first(taps, shifts)
        if own is None:
            output = bias.expand(len(x), -1).clone()
        else:
            output = F.linear(x, taps[own], bias)
        for k in others:
            for to, source in _overlaps(lengths, shifts[k]):
                _add_product(output[to], x[source], taps[k].t())
        if relu:
            output.clamp_(min=0)
        ctx.save_for_backward(x, taps, output if relu else None)
        ctx.shifts, ctx.lengths = shifts, lengths
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of rows, taps and bias."""
        x, taps, output = ctx.saved_tensors
        grad = grad.contiguous()
        if output is not None:
            grad = torch.ops.aten.threshold_backward(grad, output, 0)
        own, others = _own_tap_first(taps, ctx.shifts)
        grad_x = torch.zeros_like(x) if own is None else grad @ taps[own]
        grad_taps = torch.zeros_like(taps)
        if own is not None:
            torch.mm(grad.t(), x, out=grad_taps[own])
        for k in others:
            for to, source in _overlaps(ctx.lengths, ctx.shifts[k]):
                _add_product(grad_x[source], grad[to], taps[k])
                _add_product(grad_taps[k], grad[to].t(), x[source])
        return grad_x, grad_taps, grad.sum(dim=0), None, None, None


def _own_tap_first(taps: Tensor, shifts: Sequence[int]) -> tuple[int | None, list[int]]:
    """Return the index of the tap without shift, if there is one, and the others."""
    own = shifts.index(0) if 0 in shifts else None
    return own, [k for k in range(len(taps)) if k != own]


def _overlaps(lengths: Sequence[int], shift: int) -> Iterator[tuple[slice, slice]]:
    """Yield the frames of each video that read another one, and those that they read.

    The videos, of these lengths, follow one another.
    """
    begin = 0
    for length in lengths:
        if length > abs(shift):
            first, end = begin + max(-shift, 0), begin + length - max(shift, 0)
            yield slice(first, end), slice(first + shift, end + shift)
        begin += length


def _add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """Add the product of two matrices to total."""
    # Not `addmm_`, which PyTorch's FLOP counter does not support.
    torch.addmm(total, a, b, out=total)


class FrameDropout(nn.Dropout):
    """``nn.Dropout`` with faster random numbers on CPUs.

    There, the probability ``p`` is rounded to a multiple of 1 / 65,536: four values
    share one random number, whereas PyTorch draws one for each.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x; in training, with some values dropped and the others scaled."""
        if self._is_idle or not uses_loops(x):
            return super().forward(x)
        return x * self._factors(x)

    def add(self, x: Tensor, change: Tensor, videos: Videos) -> Tensor:
        """Return x (N, C, T) plus a change to it, after dropout, but for the padding.

        There, x is 0 already, and remains so.
        """
        if self._is_idle or not uses_loops(x) or x.dtype != change.dtype:
            return x + masked(self(change), videos)
        factors = self._factors(change)
        if isinstance(videos, Tensor):
            # This saves passes over the result and over its gradient.
            factors.mul_(videos)
        return torch.addcmul(x, change, factors)

    @property
    def _is_idle(self) -> bool:
        return not self.training or self.p == 0

    def _factors(self, x: Tensor) -> Tensor:
        dropped = round(self.p * 65536)
        if dropped == 65536:
            return torch.zeros_like(x)
        bits = x.new_empty(-(-x.numel() // 4), dtype=torch.int64)
        bits.random_(-(2**63), None)
        # Integers from -32768 to 32767; the lowest ones are dropped.
        draws = bits.view(torch.int16)[: x.numel()].float()
        factors = draws.ge_(dropped - 32768).mul_(65536 / (65536 - dropped))
        return factors.to(x.dtype).as_strided(x.shape, x.stride())
