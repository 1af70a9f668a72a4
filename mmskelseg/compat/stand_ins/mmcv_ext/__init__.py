"""Stands for ``mmcv._ext``, the compiled operators that mmcv-lite lacks.

Those that detection and pose estimation need are torchvision's, for inference alone.
All others can be imported and say that they are missing when they are called.
"""

from collections.abc import Callable
from typing import Any

import torch
from torchvision import ops


def nms(
    bboxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float, offset: int
) -> torch.Tensor:
    """Return the indices of the boxes (P, 4) that stay, by falling score (P,).

    The offset is 1 where the last corner is the last pixel, 0 where it is the edge.
    """
    return ops.nms(
        bboxes + bboxes.new_tensor([0, 0, offset, offset]), scores, iou_threshold
    )


def roi_align_forward(
    input: torch.Tensor,
    rois: torch.Tensor,
    output: torch.Tensor,
    argmax_y: torch.Tensor,
    argmax_x: torch.Tensor,
    *,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the features (N, C, h, w) of each region (N, 5) into ``output``."""
    if pool_mode == 0:
        raise NotImplementedError(_missing("roi_align(pool_mode='max')"))
    size = aligned_height, aligned_width
    output.copy_(
        ops.roi_align(input, rois, size, spatial_scale, sampling_ratio, aligned)
    )


def _missing(name: str) -> str:
    return (
        f'mmcv-lite has no operator {name}; install the full mmcv in its place, or '
        'choose a model that does without it.'
    )


def __getattr__(name: str) -> Callable[..., Any]:
    """Return a function that says that the operator is missing."""
    if name.startswith('__'):
        raise AttributeError(name)

    def missing(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(_missing(name))

    return missing
