"""Pictures of behaviour in numbers: groups, their course over time, transitions."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from mmskelseg_io.structures.places import Place
from mmskelseg_runtime.drawing.heatmaps import COLORMAP
from mmskelseg_runtime.drawing.images import (
    add_axes,
    add_title,
    new_figure,
    plain,
    render,
    shortened,
)
from mmskelseg_runtime.drawing.palette import PALETTE, class_color

# All lengths in inches.
WIDTH, MARGIN, HEAD = 13.0, 0.15, 0.35
FONT = 8
# The width of a map, and of the space for what its colours mean.
_MAP, _BAR = 3.3, 0.8
_QUIET = '#B0B0B0'
# Arrows of more and of fewer transitions than by chance, whose residuals are beyond
# CLEAR.
OFTEN, RARE, CLEAR = '#0072B2', '#E69F00', 1.96


class Dots(NamedTuple):
    """A panel of dots: its title, a line below it, and the values of each group."""

    title: str
    note: str
    values: Mapping[str, np.ndarray]


class Graph(NamedTuple):
    """A panel of K classes that follow each other: title, and their colours and names.

    How often each is followed by another, and how far that is from chance, are (K, K).
    """

    title: str
    colors: Sequence[str]
    names: Sequence[str]
    number: np.ndarray
    residual: np.ndarray


class Map(NamedTuple):
    """A panel of seconds in each cell, (rows, columns): its edges, and places.

    The edges are left, right, bottom and top.
    """

    seconds: np.ndarray
    extent: tuple[float, float, float, float]
    places: Sequence[Place]


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
    colors: Sequence[str] = PALETTE,
) -> np.ndarray:
    """Return a picture of values over time, RGB uint8 (H, W, 3).

    Args:
        courses: For each panel, the values of each group: a row for each individual,
            shape (n, bins), with NaN where they are missing. Rows are thin lines, and
            their means thick.
        times: Middle of each bin, in seconds.
        title: A line above.
        colors: Those of panels, unless there are several groups, which have their own.
    """
    figure, places = _panels(len(courses), 3, 2.4, title)
    for i, (axes, (name, groups)) in enumerate(
        zip(places, courses.items(), strict=True)
    ):
        for k, (group, rows) in enumerate(groups.items()):
            color = class_color(k) if len(groups) > 1 else class_color(i, colors)
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


def draw_cycles(
    cycles: Mapping[str, tuple[np.ndarray, str]], *, title: str = ''
) -> np.ndarray:
    """Return a picture of cycles over time, RGB uint8 (H, W, 3).

    Each panel has a name, starts and ends in seconds, (n, 2), and a line of text. A
    cycle is a dot as high as it lasts, and the dashed line is their median. All panels
    have the same axes.
    """
    every = np.concatenate([edges for edges, _ in cycles.values()])
    last, longest = every.max() / 60, np.diff(every).max()
    figure, places = _panels(len(cycles), 2, 2.4, title)
    for axes, (name, (edges, note)) in zip(places, cycles.items(), strict=True):
        lengths = np.diff(edges)[:, 0]
        axes.plot(edges[:, 0] / 60, lengths, '.-', color=class_color(0), linewidth=0.5)
        axes.axhline(np.median(lengths), color='black', linestyle='--', linewidth=0.8)
        axes.set(xlim=(-0.02 * last, 1.02 * last), ylim=(0, 1.1 * longest))
        axes.set_xlabel('minutes', fontsize=FONT)
        _label(axes, name, note)
    return render(figure)


def draw_maps(maps: Mapping[str, Map], *, title: str = '') -> np.ndarray:
    """Return maps of where individuals were, RGB uint8 (H, W, 3), with the places.

    All have one scale, which is not linear, so that rare visits are seen.
    """
    columns = min(len(maps), 3)
    rise = max(np.divide(*one.seconds.shape) for one in maps.values())
    height = 0.95 + _MAP * min(rise, 1.5)
    left = MARGIN + columns * (_MAP + 0.7)
    figure, places = _panels(len(maps), columns, height, title, left, _BAR)
    longest = max(float(one.seconds.max()) for one in maps.values())
    norm = PowerNorm(0.5, vmin=0, vmax=longest or 1)
    for axes, (name, one) in zip(places, maps.items(), strict=True):
        image = axes.imshow(one.seconds, COLORMAP, norm, extent=one.extent)
        for place in one.places:
            points = place.outline().points
            if place.has_area:
                points = np.concatenate([points, points[:1]])
            mark = 'x' if place.shape == 'point' else '-'
            axes.plot(*points.T, mark, color='white', linewidth=1)
            text = plain(shortened(place.name, 1, FONT))
            x, y = place.centre
            axes.text(x, y, text, color='white', fontsize=FONT - 1, ha='center')
        axes.set(xlim=one.extent[:2], ylim=one.extent[2:])
        _label(axes, name)
    top = MARGIN + (HEAD if title else 0) + 0.45
    beside = add_axes(figure, left + 0.05, top, 0.12, height - 0.95)
    bar = figure.colorbar(image, beside)
    bar.set_label('seconds in a cell', fontsize=FONT)
    bar.ax.tick_params(labelsize=FONT)
    return render(figure)


def draw_transitions(graphs: Sequence[Graph], *, title: str = '') -> np.ndarray:
    """Return a picture of transitions as arrows, RGB uint8 (H, W, 3).

    The wider an arrow, the larger its share of the transitions from a class. It is blue
    if there are more than by chance, and orange, if there are none dotted, if there are
    fewer: residuals beyond 1.96.
    """
    figure, places = _panels(len(graphs), 2, WIDTH / 2, title)
    for axes, graph in zip(places, graphs, strict=True):
        count = len(graph.names)
        angles = np.pi / 2 - 2 * np.pi * np.arange(count) / count
        points = np.stack([np.cos(angles), np.sin(angles)], 1)
        total = graph.number.sum(axis=1, keepdims=True)
        share = graph.number / np.maximum(total, 1)
        for i, k in zip(*np.nonzero(~np.eye(count, dtype=bool)), strict=True):
            rare, often = graph.residual[i, k] < -CLEAR, graph.residual[i, k] > CLEAR
            if not graph.number[i, k] and not rare:
                continue
            arrow = FancyArrowPatch(
                points[i],
                points[k],
                connectionstyle='arc3,rad=0.15',
                arrowstyle='-|>',
                mutation_scale=6 + 10 * share[i, k],
                shrinkA=14,
                shrinkB=14,
                linewidth=0.5 + 5 * share[i, k],
                linestyle='-' if graph.number[i, k] else ':',
                color=RARE if rare else OFTEN if often else _QUIET,
                zorder=2 if rare or often else 1,
            )
            axes.add_patch(arrow)
        each = zip(points, graph.colors, graph.names, strict=True)
        for place, color, name in each:
            axes.plot(*place, 'o', color=color, markersize=16, zorder=3)
            word = plain(shortened(name, 1.2, FONT))
            x, y = 1.12 * place
            # Names lie outside the circle, however long they are.
            side = 'center' if abs(x) < 0.1 else 'left' if x > 0 else 'right'
            axes.text(x, y, word, fontsize=FONT, ha=side, va='center')
        axes.set(xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), aspect='equal')
        _label(axes, graph.title)
        axes.set_axis_off()
    return render(figure)


def _panels(
    count: int,
    columns: int,
    height: float,
    title: str,
    width: float = WIDTH,
    right: float = 0.0,
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, in rows of so many panels of a height.

    They fill a width, to which space on the ``right`` is added.
    """
    top, side = MARGIN + (HEAD if title else 0), (width - MARGIN) / columns
    figure = new_figure(width + right, top + ceil(count / columns) * height)
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
