"""Segments drawn by tensor operations, on the device of the keypoints."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mmskelseg.features.renderers.drawing import MIN_SCORE

# Number of pixels, over all segments, that are evaluated at a time.
_PIXELS_AT_A_TIME = 1 << 24


def draw_segments_on_device(
    keypoint: Tensor,
    score: Tensor,
    pairs: Sequence[Sequence[int]],
    size: tuple[int, int],
    sigma: float,
    *,
    squared: bool = True,
) -> Tensor:
    """Return the sum of soft segments, (T, H, W), on the device of the keypoints.

    Every segment is evaluated at every pixel, which suits a GPU; processing blocks of
    frames limits the memory. For the arguments, see ``draw_segments``.
    """
    height, width = size
    segments = len(score) * max(len(pairs), 1)
    frames = max(1, _PIXELS_AT_A_TIME // (segments * height * width))
    ends = torch.tensor(pairs, device=keypoint.device, dtype=torch.long)
    a, b = ends.reshape(-1, 2).T
    # Joints always keep the square.
    powers = torch.where((a == b) | squared, 1.0, 0.5)[:, None, None]
    scales = torch.where(
        (a == b) | squared, 1 / (math.sqrt(2) * sigma), 1 / (2 * sigma**2)
    )
    ys, xs = (torch.arange(n, device=keypoint.device) for n in (height, width))
    blocks = []
    for places, scores in zip(
        keypoint.split(frames, 1), score.split(frames, 1), strict=True
    ):
        # (M, T, S, 2)
        start, along = places[:, :, a], places[:, :, b] - places[:, :, a]
        length = along.norm(dim=-1, keepdim=True)
        unit = torch.where(length > 0, along / length, along.new_tensor([1.0, 0.0]))
        # (M, T, S, H, W)
        x = xs - start[..., :1, None]
        y = ys[:, None] - start[..., 1:, None]
        ux, uy, far = (v[..., None] for v in (unit[..., :1], unit[..., 1:], length))
        forward = x * ux + y * uy
        beyond = forward - forward.clamp(min=0).minimum(far)
        square = (beyond**2 + (x * uy - y * ux) ** 2) * (scales**2)[:, None, None]
        peak = torch.minimum(scores[:, :, a], scores[:, :, b])
        peak = torch.where(peak >= MIN_SCORE, peak, 0)[..., None, None]
        blocks.append((peak * torch.exp(-(square**powers))).amax(dim=0).sum(dim=1))
    return torch.cat(blocks)
