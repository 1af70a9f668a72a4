"""Soft joints and limbs, drawn directly onto one canvas per frame (Eq. 1 and 2).

A joint is a segment whose two ends coincide, so joints and limbs need only one
function. Each segment is evaluated row by row, only where it is not negligible, in a
loop that Numba compiles on the first call and caches for later runs. On a GPU, tensor
operations do the same.
"""

import math
from collections.abc import Sequence

import numpy as np

from mmskelseg_io.messages.dependencies import import_optional

# A segment is evaluated until it falls to this fraction of its peak.
_NEGLIGIBLE = 3e-6


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
    """Return the sum of S soft segments in each frame, the maximum over persons.

    A segment from a to b has the value ``score * exp(-d**2 / (2 * sigma**2))`` at
    distance d, where the score is the lower of its two ends' scores (Eq. 2; Eq. 1 if
    a = b). For the same segment of several persons, each pixel takes the maximum.
    Segments with a score below 1e-4 are not drawn.

    Args:
        keypoint: Shape (M, T, V, 2), x and y in pixels; pixel centres are integers.
        score: Confidence of each joint, shape (M, T, V).
        pairs: Indices of the two joints of each of the S segments; the same index twice
            for a joint.
        size: Height and width of the canvas in pixels.
        sigma: Standard deviation in pixels.
        squared: Whether d is squared in limbs; Eq. 2 in the paper lacks the square.
        channels: The channel into which each of the S segments is drawn; by default
            the first. A channel holds the sum of its segments.
        num_channels: Number of channels, C.

    Returns:
        Array of shape (T, C, H, W), float32.
    """
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    height, width = size
    chosen = np.array(channels or [0] * len(ends), np.int64)
    # Imported here, since Numba takes long to import.
    import_optional('numba', 'Drawing of heatmaps')
    from mmskelseg_runtime.features.compiled_drawing import LANES, draw

    # At least as wide as the block that is evaluated together.
    shape = (keypoint.shape[1], num_channels, height, max(width, LANES))
    canvas = np.zeros(shape, np.float32)
    draw(
        np.ascontiguousarray(keypoint, np.float32),
        np.ascontiguousarray(score, np.float32),
        ends,
        chosen,
        canvas,
        width,
        (_scale_and_reach(sigma, True), _scale_and_reach(sigma, squared)),
        squared,
    )
    return np.ascontiguousarray(canvas[..., :width])


def _scale_and_reach(sigma: float, squared: bool) -> tuple[np.float32, np.float32]:
    """Return the factor for distances, and how far a segment reaches in pixels."""
    scale = 1 / (math.sqrt(2) * sigma) if squared else 1 / (2 * sigma**2)
    reach = (-math.log(_NEGLIGIBLE)) ** (0.5 if squared else 1) / scale
    return np.float32(scale), np.float32(reach)
