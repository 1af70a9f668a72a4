"""Bar charts, confusion matrices, and time budgets (both combined)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import to_hex

from mmskelseg_io.structures.time_budget import TimeBudget
from mmskelseg_runtime.drawing.images import (
    add_axes,
    add_title,
    new_figure,
    plain,
    render,
    shortened,
    text_width,
    write_on,
)
from mmskelseg_runtime.drawing.palette import PALETTE, class_color

# All lengths in inches.
WIDTH, MARGIN, ROW, GAP = 13.0, 0.15, 0.2, 0.25
CELL, LETTER = 0.42, 0.075
FONT = 8
PLAIN_COLOR = '#0072B2'
# Monotonic in brightness, so it works in greyscale and for colour-blind people.
COLORMAP = 'Blues'


def draw_bars(
    panels: Mapping[str, Sequence[float]],
    names: Sequence[str],
    *,
    colors: Sequence[str] | None = None,
    title: str = '',
    form: str | Sequence[str] = '{:,.0f}',
) -> np.ndarray:
    """Return a bar chart with a row for each name, RGB uint8 (H, W, 3).

    Args:
        panels: The values of all rows for each panel, by the panel's title, from left
            to right. NaN is a missing value.
        names: Labels of the rows, from top to bottom.
        colors: Colours of the rows; by default all equal.
        title: A line above the bars.
        form: Format of the value beside each bar, or a format for each panel.
    """
    names = [shortened(name, 0.4 * WIDTH, FONT) for name in names]
    left = MARGIN + max(text_width(name, FONT) for name in names) + 0.12
    top = MARGIN + (0.5 if title else 0.25)
    side = (WIDTH - left - MARGIN - GAP * (len(panels) - 1)) / len(panels)
    figure = new_figure(WIDTH, top + ROW * len(names) + MARGIN)
    rows = np.arange(len(names))
    forms = [form] * len(panels) if isinstance(form, str) else form
    for i, (what, values) in enumerate(panels.items()):
        place = left + i * (side + GAP), top, side, ROW * len(names)
        axes = add_axes(figure, *place)
        lengths = np.nan_to_num(np.asarray(values, float))
        bars = axes.barh(rows, lengths, height=0.75, color=colors or PLAIN_COLOR)
        written = ['-' if np.isnan(v) else forms[i].format(v) for v in values]
        # Room for the value beside the longest bar.
        room = max(text_width(text, FONT) for text in written) + 0.1
        highest = max(lengths.max(), 0) or 1
        axes.set(
            xlim=(0, highest * side / (side - room)), ylim=(len(names) - 0.5, -0.5)
        )
        axes.bar_label(bars, written, padding=4, fontsize=FONT)
        axes.set_title(plain(what), fontsize=FONT + 1, loc='left', pad=4)
        axes.set_yticks(rows, [plain(name) if i == 0 else '' for name in names])
        # Bars show their values, so no scale is needed.
        axes.set_xticks([])
        axes.tick_params(axis='y', length=0, labelsize=FONT)
        axes.spines[['right', 'top', 'bottom']].set_visible(False)
    add_title(figure, title, MARGIN, MARGIN, FONT + 2)
    return render(figure)


def draw_confusion(
    counts: np.ndarray, classes: Sequence[str], title: str = ''
) -> np.ndarray:
    """Return a picture of a confusion matrix, RGB uint8 (H, W, 3).

    Cells show their number of frames and are coloured by their share of the row, the
    true class, so the diagonal shows the frame recall. A row without frames stays pale.
    ``counts`` are by true (rows) and predicted class (columns), shape (K, K).
    """
    return _draw_matrix(
        np.asarray(counts), classes, title, 'true class', 'predicted class'
    )


def draw_time_budget(
    budget: TimeBudget,
    classes: Sequence[str],
    title: str = '',
    colors: Sequence[str] = PALETTE,
) -> np.ndarray:
    """Return a picture of a time budget, RGB uint8 (H, W, 3).

    At the top is a row of bars for each class. Below, if there are transitions, is the
    matrix of how often one class follows another, coloured by the share of the row.
    """
    names = [f'{k}  {name}' for k, name in enumerate(classes)]
    panels = {
        'segments': budget.number,
        'seconds': budget.total,
        'seconds of a segment, mean': budget.mean,
        'share of the time': budget.share,
    }
    bars = draw_bars(
        {what: values.tolist() for what, values in panels.items()},
        names,
        colors=[class_color(k, colors) for k in range(len(classes))],
        title=title,
        form=('{:,.0f}', '{:,.1f}', '{:,.2f}', '{:.1f} %'),
    )
    if not budget.transitions.any():
        return bars
    matrix = _draw_matrix(
        budget.transitions, classes, 'Transitions', 'class', 'next class'
    )
    width, (H, W, _) = max(bars.shape[1], matrix.shape[1]), bars.shape
    page = np.full((H + len(matrix), width, 3), 255, np.uint8)
    page[:H, :W], page[H:, : matrix.shape[1]] = bars, matrix
    return page


def _draw_matrix(
    counts: np.ndarray, classes: Sequence[str], title: str, rows: str, columns: str
) -> np.ndarray:
    """Return a picture of counts of class pairs, coloured by their share of the row."""
    num_classes = len(classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = LETTER * max(len(str(name)) + 4 for name in classes) + 0.3
    side = max(CELL * num_classes, 2.0)
    top = 0.45 if title else 0.2
    figure = new_figure(names + side + 1.0, top + side + names)
    axes = add_axes(figure, names, top, side, side)
    image = axes.imshow(shares, cmap=COLORMAP, vmin=0, vmax=1)
    colors = image.to_rgba(shares)
    for true, said in zip(*np.nonzero(counts), strict=True):
        count, color = f'{counts[true, said]}', to_hex(colors[true, said])
        write_on(axes, said, true, count, color, FONT - 1.5)
    labels = [f'{plain(str(name))}  {label}' for label, name in enumerate(classes)]
    axes.set_yticks(range(num_classes), labels, fontsize=FONT)
    axes.set_xticks(range(num_classes), labels, fontsize=FONT, rotation=90)
    axes.set_ylabel(rows, fontsize=FONT + 1)
    axes.set_xlabel(columns, fontsize=FONT + 1)
    axes.tick_params(length=0)
    scale = add_axes(figure, names + side + 0.2, top, 0.15, side)
    bar = figure.colorbar(image, cax=scale)
    bar.set_label(f'share of the {rows}', fontsize=FONT + 1)
    bar.ax.tick_params(labelsize=FONT)
    if title:
        axes.set_title(plain(title), fontsize=FONT + 2, fontweight='bold', loc='left')
    return render(figure)
