"""Soft joints and limbs drawn straight into one canvas a frame (Eq. 1 and 2).

A joint is a segment whose two ends are one, so joints and limbs are one thing here.
Each segment is evaluated where it is more than nothing, row by row, in a loop that
Numba compiles when it is first called and keeps for later runs; on a GPU, tensors do
the same.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmskelseg.utils.dependencies import import_optional

# MMAction2 leaves out what scores less; such a joint counts as not seen.
MIN_SCORE = 1e-4
# A component is evaluated out to where it has fallen to this part of its peak.
_NEGLIGIBLE = 3e-6
# Pixels of a row that are evaluated together: a register of AVX2.
LANES = 8


def draw_segments(
    keypoint: np.ndarray,
    score: np.ndarray,
    pairs: Sequence[Sequence[int]],
    size: tuple[int, int],
    sigma: float,
    *,
    squared: bool = True,
    channels: Sequence[int] | None = None,
    num_channels: int = 1,
) -> np.ndarray:
    """Return the sum of S soft segments a frame, of the highest person for each.

    A segment from a to b has the value ``score * exp(-d**2 / (2 * sigma**2))`` at
    distance d, with the lower score of its two ends (Eq. 2; Eq. 1 where a = b). Of
    several persons' segments of the same pair, each pixel counts the highest. Segments
    that score below 1e-4 are left out.

    Args:
        keypoint: Shape (M, T, V, 2), x and y in pixels whose centres are the integers.
        score: Confidence of each joint, shape (M, T, V).
        pairs: The joints between which segments are drawn, S pairs of indices; a joint
            and itself for the joint alone.
        size: Height and width of the canvas in pixels.
        sigma: Standard deviation in pixels.
        squared: Whether d is squared in limbs; the paper prints Eq. 2 without it.
        channels: The channel that each segment is drawn into, S numbers; by default
            the first. What is in a channel is the sum of its segments.
        num_channels: How many channels there are, C.

    Returns:
        Array of shape (T, C, H, W), float32.
    """
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    height, width = size
    chosen = np.array(channels or [0] * len(ends), np.int64)
    # At least as wide as what is evaluated together.
    shape = (keypoint.shape[1], num_channels, height, max(width, LANES))
    canvas = np.zeros(shape, np.float32)
    # Numba takes longer to import than all else here.
    import_optional('numba', 'Drawing of heatmaps', 'mmskelseg-runtime[numba]')
    from mmskelseg.features.renderers.compiled_drawing import draw

    draw(
        np.ascontiguousarray(keypoint, np.float32),
        np.ascontiguousarray(score, np.float32),
        ends,
        chosen,
        canvas,
        width,
        _scale_and_reach(sigma, True),
        _scale_and_reach(sigma, squared),
        squared,
    )
    return np.ascontiguousarray(canvas[..., :width])


def _scale_and_reach(sigma: float, squared: bool) -> tuple[Any, Any]:
    """Return by what distances are multiplied, and how far a segment reaches."""
    scale = 1 / (math.sqrt(2) * sigma) if squared else 1 / (2 * sigma**2)
    reach = (-math.log(_NEGLIGIBLE)) ** (0.5 if squared else 1) / scale
    return np.float32(scale), np.float32(reach)
