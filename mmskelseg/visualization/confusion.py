"""The confusion matrix as a picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from mmskelseg.utils.errors import UserError
from mmskelseg.visualization.images import new_figure, plain, render, text_color

# Inches.
CELL, LETTER, MARGIN = 0.42, 0.075, 0.2
FONT = 8
# Light to dark in one direction, so it reads in grey and for colour-blind people.
COLORMAP = 'Blues'


def draw_confusion(
    counts: np.ndarray, classes: Sequence[str], title: str = ''
) -> np.ndarray:
    """Return a picture of a confusion matrix, RGB uint8 (H, W, 3).

    Cells bear their number of frames and are coloured by their share of the row, that
    is of the true class, so the diagonal shows the frame recall. A row without frames
    stays pale.

    Args:
        counts: Frames by true (rows) and predicted class (columns), shape (K, K).
        classes: Names of the K classes.
        title: A line above the matrix.

    Raises:
        ValueError: If the shape does not fit the classes.
    """
    counts = np.asarray(counts)
    num_classes = len(classes)
    if counts.shape != (num_classes, num_classes):
        raise UserError(
            f'The confusion matrix has shape {counts.shape}, but there are '
            f'{num_classes} classes, so ({num_classes}, {num_classes}) is needed.'
        )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = LETTER * max(len(str(name)) + 4 for name in classes) + 0.3
    side = max(CELL * num_classes, 2.0)
    top = 0.45 if title else MARGIN
    width, height = names + side + 1.0, top + side + names
    figure = new_figure(width, height)
    axes = figure.add_axes((names / width, names / height, side / width, side / height))
    image = axes.imshow(shares, cmap=COLORMAP, vmin=0, vmax=1)
    _write_counts(axes, counts, image.to_rgba(shares))
    labels = [f'{plain(str(name))}  {label}' for label, name in enumerate(classes)]
    axes.set_yticks(range(num_classes), labels, fontsize=FONT)
    axes.set_xticks(range(num_classes), labels, fontsize=FONT, rotation=90)
    axes.set_ylabel('true class', fontsize=FONT + 1)
    axes.set_xlabel('predicted class', fontsize=FONT + 1)
    axes.tick_params(length=0)
    bar_axes = figure.add_axes(
        ((names + side + 0.2) / width, names / height, 0.15 / width, side / height)
    )
    bar = figure.colorbar(image, cax=bar_axes)
    bar.set_label('share of the true class', fontsize=FONT + 1)
    bar.ax.tick_params(labelsize=FONT)
    if title:
        axes.set_title(plain(title), fontsize=FONT + 2, fontweight='bold', loc='left')
    return render(figure)


def _write_counts(axes: Axes, counts: np.ndarray, colors: np.ndarray) -> None:
    for true, said in zip(*np.nonzero(counts), strict=True):
        axes.text(
            said,
            true,
            f'{counts[true, said]}',
            color=text_color(to_hex(colors[true, said])),
            fontsize=FONT - 1.5,
            ha='center',
            va='center_baseline',
        )
