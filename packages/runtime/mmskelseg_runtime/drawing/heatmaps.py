"""Heatmaps side by side (Fig. 2), alone or below skeletons."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime.drawing.images import (
    COLUMN,
    PRINT_DPI,
    add_axes,
    new_figure,
    plain,
    render,
    shortened,
)

# All lengths in inches.
PAGE = 7.16
MARGIN, GAP, TITLE, BAR, SCALE = 0.05, 0.07, 0.2, 0.08, 0.34
FONT = 7
# Its brightness increases uniformly, so it works in greyscale and for colour-blind
# people.
COLORMAP = 'magma'
# Colours by the prefix of a joint's name; other joints are in the middle.
SIDES = {'left': '#0072B2', 'right': '#D55E00'}
MIDDLE = '#202020'
# Points farther outside the image than this multiple of its side are not shown.
OUTSIDE = 0.5


def draw_heatmaps(
    heatmaps: Mapping[str, np.ndarray], *, width: float = COLUMN
) -> np.ndarray:
    """Return heatmaps side by side with a common colour scale, RGB uint8 (H, W, 3).

    They have the shape (h, w), by title. The width is in inches, at print resolution.
    """
    figure, _ = panels(heatmaps, 1, width)
    return render(figure)


def panels(
    heatmaps: Mapping[str, np.ndarray], rows: int, width: float
) -> tuple[Figure, list[Axes]]:
    """Show heatmaps in the last of several rows; return the axes of the first row."""
    columns = len(heatmaps)
    H, W = next(iter(heatmaps.values())).shape
    side = (width - MARGIN - SCALE - columns * GAP) / columns
    tall = side * H / W
    figure = new_figure(width, TITLE + rows * (tall + GAP), dpi=PRINT_DPI)
    lefts = [MARGIN + column * (side + GAP) for column in range(columns)]
    tops = [TITLE + row * (tall + GAP) for row in range(rows)]
    rows_of_axes = [
        [add_axes(figure, left, top, side, tall) for left in lefts] for top in tops
    ]
    for axes in figure.axes:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(linewidth=0.4, color='#808080')
    for axes, title in zip(rows_of_axes[0], heatmaps, strict=True):
        axes.set_title(plain(title), fontsize=FONT, pad=3)
    # Nonlinear, so that a single joint is visible beside crossing limbs.
    highest = max(float(np.max(image)) for image in heatmaps.values())
    norm = PowerNorm(0.5, vmin=0, vmax=highest or 1)
    for axes, image in zip(rows_of_axes[-1], heatmaps.values(), strict=True):
        axes.imshow(
            image, cmap=COLORMAP, norm=norm, aspect='auto', interpolation='nearest'
        )
    scale = add_axes(figure, lefts[-1] + side + GAP, tops[-1], BAR, tall)
    bar = figure.colorbar(rows_of_axes[-1][-1].images[0], cax=scale)
    bar.outline.set(linewidth=0.4)
    scale.tick_params(labelsize=FONT - 1, length=1.5, width=0.4, pad=1)
    return figure, rows_of_axes[0]


def draw_poses(
    frames: Sequence[tuple[str, np.ndarray]],
    heatmaps: Mapping[str, np.ndarray],
    skeleton: Skeleton,
    img_shape: tuple[int, int],
    *,
    width: float = PAGE,
) -> np.ndarray:
    """Return skeletons in a row, each above its heatmap, RGB uint8 (H, W, 3).

    A thin line is the edge of the image. The corner shows the number of missing joints.

    Args:
        frames: Title and keypoints of each frame, in pixels of the image, NaN if a
            joint is not seen, shape (M, V, 2).
        heatmaps: Heatmaps (h, w) of the same frames, by title.
        skeleton: The layout of the V joints.
        img_shape: Height and width of the image.
        width: Width of the picture in inches, at print resolution.
    """
    below = draw_heatmaps(heatmaps, width=width)
    low, high = _limits([keypoint for _, keypoint in frames], img_shape)
    side = (width - MARGIN - SCALE - len(frames) * GAP) / len(frames)
    tall = side * (high[1] - low[1]) / (high[0] - low[0])
    figure = new_figure(width, TITLE + tall, dpi=PRINT_DPI)
    H, W = img_shape
    for i, (title, keypoint) in enumerate(frames):
        axes = add_axes(figure, MARGIN + i * (side + GAP), TITLE, side, tall)
        axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_title(plain(shortened(title, side, FONT)), fontsize=FONT, pad=3)
        axes.add_patch(
            Rectangle((0, 0), W, H, fill=False, linewidth=0.4, color='#808080')
        )
        _draw_persons(axes, keypoint, skeleton)
    for y, (name, color) in zip((0.75, 0.25), SIDES.items(), strict=True):
        place = 1 - SCALE / width, y * tall / (TITLE + tall)
        figure.text(*place, name, color=color, fontsize=FONT, rotation=90, va='center')
    return np.concatenate([render(figure), below])


def joint_colors(skeleton: Skeleton) -> list[str]:
    """Return the colour of each joint, by the side of the body in its name.

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
    """Return the lowest and highest x and y shown: the image, and joints near it."""
    size = np.array(img_shape[::-1], float)
    points = np.concatenate([keypoint.reshape(-1, 2) for keypoint in keypoints])
    points = points[~np.isnan(points).any(axis=1)]
    low = points.min(axis=0, initial=0).clip(-OUTSIDE * size, 0)
    high = points.max(axis=0, initial=0).clip(size, (1 + OUTSIDE) * size)
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
