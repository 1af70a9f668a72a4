"""Timelines: label sequences as coloured bars below each other (Fig. 5).

Long timelines are wrapped like text: each line has the bars of some minutes. Ethograms
are timelines of the bouts of several recordings.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.segments import IGNORED, check_labels, to_segments
from mmskelseg_io.structures.tiers import Tier, flat_rows, tiers_of
from mmskelseg_runtime.drawing.frames import mark_time, tick_step
from mmskelseg_runtime.drawing.images import (
    COLUMN,
    DPI,
    PRINT_DPI,
    add_axes,
    add_title,
    new_figure,
    plain,
    render,
    shortened,
    text_width,
    write_on,
)
from mmskelseg_runtime.drawing.palette import PALETTE, class_color, class_colors


class Style(NamedTuple):
    """Sizes of a picture, in inches and points, and the word for what strips mark.

    ``colors`` are those of class ids.
    """

    width: float
    dpi: int
    font: float
    bar: float
    strip: float
    gap: float
    margin: float
    marked: str = 'wrong'
    colors: Sequence[str] = PALETTE


SCREEN = Style(13.0, DPI, font=8, bar=0.42, strip=0.10, gap=0.16, margin=0.15)
BARS = SCREEN._replace(bar=0.24, gap=0.08)
PRINT = Style(COLUMN, PRINT_DPI, font=7, bar=0.22, strip=0.06, gap=0.07, margin=0.04)

UNLABELLED: dict[str, Any] = {
    'facecolor': '#F4F4F4',
    'edgecolor': '#B0B0B0',
    'hatch': '//////',
}
WRONG = '#202020'
# Videos of more than _ONE_LINE minutes are wrapped. The length of a line is the first
# of _LINE_MINUTES that gives at most _MOST_LINES lines.
_ONE_LINE = 10
_LINE_MINUTES = (5, 10, 15, 20, 30, 60, 120, 240, 480)
_MOST_LINES = 24
# The largest part of a line that is shared out among those before it.
_SMALL_REST = 0.1
# The maximum height of a picture in matplotlib, in pixels.
_HIGHEST = 60_000
# The most of the width that the names of rows take.
_NAMES = 0.4
# The most points in time of an ethogram, several for each pixel.
_POINTS = 12_000


def draw_timelines(
    rows: Mapping[str, np.ndarray],
    classes: Sequence[str],
    *,
    truth: str | Mapping[str, str] | None = None,
    title: str = '',
    fps: float | None = None,
    line_minutes: float | None = None,
    clock: bool = False,
    style: Style = SCREEN,
) -> np.ndarray:
    """Return a picture of label sequences below each other, RGB uint8 (H, W, 3).

    Each row is a bar of segments in the colours of their classes. Wide segments show
    the id of their class, and a legend gives the names. Frames without a label (-1) are
    hatched. Below each predicted row, a thin strip marks the frames that differ from
    the ground truth, where both have a label.

    Args:
        rows: Label of each frame, shape (T,), by the name of the row, from top to
            bottom.
        classes: Names of the classes in the order of their ids.
        truth: The row that is the ground truth of all others, or that of each row;
            if None, lengths may differ.
        title: A line above the bars.
        fps: Frames per second, for an additional axis in seconds.
        line_minutes: Length of a line in minutes, after which all rows are wrapped; the
            axis is then the time. By default :func:`line_frames` chooses.
        clock: Whether the axis shows only the time, even for a single line.
        style: ``SCREEN``, or ``PRINT`` for a column of a paper.

    Raises:
        ValueError: If there is no row, a row has no frame, rows differ in length from
            the ground truth, a label is not a class, or there are too many lines.
    """
    labels = _checked(rows, classes, truth := _truths(truth, rows))
    frames = max(row.size for row in labels.values())
    length = line_frames(frames, fps, line_minutes)
    lines = list(_lines(labels, frames, length))
    em = style.font / 72
    # Space beside the bars, and above and below those of a line.
    names, left = _row_names(labels, style)
    width = style.width - left - style.margin - 2 * em
    timed = clock or len(lines) > 1
    above, below = (0.0, 2.2 * em) if timed else (3 * em if fps else 0.0, 3.8 * em)
    heights = [_bars_height(line, truth, style) for line in lines]
    top = style.margin + (2 * em if title else 0)
    height = top + sum(heights) + len(lines) * (above + below)
    figure = _with_legend(_handles(labels, classes, truth, style), height, style)
    for i, (line, bars) in enumerate(zip(lines, heights, strict=True)):
        axes = add_axes(figure, left, top + above, width, bars)
        axes.set(xlim=(0, length), ylim=(bars, 0))
        _draw_rows(axes, line, names, truth, style)
        if timed and fps is not None:
            _dress_line(axes, i * length, frames, fps, style)
        else:
            _dress_axes(axes, fps, style)
        top += above + bars + below
    add_title(figure, title, left, style.margin, style.font + 2)
    return render(figure)


def draw_ethogram(
    bouts: Mapping[str, Bouts],
    classes: Sequence[str],
    colors: Sequence[str] = PALETTE,
) -> np.ndarray:
    """Return a picture of recordings, RGB uint8 (H, W, 3), a row for each by name."""
    fps, rows = ethogram_rows(bouts)
    longest = max(one.duration for one in bouts.values())
    style = BARS._replace(colors=colors)
    return draw_timelines(
        rows, classes, fps=fps, line_minutes=longest, clock=True, style=style
    )


def ethogram_rows(
    bouts: Mapping[str, Bouts],
) -> tuple[float, dict[str, np.ndarray]]:
    """Return a frame rate that suits recordings, and the labels of each, (T,)."""
    longest = max(one.duration for one in bouts.values())
    fps = min(_POINTS / longest, 30)
    return fps, {
        name: one.labels(fps, max(round(one.duration * fps), 1))[0]
        for name, one in bouts.items()
    }


def draw_compared(
    labels: Mapping[str, np.ndarray],
    meta: Mapping[str, Any],
    *,
    title: str,
    fps: float | None,
    line_minutes: float | None,
) -> np.ndarray:
    """Return a picture of the labels of a video, (T,) or (G, T), by name, in each tier.

    The first are the truth, if there are several; see :func:`draw_timelines`.
    """
    tiers = tiers_of(meta)
    rows, truth = _compared_rows(tiers, labels)
    return draw_timelines(
        rows,
        meta['classes'],
        truth=truth,
        title=title,
        fps=fps,
        line_minutes=line_minutes,
        style=SCREEN._replace(colors=class_colors(tiers)),
    )


def _truths(
    truth: str | Mapping[str, str] | None, rows: Iterable[str]
) -> Mapping[str, str]:
    """Return the name of the ground truth of each row that has one."""
    if isinstance(truth, str):
        return {name: truth for name in rows if name != truth}
    return truth or {}


def _compared_rows(
    tiers: Sequence[Tier], labels: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return the rows of a timeline, and which rows are the truth of others.

    Args:
        tiers: The tiers of the labels.
        labels: Labels (T,) or (G, T) of the truth and then of the prediction, by the
            name of the row, which that of the tier precedes if there are several.
    """
    each = {name: flat_rows(label, tiers) for name, label in labels.items()}
    rows: dict[str, np.ndarray] = {}
    truth: dict[str, str] = {}
    for tier in tiers:
        names = [f'{tier.name}, {n.lower()}' if tier.name else n for n in each]
        parts = (part[tier.name] for part in each.values())
        rows.update(zip(names, parts, strict=True))
        if len(names) > 1:
            truth[names[1]] = names[0]
    return rows, truth


def _row_names(names: Iterable[str], style: Style) -> tuple[dict[str, str], float]:
    """Return the names of rows as they are drawn, and the space that they take."""
    drawn = {n: shortened(n, _NAMES * style.width, style.font) for n in names}
    widest = max(text_width(name, style.font) for name in drawn.values())
    return drawn, style.margin + widest + 1.2 * style.font / 72


def _bars_height(rows: Iterable[str], truth: Mapping[str, str], style: Style) -> float:
    each = (style.bar + style.gap + style.strip * (name in truth) for name in rows)
    return sum(each)


def _lines(
    labels: Mapping[str, np.ndarray], frames: int, length: int
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the parts of rows that lie in each line."""
    for i in range(0, frames, length):
        rows = labels.items()
        yield {name: row[i : i + length] for name, row in rows if row.size > i}


def line_frames(
    frames: int, fps: float | None, line_minutes: float | None = None
) -> int:
    """Return the number of frames in a line of a timeline.

    Without ``line_minutes``, a video of up to 10 minutes has one line; a longer one has
    lines of 5 minutes, or longer ones if there would be more than 24 lines. Seconds
    that would be left over for a last line are shared out among the others. Without
    ``fps``, there is always one line.

    Raises:
        UserError: If a line would have no minutes.

    >>> [line_frames(60 * m, 1) // 60 for m in (10, 11, 60, 200)]
    [10, 5, 5, 10]
    >>> line_frames(601, 1)
    301
    >>> line_frames(60, 25, 1e-300), line_frames(60, 25, 1e308)
    (1, 60)
    """
    if line_minutes is not None and not line_minutes > 0:
        raise UserError(f'line_minutes is {line_minutes}, expected more than 0.')
    if fps is None:
        return frames
    if line_minutes is not None:
        return max(1, round(min(frames, 60 * line_minutes * fps)))
    minutes = frames / fps / 60
    if minutes <= _ONE_LINE:
        return frames
    fitting = (m for m in _LINE_MINUTES if minutes <= _MOST_LINES * m)
    length = 60 * fps * next(fitting, minutes / _MOST_LINES)
    whole, rest = divmod(frames / length, 1)
    return math.ceil(frames / whole if rest < _SMALL_REST else length - 1e-6)


def _with_legend(handles: Sequence[Patch], height: float, style: Style) -> Figure:
    """Return a figure of this height in inches, plus a legend below."""
    em = style.font / 72
    widths = [text_width(str(handle.get_label()), style.font) for handle in handles]
    room = int((style.width - 2 * style.margin) / (max(widths) + 3 * em))
    columns = min(len(handles), max(1, room))
    height += math.ceil(len(handles) / columns) * 1.55 * em + style.margin
    if height * style.dpi > _HIGHEST:
        raise UserError(
            f'The timeline would be {height * style.dpi:.0f} pixels high, but at most '
            f'{_HIGHEST} can be drawn; use more minutes per line (line_minutes, '
            '--line-minutes).'
        )
    figure = new_figure(style.width, height, dpi=style.dpi)
    figure.legend(
        handles=handles,
        ncols=columns,
        loc='lower left',
        bbox_to_anchor=(style.margin / style.width, style.margin / height),
        borderaxespad=0,
        borderpad=0,
        fontsize=style.font,
        frameon=False,
        handlelength=1.2,
        handleheight=1.0,
        handletextpad=0.5,
        columnspacing=1.2,
    )
    return figure


def _checked(
    rows: Mapping[str, np.ndarray], classes: Sequence[str], truth: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Return the rows as arrays of class ids, after checking them."""
    labels = {name: check_labels(row, name) for name, row in rows.items()}
    lengths = {name: row.size for name, row in labels.items()}
    differ = bool(truth) and len(set(lengths.values())) > 1
    if not lengths or not all(lengths.values()) or differ:
        raise UserError(
            f'The rows of a timeline have {lengths or "no"} frames, but each must '
            'have at least one, and as many as the ground truth.'
        )
    for name, row in labels.items():
        wrong = (row < IGNORED) | (row >= len(classes))
        if wrong.any():
            raise UserError(
                f'{name} holds the label {row[wrong][0]}, but class ids run from 0 to '
                f'{len(classes) - 1}, and -1 means unlabelled.'
            )
    return labels


def _draw_rows(
    axes: Axes,
    labels: Mapping[str, np.ndarray],
    names: Mapping[str, str],
    truth: Mapping[str, str],
    style: Style,
) -> None:
    """Draw bars and strips from the top; y is in inches."""
    top, centres = style.gap / 2, []
    for name, row in labels.items():
        _draw_bar(axes, row, top, style)
        centres.append(top + style.bar / 2)
        top += style.bar
        if name in truth:
            true = labels[truth[name]]
            wrong = (row != true) & (true != IGNORED) & (row != IGNORED)
            _draw_strip(axes, wrong, top, style)
            top += style.strip
        top += style.gap
    axes.set_yticks(centres, [plain(names[n]) for n in labels], fontsize=style.font)
    axes.spines[['left', 'right', 'top']].set_visible(False)
    axes.tick_params(axis='y', length=0)
    axes.tick_params(axis='x', labelsize=style.font)


def _draw_bar(axes: Axes, row: np.ndarray, top: float, style: Style) -> None:
    # The unlabelled bar is visible wherever no segment covers it.
    axes.broken_barh([(0, row.size)], (top, style.bar), linewidth=0, **UNLABELLED)
    segments = to_segments(row)
    axes.broken_barh(
        [(start, end - start) for start, end, _ in segments],
        (top, style.bar),
        facecolors=[class_color(label, style.colors) for _, _, label in segments],
        antialiased=False,
        linewidth=0,
    )
    inches = axes.get_position().width * style.width / axes.get_xlim()[1]
    # Measuring takes longer than anything else if there are many segments.
    classes = {label for _, _, label in segments}
    widths = {label: text_width(str(label), style.font - 1.5) for label in classes}
    for start, end, label in segments:
        if (end - start) * inches > widths[label] + 0.01:
            place = (start + end) / 2, top + style.bar / 2
            color = class_color(label, style.colors)
            write_on(axes, *place, str(label), color, style.font - 1.5)


def _draw_strip(axes: Axes, wrong: np.ndarray, top: float, style: Style) -> None:
    place = (top, style.strip)
    axes.broken_barh([(0, wrong.size)], place, color='#EDEDED', linewidth=0)
    spans = [(start, end - start) for start, end, hit in to_segments(wrong * 1) if hit]
    # An edge of one pixel keeps a single wrong frame of a long video visible.
    axes.broken_barh(spans, place, color=WRONG, linewidth=72 / style.dpi)


def _dress_axes(axes: Axes, fps: float | None, style: Style) -> None:
    """Draw the axes of frames and seconds of a timeline with one line."""
    axes.xaxis.set_major_locator(
        MaxNLocator(int(min(10, 1.5 * style.width)), steps=[1, 2, 5, 10], integer=True)
    )
    axes.set_xlabel('frame', fontsize=style.font, labelpad=2)
    if fps:
        to_seconds, to_frames = partial(np.multiply, 1 / fps), partial(np.multiply, fps)
        seconds = axes.secondary_xaxis('top', functions=(to_seconds, to_frames))
        seconds.tick_params(labelsize=style.font)
        seconds.set_xlabel('second', fontsize=style.font, labelpad=3)


def _dress_line(axes: Axes, start: int, frames: int, fps: float, style: Style) -> None:
    """Draw the time axis of a line that begins at a frame of the video."""
    length = axes.get_xlim()[1]
    step = tick_step(length / fps, style.width)
    # Ticks are at multiples of the step, even if a line begins between them.
    first = math.ceil(start / fps / step - 1e-9)
    last = math.floor(min(start + length, frames) / fps / step + 1e-9)
    times = [step * k for k in range(first, last + 1)]
    axes.xaxis.set_major_locator(FixedLocator([t * fps - start for t in times]))
    axes.xaxis.set_major_formatter(
        FixedFormatter([mark_time(time, step) for time in times])
    )


def _handles(
    labels: Mapping[str, np.ndarray],
    classes: Sequence[str],
    truth: Mapping[str, str],
    style: Style,
) -> list[Patch]:
    """Return a legend patch for everything that the rows show."""
    present = sorted(set().union(*(row.tolist() for row in labels.values())))
    handles = [
        Patch(
            color=class_color(label, style.colors),
            label=f'{label}  {plain(str(classes[label]))}',
        )
        for label in present
        if label != IGNORED
    ]
    if IGNORED in present:
        handles.append(Patch(**UNLABELLED, linewidth=0, label='unlabelled'))
    if truth:
        handles.append(Patch(color=WRONG, label=style.marked))
    return handles
