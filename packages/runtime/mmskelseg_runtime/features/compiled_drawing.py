"""The loop that draws segments, compiled by Numba."""

import math
from collections.abc import Callable
from typing import ParamSpec, TypeAlias, TypeVar

import numba
import numpy as np

from mmskelseg_io.structures.annotations import MIN_SCORE

_P = ParamSpec('_P')
_R = TypeVar('_R')
# Number of pixels of a row that are evaluated together: one AVX2 register.
LANES = 8
# x and y of both ends of a segment.
_Ends: TypeAlias = tuple[np.float32, np.float32, np.float32, np.float32]
# First and last row, first and last column.
_Box: TypeAlias = tuple[np.int32, np.int32, np.int32, np.int32]
# The factor for distances, and how far a segment reaches in pixels.
_Form: TypeAlias = tuple[np.float32, np.float32]

# The coordinate in pixels beyond which an end of a segment is replaced.
_FAR = 1e4


def _compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return a function that Numba compiles when it is first called."""

    def compiled(cache: bool) -> Callable[_P, _R]:
        return numba.njit(
            function,
            cache=cache,
            nogil=True,
            error_model='numpy',
            fastmath={'contract', 'reassoc', 'nsz', 'arcp', 'nnan', 'ninf'},
        )

    try:
        return compiled(cache=True)
    except RuntimeError:  # There is no folder for the cache.
        return compiled(cache=False)


@numba.njit(inline='always')
def _exp_of_minus(q: np.float32) -> np.float32:
    """Return exp(-q) for q >= 0, with a relative error of 4e-7, vectorisable.

    exp(-q) = 2**-n * exp(r), with n = round(q / ln 2) and r between -0.35 and 0.35.
    """
    q = min(q, np.float32(80))
    n = np.int32(q * np.float32(1.44269504) + np.float32(0.5))
    whole = np.float32(n)
    # ln 2 is split into two parts, so that the difference keeps its last bits.
    r = (whole * np.float32(0.693359375) - q) - whole * np.float32(2.12194440e-4)
    p = np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(0.5)
    p = p * r + np.float32(1)
    p = p * r + np.float32(1)
    # These are the bits of 2**-n.
    return p * np.int32((127 - n) * 8388608).view(np.float32)


@_compiled
def draw(
    keypoint: np.ndarray,
    score: np.ndarray,
    pairs: np.ndarray,
    channels: np.ndarray,
    canvas: np.ndarray,
    width: int,
    forms: tuple[_Form, _Form],
    squared: bool,
) -> None:
    """Draw onto a canvas (T, C, H, W) of zeros; see `draw_segments`.

    The forms are those of joints and of limbs.
    """
    M, T = score.shape[:2]
    # The highest value of one segment over several persons.
    highest = np.zeros(canvas.shape[2:], np.float32)
    for t in range(T):
        for s in range(len(pairs)):
            a, b = pairs[s]
            form, square = (forms[0], True) if a == b else (forms[1], squared)
            image = canvas[t, channels[s]]
            for m in range(M):
                peak = min(score[m, t, a], score[m, t, b])
                if peak >= np.float32(MIN_SCORE):
                    ends = _near_ends(keypoint[m, t, a], keypoint[m, t, b])
                    target = image if M == 1 else highest
                    _add(ends, peak, form, square, target, width, M > 1)
            for m in range(M if M > 1 else 0):
                ends = _near_ends(keypoint[m, t, a], keypoint[m, t, b])
                _move(highest, image, ends, form[1])


@_compiled
def _near_ends(a: np.ndarray, b: np.ndarray) -> _Ends:
    """Return x and y of a and b, or of nearer points on the segment if far away.

    Single precision has too few digits for the distance from a faraway point.
    """
    ax, ay, bx, by = a[0], a[1], b[0], b[1]
    if max(max(abs(ax), abs(ay)), max(abs(bx), abs(by))) < np.float32(_FAR):
        return ax, ay, bx, by
    x, y = np.float64(ax), np.float64(ay)
    dx, dy = np.float64(bx) - x, np.float64(by) - y
    length = max(math.sqrt(dx * dx + dy * dy), 1e-9)
    dx, dy = dx / length, dy / length
    # Keep the part of the segment around the point that is nearest to the origin.
    nearest = min(max(-x * dx - y * dy, 0.0), length)
    first, last = max(nearest - _FAR, 0.0), min(nearest + _FAR, length)
    return (
        np.float32(min(max(x + first * dx, -4 * _FAR), 4 * _FAR)),
        np.float32(min(max(y + first * dy, -4 * _FAR), 4 * _FAR)),
        np.float32(min(max(x + last * dx, -4 * _FAR), 4 * _FAR)),
        np.float32(min(max(y + last * dy, -4 * _FAR), 4 * _FAR)),
    )


@_compiled
def _box(ends: _Ends, reach: np.float32, H: int, W: int) -> _Box:
    """Return the first and last row and the first and last column of a segment."""
    ax, ay, bx, by = ends
    return (
        np.int32(math.ceil(max(min(ay, by) - reach, np.float32(0)))),
        np.int32(math.floor(min(max(ay, by) + reach, np.float32(H - 1)))),
        np.int32(math.ceil(max(min(ax, bx) - reach, np.float32(0)))),
        np.int32(math.floor(min(max(ax, bx) + reach, np.float32(W - 1)))),
    )


@_compiled
def _move(
    source: np.ndarray, image: np.ndarray, ends: _Ends, reach: np.float32
) -> None:
    """Add a segment's box in one image to another image, and clear it in the first."""
    H, W = image.shape
    top, bottom, left, right = _box(ends, reach, H, W)
    for y in range(top, bottom + 1):
        for x in range(left, right + 1, LANES):
            start = min(x, W - LANES)
            row = image[y, start : start + LANES]
            moved = source[y, start : start + LANES]
            for i in range(LANES):
                row[i] += moved[i]
                moved[i] = 0


@_compiled
def _add(
    ends: _Ends,
    peak: np.float32,
    form: _Form,
    squared: bool,
    image: np.ndarray,
    width: int,
    maximum: bool,
) -> None:
    """Add a segment to an image, or take the maximum of both if ``maximum``."""
    ax, ay, bx, by = ends
    scale, reach = form
    top, bottom, left, right = _box(ends, reach, image.shape[0], width)
    if left > right:
        return
    dx, dy = bx - ax, by - ay
    length = np.float32(math.sqrt(dx * dx + dy * dy))
    # A point has no direction, so any direction will do.
    ux, uy = np.float32(1), np.float32(0)
    if length > 0:
        ux, uy = dx / length, dy / length
    half = length * np.float32(0.5) * scale
    middle_x = (ax + bx) * np.float32(0.5)
    middle_y = (ay + by) * np.float32(0.5)
    # Each row is evaluated only near the line through a and b.
    steep = abs(uy) > np.float32(1e-3)
    slope, near = np.float32(0), np.float32(0)
    if steep:
        slope, near = ux / uy, reach / abs(uy)
    for y in range(top, bottom + 1):
        down = np.float32(y) - middle_y
        x, last = left, right
        if steep:
            centre = middle_x + slope * down
            x = np.int32(math.ceil(min(max(centre - near, left), right + 1)))
            last = np.int32(math.floor(max(min(centre + near, right), left - 1)))
        along_y, across_y = down * scale * uy, -down * scale * ux
        while x <= last:
            # A block of LANES pixels must lie within the image; only its pixels from x
            # to the last one count.
            start = min(x, image.shape[1] - LANES)
            low, high = x - start, last - start
            corner = (np.float32(start) - middle_x) * scale
            row = image[y, start : start + LANES]
            for i in range(LANES):
                right_of = corner + np.float32(i) * scale
                across = right_of * uy + across_y
                beyond = max(abs(right_of * ux + along_y) - half, np.float32(0))
                q = across * across + beyond * beyond
                power = q if squared else np.float32(math.sqrt(q))
                value = peak * _exp_of_minus(power)
                value = value if low <= i <= high else np.float32(0)
                row[i] = max(row[i], value) if maximum else row[i] + value
            x = start + LANES
