"""Stand-in for ``mmcv._ext``, the compiled operators that mmcv-lite lacks.

torchvision provides those for detection and pose estimation, for inference only. All
others can be imported, but raise an error when they are called.
"""

from collections.abc import Callable
from typing import NoReturn

import torch
from torchvision import ops


def nms(
    bboxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float, offset: int
) -> torch.Tensor:
    """Return the indices of the boxes (P, 4) that are kept, by decreasing score (P,).

    The offset is 1 if the last corner is the last pixel, and 0 if it is the edge.
    """
    return ops.nms(
        bboxes + bboxes.new_tensor([0, 0, offset, offset]), scores, iou_threshold
    )


def roi_align_forward(
    *arrays: torch.Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the features of each region.

    The arrays are the images, the regions (N, 5), the features (N, C, h, w), and two
    for the places of maxima, which stay as they are.
    """
    images, regions, output, *_ = arrays
    if pool_mode == 0:
        raise NotImplementedError(_missing("roi_align(pool_mode='max')"))
    size = aligned_height, aligned_width
    output.copy_(
        ops.roi_align(images, regions, size, spatial_scale, sampling_ratio, aligned)
    )


def _missing(name: str) -> str:
    return (
        f'mmcv-lite has no operator {name}; install the full mmcv instead, or choose '
        'a model that does not need it.'
    )


def __getattr__(name: str) -> Callable[..., NoReturn]:
    """Return a function that raises an error about the missing operator."""
    if name.startswith('__'):
        raise AttributeError(name)

    def missing(*args: object, **kwargs: object) -> NoReturn:
        raise NotImplementedError(_missing(name))

    return missing
