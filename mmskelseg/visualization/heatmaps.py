"""Heatmaps of a frame beside each other (Fig. 2), and without a limb (Fig. 4)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError
from mmskelseg.visualization.images import (
    COLUMN,
    PRINT_DPI,
    new_figure,
    plain,
    render,
)

# All lengths in inches.
MARGIN, GAP, TITLE, BAR, SCALE = 0.05, 0.07, 0.2, 0.08, 0.34
FONT = 7
# Its brightness rises evenly, so it reads in grey and for colour-blind people.
COLORMAP = 'magma'
SEEN, LOST = '#202020', '#D55E00'


def draw_heatmaps(
    heatmaps: Mapping[str, np.ndarray], *, width: float = COLUMN
) -> np.ndarray:
    """Return heatmaps beside each other on one scale of colours, RGB uint8 (H, W, 3).

    Args:
        heatmaps: By the title above it, each of shape (h, w), from left to right.
        width: Of the picture, in inches; its resolution is for print.

    Raises:
        ValueError: If there is no heatmap, or one is not of two dimensions.
    """
    _check(heatmaps)
    figure, rows = _panels(heatmaps, 1, width)
    _fill(figure, rows[0], heatmaps)
    return render(figure)


def draw_missing(
    heatmaps: Mapping[str, np.ndarray],
    lost: Mapping[str, Sequence[int]],
    keypoint: np.ndarray,
    skeleton: Skeleton,
    *,
    width: float = COLUMN,
) -> np.ndarray:
    """Return heatmaps, each below the skeleton it is drawn from, RGB uint8 (H, W, 3).

    A joint that is lost, and every limb that touches it, is crossed out or dashed, so
    that it can be told without its colour.

    Args:
        heatmaps: By the title above it, each of shape (h, w), from left to right.
        lost: For each heatmap the joints that its skeleton lacks.
        keypoint: In pixels of the heatmaps, NaN where not seen, shape (M, V, 2).
        skeleton: The layout of the V joints.
        width: Of the picture, in inches; its resolution is for print.

    Raises:
        ValueError: If there is no heatmap, or one is not of two dimensions.
    """
    _check(heatmaps)
    figure, (above, below) = _panels(heatmaps, 2, width)
    _fill(figure, below, heatmaps)
    for axes, shown, (title, image) in zip(above, below, heatmaps.items(), strict=True):
        shown.set_title('')
        axes.set_title(plain(title), fontsize=FONT, pad=3)
        H, W = image.shape
        axes.set(xlim=(-1.5, W + 0.5), ylim=(H + 0.5, -1.5), facecolor='white')
        _draw_skeleton(axes, keypoint, set(lost[title]), skeleton)
    return render(figure)


def _check(heatmaps: Mapping[str, np.ndarray]) -> None:
    shapes = {title: np.shape(image) for title, image in heatmaps.items()}
    if not shapes or any(len(shape) != 2 for shape in shapes.values()):
        raise UserError(
            f'The heatmaps have the shapes {shapes}, but at least one of (height, '
            'width) is needed, each with two dimensions.'
        )


def _panels(
    heatmaps: Mapping[str, np.ndarray], rows: int, width: float
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure and its axes in rows, with room for titles and the scale."""
    columns = len(heatmaps)
    H, W = next(iter(heatmaps.values())).shape
    side = (width - MARGIN - SCALE - columns * GAP) / columns
    tall = side * H / W
    height = TITLE + rows * (tall + GAP)
    figure = new_figure(width, height, dpi=PRINT_DPI)
    axes = [
        [
            figure.add_axes(
                (
                    (MARGIN + column * (side + GAP)) / width,
                    1 - (TITLE + row * (tall + GAP) + tall) / height,
                    side / width,
                    tall / height,
                )
            )
            for column in range(columns)
        ]
        for row in range(rows)
    ]
    for panel in (panel for row in axes for panel in row):
        panel.set(xticks=[], yticks=[])
        for spine in panel.spines.values():
            spine.set(linewidth=0.4, color='#808080')
    return figure, axes


def _fill(
    figure: Figure, row: Sequence[Axes], heatmaps: Mapping[str, np.ndarray]
) -> None:
    """Show the heatmaps with their titles, and the scale beside the last one."""
    highest = max(float(np.max(image)) for image in heatmaps.values())
    shown: AxesImage | None = None
    for axes, (title, image) in zip(row, heatmaps.items(), strict=True):
        shown = axes.imshow(
            image,
            cmap=COLORMAP,
            # Else a single joint is hardly seen beside a crossing of limbs.
            norm=PowerNorm(0.5, vmin=0, vmax=highest or 1),
            aspect='auto',
            interpolation='nearest',
        )
        axes.set_title(plain(title), fontsize=FONT, pad=3)
    assert shown is not None
    last = row[-1].get_position()
    place = ((last.x1 + GAP / figure.get_figwidth()), last.y0, BAR, last.height)
    scale = figure.add_axes((*place[:2], BAR / figure.get_figwidth(), place[3]))
    bar = figure.colorbar(shown, cax=scale)
    bar.outline.set(linewidth=0.4)
    scale.tick_params(labelsize=FONT - 1, length=1.5, width=0.4, pad=1)


def _draw_skeleton(
    axes: Axes, keypoint: np.ndarray, lost: set[int], skeleton: Skeleton
) -> None:
    present = [joint for joint in range(skeleton.num_joints) if joint not in lost]
    for person in keypoint:
        for a, b in skeleton.limbs:
            whole = lost.isdisjoint((a, b))
            axes.plot(
                *person[[a, b]].T,
                color=SEEN if whole else LOST,
                linestyle='-' if whole else (0, (2, 1.5)),
                linewidth=1,
                zorder=1 if whole else 2,
            )
        x, y = person.T
        axes.scatter(x[present], y[present], s=5, color=SEEN, linewidths=0, zorder=3)
        gone = sorted(lost)
        axes.scatter(
            x[gone], y[gone], s=9, color=LOST, marker='x', linewidths=0.8, zorder=3
        )
