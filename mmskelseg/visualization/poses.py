"""Skeletons of several frames in their image, above the heatmaps they are drawn as."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError
from mmskelseg.visualization.heatmaps import (
    FONT,
    GAP,
    MARGIN,
    SCALE,
    TITLE,
    draw_heatmaps,
)
from mmskelseg.visualization.images import (
    PRINT_DPI,
    new_figure,
    plain,
    render,
    text_width,
)

WIDTH = 7.16
# By the start of a joint's name; other joints are in the middle of the body.
SIDES = {'left': '#0072B2', 'right': '#D55E00'}
MIDDLE = '#202020'
# Points that lie farther outside, in sides of the image, are not shown.
OUTSIDE = 0.5


def draw_poses(
    frames: Sequence[tuple[str, np.ndarray]],
    heatmaps: Mapping[str, np.ndarray],
    skeleton: Skeleton,
    img_shape: tuple[int, int],
    *,
    width: float = WIDTH,
) -> np.ndarray:
    """Return skeletons in a row, each above its heatmap, RGB uint8 (H, W, 3).

    The image's edge is a thin line. Joints that are not seen are counted in the corner.

    Args:
        frames: For each frame a title and its keypoints in pixels of the image, NaN
            where a joint is not seen, shape (M, V, 2).
        heatmaps: Of the same frames, by the title above it, each of shape (h, w).
        skeleton: The layout of the V joints.
        img_shape: Height and width of the image.
        width: Of the picture, in inches; its resolution is for print.

    Raises:
        ValueError: If there is not one heatmap for each frame, at least one.
    """
    if len(frames) != len(heatmaps):
        raise UserError(
            f'There are {len(frames)} frames but {len(heatmaps)} heatmaps; each frame '
            'needs one.'
        )
    below = draw_heatmaps(heatmaps, width=width)
    low, high = _limits([keypoint for _, keypoint in frames], img_shape)
    side = (width - MARGIN - SCALE - len(frames) * GAP) / len(frames)
    tall = side * (high[1] - low[1]) / (high[0] - low[0])
    height = TITLE + tall
    figure = new_figure(width, height, dpi=PRINT_DPI)
    for i, (title, keypoint) in enumerate(frames):
        place = (MARGIN + i * (side + GAP)) / width, 0, side / width, tall / height
        axes = figure.add_axes(place, xticks=[], yticks=[])
        axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]))
        axes.spines[:].set_visible(False)
        axes.set_title(plain(_fitting(title, side)), fontsize=FONT, pad=3)
        H, W = img_shape
        edge = Rectangle((0, 0), W, H, fill=False, linewidth=0.4, color='#808080')
        axes.add_patch(edge)
        _draw_persons(axes, keypoint, skeleton)
    x = 1 - SCALE / width
    for y, (name, color) in zip((0.75, 0.25), SIDES.items(), strict=True):
        figure.text(
            x,
            y * tall / height,
            name,
            color=color,
            fontsize=FONT,
            rotation=90,
            va='center',
        )
    return np.concatenate([render(figure), below])


def joint_colors(skeleton: Skeleton) -> list[str]:
    """Return a colour for each joint, by the side of the body in its name.

    >>> joint_colors(Skeleton.get(dict(joints=['left_hip', 'neck'], limbs=[])))
    ['#0072B2', '#202020']
    """
    return [
        next((SIDES[side] for side in SIDES if name.startswith(side)), MIDDLE)
        for name in skeleton.joints
    ]


def _limits(
    keypoints: Sequence[np.ndarray], img_shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and greatest x and y shown: the image, and joints near it."""
    size = np.array(img_shape[::-1], float)
    points = np.concatenate([keypoint.reshape(-1, 2) for keypoint in keypoints])
    points = points[~np.isnan(points).any(axis=1)]
    low = np.minimum(points.min(axis=0, initial=0), 0).clip(-OUTSIDE * size, 0)
    high = np.maximum(points, size).max(axis=0, initial=0)
    high = np.clip(np.maximum(high, size), size, (1 + OUTSIDE) * size)
    return low - 0.02 * size, high + 0.02 * size


def _draw_persons(axes: Axes, keypoint: np.ndarray, skeleton: Skeleton) -> None:
    colors = joint_colors(skeleton)
    seen = ~np.isnan(keypoint).any(axis=-1)
    there = np.flatnonzero(seen.any(axis=1))
    for person in there:
        points = keypoint[person]
        for a, b in skeleton.limbs:
            ends = {colors[a], colors[b]} - {MIDDLE}
            color = ends.pop() if len(ends) == 1 else MIDDLE
            axes.plot(*points[[a, b]].T, color=color, linewidth=0.8, zorder=1)
        x, y = points.T
        axes.scatter(x, y, s=3, color=colors, linewidths=0, zorder=2)
        if len(keypoint) > 1:
            left, top = np.nanmin(points, axis=0)
            axes.text(
                left, top, str(person), fontsize=FONT - 1, ha='right', va='bottom'
            )
    missing = (~seen[there]).sum()
    note = f'{missing} missing' if len(there) else 'nobody'
    if missing or not len(there):
        axes.text(0.03, 0.03, note, transform=axes.transAxes, fontsize=FONT - 1)


def _fitting(text: str, width: float) -> str:
    """Return as much of a text as fits into so many inches."""
    if text_width(text, FONT) <= width:
        return text
    while text and text_width(f'{text}…', FONT) > width:
        text = text[:-1]
    return f'{text}…'
