"""Soft line segments drawn straight into one canvas a frame (Eq. 1 and 2).

A joint is a segment whose two ends coincide, so joints and limbs are one thing here.
Each segment is evaluated only on the patch of pixels around it; patches of like size
are evaluated together, for many frames at once.
"""

from __future__ import annotations

import numpy as np

# MMAction2 leaves out what scores less; such a joint counts as not seen.
MIN_SCORE = 1e-4
# A component is evaluated out to where it has fallen to this part of its peak.
_NEGLIGIBLE = 3e-6
# Patches grow in steps of so many pixels, so that few sizes occur.
_SIZE_STEP = 4
# Pixels evaluated at a time: few enough for their arrays to stay in cache.
_PIXELS_AT_A_TIME = 1 << 15


def draw_segments(
    starts: np.ndarray,
    ends: np.ndarray,
    scores: np.ndarray,
    size: tuple[int, int],
    sigma: float,
    squared: bool = True,
) -> np.ndarray:
    """Return the sum of L soft segments a frame, of the highest person for each.

    A segment from a to b has the value ``score * exp(-d**2 / (2 * sigma**2))`` at
    distance d (Eq. 2; Eq. 1 where a = b). Of several persons' segments of the same
    index, each pixel counts the highest.

    Args:
        starts: Point a of each segment, shape (M, T, L, 2), x and y in pixels whose
            centres are the integers.
        ends: Point b, likewise.
        scores: The peak value of each segment, shape (M, T, L). Segments below 1e-4
            are left out.
        size: Height and width of the canvas in pixels.
        sigma: Standard deviation in pixels.
        squared: Whether d is squared; the paper prints Eq. 2 without the square.

    Returns:
        Array of shape (T, H, W), float32.
    """
    M, T, L = scores.shape
    height, width = size
    scale = 1 / (np.sqrt(2) * sigma) if squared else 1 / (2 * sigma**2)
    reach = (-np.log(_NEGLIGIBLE)) ** (0.5 if squared else 1) / scale
    canvas = np.zeros(T * height * width, np.float32)
    for person in range(M):
        t, l = np.nonzero(scores[person] >= MIN_SCORE)  # noqa: E741
        first, extent = _patches(
            starts[person, t, l], ends[person, t, l], reach, (width, height)
        )
        inside = np.flatnonzero((extent > 0).all(axis=1))
        t, l, first = t[inside], l[inside], first[inside]  # noqa: E741
        # Earlier persons are evaluated on the same patches.
        persons = [
            (starts[p, t, l], ends[p, t, l], scores[p, t, l])
            for p in (person, *range(person))
        ]
        for rows, (w, h) in _same_size(extent[inside], (width, height)):
            x0, y0 = np.minimum(first[rows], (width - w, height - h)).T
            x = (x0[:, None] + np.arange(w)).astype(np.float32)
            y = (y0[:, None] + np.arange(h)).astype(np.float32)
            value, *rivals = (
                _segment_values(x, y, a[rows], b[rows], score[rows], scale, squared)
                for a, b, score in persons
            )
            if rivals:
                # The sum over persons of what each adds to the highest before it
                # is the highest of all.
                value -= np.minimum(value, np.maximum.reduce(rivals))
            corner = (t[rows] * height + y0) * width + x0
            offsets = (np.arange(h)[:, None] * width + np.arange(w)).ravel()
            # Patches overlap, which `canvas[pixels] += ...` would count once.
            np.add.at(canvas, (corner[:, None] + offsets).ravel(), value.ravel())
    return canvas.reshape(T, height, width)


def _patches(
    a: np.ndarray, b: np.ndarray, reach: float, canvas: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first pixel (x, y) and the extent of each segment's patch."""
    limit = np.array(canvas, np.float32)
    # Clipped before the cast, since far-off coordinates overflow an integer.
    first = np.clip(np.ceil(np.minimum(a, b) - reach), 0, limit).astype(np.intp)
    last = np.clip(np.floor(np.maximum(a, b) + reach), -1, limit - 1).astype(np.intp)
    return first, last - first + 1


def _same_size(
    extent: np.ndarray, canvas: tuple[int, int]
) -> list[tuple[np.ndarray, tuple[int, int]]]:
    """Return groups of rows, each with one patch size (w, h) that holds them all."""
    rounded = -(-extent // _SIZE_STEP) * _SIZE_STEP
    w, h = np.minimum(rounded, canvas).T
    code = w * (canvas[1] + 1) + h
    order = np.argsort(code, kind='stable')
    groups = []
    for rows in np.split(order, np.flatnonzero(np.diff(code[order])) + 1):
        if len(rows) == 0:
            continue
        w, h = divmod(int(code[rows[0]]), canvas[1] + 1)
        step = max(1, _PIXELS_AT_A_TIME // (w * h))
        groups += [(rows[i : i + step], (w, h)) for i in range(0, len(rows), step)]
    return groups


def _segment_values(
    x: np.ndarray,
    y: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    score: np.ndarray,
    scale: float,
    squared: bool,
) -> np.ndarray:
    """Return each segment's values on its patch, shape (segments, h, w), float32."""
    x = (x - a[:, :1]) * np.float32(scale)
    y = (y - a[:, 1:]) * np.float32(scale)
    direction = (b - a) * np.float32(scale)
    length = np.hypot(direction[:, 0], direction[:, 1])[:, None]
    # A point has no direction; any will do.
    unit = np.divide(
        direction, length, out=np.full_like(direction, np.sqrt(0.5)), where=length > 0
    )
    ux, uy = unit[:, :1], unit[:, 1:]
    along = (y * uy)[:, :, None] + (x * ux)[:, None, :]
    across = (y * -ux)[:, :, None] + (x * uy)[:, None, :]
    beyond = np.minimum(along, length[:, :, None])
    np.maximum(beyond, 0, out=beyond)
    np.subtract(along, beyond, out=beyond)
    beyond *= beyond
    across *= across
    across += beyond
    if not squared:
        np.sqrt(across, out=across)
    # Of other people a score may be 0.
    peak = np.log(np.maximum(score, np.float32(1e-30)))
    np.subtract(peak[:, None, None], across, out=across)
    return np.exp(across, out=across)
