"""Numbers of classes or joints as bars beside each other, each with its value."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg.utils.errors import UserError
from mmskelseg.visualization.images import new_figure, plain, render, text_width

# All lengths in inches.
WIDTH, MARGIN, ROW, GAP = 13.0, 0.15, 0.2, 0.25
FONT = 8
PLAIN_COLOR = '#0072B2'


def draw_bars(
    panels: Mapping[str, Sequence[float]],
    names: Sequence[str],
    *,
    colors: Sequence[str] | None = None,
    title: str = '',
    form: str = '{:,.0f}',
) -> np.ndarray:
    """Return a picture of bars, a row for each name, RGB uint8 (H, W, 3).

    Args:
        panels: Values of all names, by what they are; a panel each, from left to right.
        names: What stands before the rows, from top to bottom.
        colors: Of the rows; by default all are alike.
        title: A line above the bars.
        form: How a value is written behind its bar.

    Raises:
        ValueError: If there is no panel or no name, or a panel has other values than
            there are names.
    """
    sizes = {name: len(values) for name, values in panels.items()}
    if not names or set(sizes.values()) != {len(names)}:
        raise UserError(
            f'The bars have {sizes or "no"} values for {len(names)} names, but need '
            'one for each name, and at least one name.'
        )
    left = MARGIN + max(text_width(name, FONT) for name in names) + 0.12
    top, bottom = MARGIN + (0.5 if title else 0.25), MARGIN
    height = top + ROW * len(names) + bottom
    side = (WIDTH - left - MARGIN - GAP * (len(panels) - 1)) / len(panels)
    figure = new_figure(WIDTH, height)
    rows = np.arange(len(names))
    for i, (what, values) in enumerate(panels.items()):
        axes = figure.add_axes(
            (
                (left + i * (side + GAP)) / WIDTH,
                bottom / height,
                side / WIDTH,
                1 - (top + bottom) / height,
            )
        )
        axes.barh(rows, values, height=0.75, color=colors or PLAIN_COLOR)
        written = [form.format(value) for value in values]
        # Room for the value behind the longest bar.
        room = max(text_width(text, FONT) for text in written) + 0.1
        highest = max(*values, 0) or 1
        axes.set(
            xlim=(0, highest * side / (side - room)), ylim=(len(names) - 0.5, -0.5)
        )
        for row, (value, text) in enumerate(zip(values, written, strict=True)):
            axes.annotate(
                text,
                (value, row),
                (4, 0),
                textcoords='offset points',
                va='center_baseline',
                fontsize=FONT,
            )
        axes.set_title(plain(what), fontsize=FONT + 1, loc='left', pad=4)
        axes.set_yticks(rows, [plain(name) if i == 0 else '' for name in names])
        # Bars bear their values, so that a scale would say nothing more.
        axes.set_xticks([])
        axes.tick_params(axis='y', length=0, labelsize=FONT)
        axes.spines[['right', 'top', 'bottom']].set_visible(False)
    figure.text(
        MARGIN / WIDTH,
        1 - MARGIN / height,
        plain(title),
        va='top',
        fontsize=FONT + 2,
        fontweight='bold',
    )
    return render(figure)
