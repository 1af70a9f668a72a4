"""Pictures of behaviour in numbers: groups as dots, and their course over time."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmskelseg.runtime.drawing.images import (
    add_axes,
    add_title,
    class_color,
    new_figure,
    plain,
    render,
    shortened,
)

# All lengths in inches.
WIDTH, MARGIN, HEAD = 13.0, 0.15, 0.35
FONT = 8
_QUIET = '#B0B0B0'


class Dots(NamedTuple):
    """A panel of dots: its title, a line below it, and the values of each group."""

    title: str
    note: str
    values: Mapping[str, np.ndarray]


def draw_dots(
    panels: Sequence[Dots], *, title: str = '', color: str, paired: bool = False
) -> np.ndarray:
    """Return a picture of groups, RGB uint8 (H, W, 3).

    Each individual is a dot, and each mean a bar. Pairs, the equal places of groups,
    are joined by lines. NaN is a missing value.
    """
    figure, places = _panels(len(panels), 4, 2.6, title)
    for axes, panel in zip(places, panels, strict=True):
        names = [plain(shortened(name, 1.2, FONT)) for name in panel.values]
        each = list(panel.values.values())
        if paired:
            axes.plot(range(len(each)), np.array(each), color=_QUIET, linewidth=0.8)
        for i, values in enumerate(each):
            # Dots of equal values lie side by side, those of pairs on their lines.
            aside = (np.arange(values.size) * 0.618 % 1 - 0.5) * 0.3 * (not paired)
            axes.plot(i + aside, values, 'o', color=color, markersize=4, alpha=0.7)
            there = values[~np.isnan(values)]
            if there.size:
                axes.hlines(there.mean(), i - 0.25, i + 0.25, color='black')
        axes.set_xticks(range(len(each)), names)
        axes.set_xlim(-0.6, len(each) - 0.4)
        _label(axes, panel.title, panel.note)
    return render(figure)


def draw_courses(
    courses: Mapping[str, Mapping[str, np.ndarray]],
    times: np.ndarray,
    *,
    title: str = '',
) -> np.ndarray:
    """Return a picture of values over time, RGB uint8 (H, W, 3).

    Args:
        courses: For each panel, the values of each group: a row for each individual,
            shape (n, bins), with NaN where they are missing. Rows are thin lines, and
            their means thick.
        times: Middle of each bin, in seconds.
        title: A line above.
    """
    figure, places = _panels(len(courses), 3, 2.4, title)
    for i, (axes, (name, groups)) in enumerate(
        zip(places, courses.items(), strict=True)
    ):
        for k, (group, rows) in enumerate(groups.items()):
            color = class_color(k if len(groups) > 1 else i)
            axes.plot(times / 60, rows.T, color=color, linewidth=0.5, alpha=0.4)
            there = ~np.isnan(rows).all(axis=0)
            mean = np.full(times.size, np.nan)
            mean[there] = np.nanmean(rows[:, there], axis=0)
            label = plain(shortened(group, 2, FONT))
            axes.plot(times / 60, mean, '.-', color=color, linewidth=2, label=label)
        axes.set_ylim(bottom=0)
        axes.set_xlabel('minutes', fontsize=FONT)
        if i == 0 and len(groups) > 1:
            axes.legend(fontsize=FONT - 1, frameon=False)
        _label(axes, name)
    return render(figure)


def _panels(
    count: int, columns: int, height: float, title: str
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, in rows of so many panels of a height."""
    top, side = MARGIN + (HEAD if title else 0), (WIDTH - MARGIN) / columns
    figure = new_figure(WIDTH, top + ceil(count / columns) * height)
    add_title(figure, title, MARGIN, MARGIN, FONT + 2)
    places = [
        add_axes(
            figure,
            MARGIN + i % columns * side + 0.45,
            top + i // columns * height + 0.45,
            side - 0.7,
            height - 0.95,
        )
        for i in range(count)
    ]
    return figure, places


def _label(axes: Axes, title: str, note: str = '') -> None:
    lines = [plain(shortened(title, 3, FONT + 1)), plain(note)]
    axes.set_title('\n'.join(filter(None, lines)), fontsize=FONT, loc='left')
    axes.tick_params(labelsize=FONT)
    axes.spines[['right', 'top']].set_visible(False)
