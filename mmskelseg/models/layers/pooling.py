"""Adaptive average pooling for any sizes, exported to ONNX or deterministic on GPUs.

PyTorch can export it only if the number of groups divides the number of values, and has
no deterministic gradient of it on GPUs. Where either is needed, it is a weighted sum
over as many values as the largest group has.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def adaptive_mean(x: Tensor, size: int) -> Tensor:
    """Return ``F.adaptive_avg_pool1d`` of x (N, T, C), with shape (N, T, size)."""
    if _needs_sums():
        return _group_means(x, size)
    return F.adaptive_avg_pool1d(x, size)


def adaptive_mean_2d(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return ``F.adaptive_avg_pool2d`` of x (N, C, H, W), with shape (N, C, *size)."""
    if _needs_sums():
        rows = _group_means(x.transpose(2, 3), size[0])
        return _group_means(rows.transpose(2, 3), size[1])
    return F.adaptive_avg_pool2d(x, size)


def _needs_sums() -> bool:
    return (
        torch.onnx.is_in_onnx_export() or torch.are_deterministic_algorithms_enabled()
    )


def _group_means(x: Tensor, size: int) -> Tensor:
    """Return the means of ``size`` groups along the last dimension."""
    length, groups = int(x.shape[-1]), torch.arange(size)
    first = groups * length // size
    count = -(-(groups + 1) * length // size) - first
    largest = int(count.max())
    first, count = first.to(x.device), count.to(x.device)
    total = torch.zeros_like(x[..., :1])
    for i in range(largest):
        places = (first + i).clamp(max=length - 1)
        total = total + x[..., places] * ((i < count) / count)
    return total
