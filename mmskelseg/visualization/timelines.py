"""Label sequences as coloured bars under each other (Fig. 5).

Long ones continue in further lines, as a text does: each has the bars of some minutes.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from mmskelseg.structures.segments import IGNORED, check_labels, to_segments
from mmskelseg.utils.errors import UserError
from mmskelseg.visualization.frames import mark_time
from mmskelseg.visualization.images import (
    COLUMN,
    DPI,
    PRINT_DPI,
    add_axes,
    add_title,
    class_color,
    new_figure,
    plain,
    render,
    text_color,
    text_width,
)


class Style(NamedTuple):
    """Sizes of a picture: lengths in inches, the font in points."""

    width: float
    dpi: int
    font: float
    bar: float
    strip: float
    gap: float
    margin: float


SCREEN = Style(13.0, DPI, font=8, bar=0.42, strip=0.10, gap=0.16, margin=0.15)
PRINT = Style(COLUMN, PRINT_DPI, font=7, bar=0.22, strip=0.06, gap=0.07, margin=0.04)

UNLABELLED: dict[str, Any] = {
    'facecolor': '#F4F4F4',
    'edgecolor': '#B0B0B0',
    'hatch': '//////',
}
WRONG = '#202020'
# Videos of more minutes than this continue in further lines, of the first of these
# minutes with which there are no more than so many.
_ONE_LINE = 10
_LINE_MINUTES = (5, 10, 15, 20, 30, 60, 120, 240, 480)
_MOST_LINES = 24
# Seconds between two ticks of a line.
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
# What matplotlib draws, in pixels.
_HIGHEST = 60_000


def draw_timelines(
    rows: Mapping[str, np.ndarray],
    classes: Sequence[str],
    *,
    truth: str | None = None,
    title: str = '',
    fps: float | None = None,
    line_minutes: float | None = None,
    style: Style = SCREEN,
) -> np.ndarray:
    """Return a picture of label sequences under each other, RGB uint8 (H, W, 3).

    Each row is a bar of segments in the colours of their classes; wide segments bear
    the id of their class, which the legend explains. Frames without a label (-1) are
    hatched. Under each row but the true one a thin strip marks the frames that
    differ from it.

    Args:
        rows: Label of each frame, shape (T,), by the name that stands before the bar;
            from top to bottom.
        classes: Names of the classes in the order of their ids.
        truth: The row that is the ground truth of all others; frames that it leaves
            unlabelled are never wrong. Without it, rows may differ in length.
        title: A line above the bars.
        fps: Frames a second, for a second axis in seconds.
        line_minutes: Minutes after which all rows continue in a further line, below
            which then stands the time. By default :func:`line_frames` chooses.
        style: Sizes: ``SCREEN``, or ``PRINT`` for a column of a paper.

    Raises:
        ValueError: If there is no row, one has no frame, rows of one truth differ in
            length, a label is no class, or there are too many lines to draw.
    """
    labels = {name: check_labels(row, name) for name, row in rows.items()}
    _check_rows(labels, classes, truth)
    frames = max(row.size for row in labels.values())
    strips = 0 if truth is None else len(labels) - 1
    handles = _legend_handles(labels, classes, strips > 0)
    em = style.font / 72
    widths = [text_width(str(handle.get_label()), style.font) for handle in handles]
    column = max(widths) + 3 * em
    columns = min(len(handles), max(1, int((style.width - 2 * style.margin) / column)))

    # From the edges to the bars.
    left = style.margin + max(text_width(n, style.font) for n in labels) + 1.2 * em
    right = style.margin + 2 * em
    length = line_frames(frames, fps, line_minutes)
    wrapped = length < frames
    top = style.margin + (2 * em if title else 0)
    # Above and below the bars of a line.
    above, below = (0.0, 2.2 * em) if wrapped else (3 * em if fps else 0.0, 3.8 * em)
    lines = [
        {
            name: row[start : start + length]
            for name, row in labels.items()
            if row.size > start
        }
        for start in range(0, frames, length)
    ]
    heights = [_bars_height(line, truth, style) for line in lines]
    legend = math.ceil(len(handles) / columns) * 1.55 * em
    height = top + sum(heights) + len(lines) * (above + below) + legend + style.margin
    if height * style.dpi > _HIGHEST:
        raise UserError(
            f'{len(lines)} lines of {length} frames are too many for one picture; take '
            'more minutes for a line (line_minutes, --line-minutes).'
        )
    figure = new_figure(style.width, height, dpi=style.dpi)
    for i, (line, bars) in enumerate(zip(lines, heights, strict=True)):
        place = top + above, style.width - left - right, bars
        axes = add_axes(figure, left, *place)
        axes.set(xlim=(0, length), ylim=(bars, 0))
        _draw_rows(axes, line, truth, style)
        if wrapped:
            assert fps is not None
            _dress_line(axes, i * length, frames, fps, style)
        else:
            _dress_axes(axes, fps, style)
        top += above + bars + below
    add_title(figure, title, left, style.margin, style.font + 2)
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
    return render(figure)


def line_frames(
    frames: int, fps: float | None, line_minutes: float | None = None
) -> int:
    """Return the frames of a line of a timeline.

    Without ``line_minutes``, a video of up to 10 minutes has one line, a longer one
    lines of 5 minutes, or of as many as make 24 lines at most. Without ``fps`` minutes
    are not known, and there is one line.

    >>> [line_frames(60 * m, 1) // 60 for m in (10, 11, 60, 200)]
    [10, 5, 5, 10]
    """
    if line_minutes is not None and not line_minutes > 0:
        raise UserError(f'line_minutes is {line_minutes}, expected more than 0.')
    if fps is None:
        return frames
    minutes = frames / fps / 60
    if line_minutes is None:
        if minutes <= _ONE_LINE:
            return frames
        fitting = (m for m in _LINE_MINUTES if minutes <= _MOST_LINES * m)
        line_minutes = next(fitting, minutes / _MOST_LINES)
    return min(frames, max(1, round(60 * line_minutes * fps)))


def _check_rows(
    labels: Mapping[str, np.ndarray], classes: Sequence[str], truth: str | None
) -> None:
    lengths = {name: row.size for name, row in labels.items()}
    differ = truth is not None and len(set(lengths.values())) > 1
    if not lengths or not all(lengths.values()) or differ:
        raise UserError(
            f'The rows of a timeline have {lengths or "no"} frames, but each must '
            'have one at least, and as many as the ground truth.'
        )
    for name, row in labels.items():
        wrong = (row < IGNORED) | (row >= len(classes))
        if wrong.any():
            raise UserError(
                f'{name} holds the label {row[wrong][0]}, but class ids run from 0 to '
                f'{len(classes) - 1}, and -1 is no label.'
            )


def _bars_height(
    rows: Mapping[str, np.ndarray], truth: str | None, style: Style
) -> float:
    strips = 0 if truth is None else len(rows) - 1
    return len(rows) * (style.bar + style.gap) + strips * style.strip


def _draw_rows(
    axes: Axes, labels: Mapping[str, np.ndarray], truth: str | None, style: Style
) -> None:
    """Draw bars and strips from the top; y is in inches."""
    top, centres = style.gap / 2, []
    for name, row in labels.items():
        _draw_bar(axes, row, top, style)
        centres.append(top + style.bar / 2)
        top += style.bar
        if truth is not None and name != truth:
            wrong = (row != labels[truth]) & (labels[truth] != IGNORED)
            _draw_strip(axes, wrong, top, style)
            top += style.strip
        top += style.gap
    axes.set_yticks(centres, [plain(name) for name in labels], fontsize=style.font)


def _draw_bar(axes: Axes, row: np.ndarray, top: float, style: Style) -> None:
    # An unlabelled bar under the segments shows wherever there is no segment.
    axes.broken_barh([(0, row.size)], (top, style.bar), linewidth=0, **UNLABELLED)
    segments = to_segments(row)
    axes.broken_barh(
        [(start, end - start) for start, end, _ in segments],
        (top, style.bar),
        facecolors=[class_color(label) for _, _, label in segments],
        antialiased=False,
        linewidth=0,
    )
    inches = axes.get_position().width * style.width / axes.get_xlim()[1]
    for start, end, label in segments:
        if (end - start) * inches > text_width(str(label), style.font - 1.5) + 0.01:
            axes.text(
                (start + end) / 2,
                top + style.bar / 2,
                str(label),
                color=text_color(class_color(label)),
                fontsize=style.font - 1.5,
                ha='center',
                va='center_baseline',
            )


def _draw_strip(axes: Axes, wrong: np.ndarray, top: float, style: Style) -> None:
    place = (top, style.strip)
    axes.broken_barh([(0, wrong.size)], place, color='#EDEDED', linewidth=0)
    spans = [(start, end - start) for start, end, hit in to_segments(wrong * 1) if hit]
    # The edge of a pixel keeps a single wrong frame of a long video visible.
    axes.broken_barh(spans, place, color=WRONG, linewidth=72 / style.dpi)


def _dress_axes(axes: Axes, fps: float | None, style: Style) -> None:
    axes.spines[['left', 'right', 'top']].set_visible(False)
    axes.tick_params(axis='y', length=0)
    axes.tick_params(axis='x', labelsize=style.font)
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
    """Write the time below a line that begins at a frame of the video."""
    axes.spines[['left', 'right', 'top']].set_visible(False)
    axes.tick_params(axis='y', length=0)
    axes.tick_params(axis='x', labelsize=style.font)
    length = axes.get_xlim()[1]
    seconds = length / fps
    step = next((s for s in _STEPS if seconds <= s * style.width), _STEPS[-1])
    # On whole steps of the video's time, though lines may begin between them.
    first = math.ceil(start / fps / step - 1e-9)
    last = math.floor(min(start + length, frames) / fps / step + 1e-9)
    times = [step * k for k in range(first, last + 1)]
    axes.xaxis.set_major_locator(FixedLocator([t * fps - start for t in times]))
    axes.xaxis.set_major_formatter(
        FixedFormatter([mark_time(time, step) for time in times])
    )


def _legend_handles(
    labels: Mapping[str, np.ndarray], classes: Sequence[str], strips: bool
) -> list[Patch]:
    """Return a patch for everything that the rows show."""
    present = sorted(set().union(*(row.tolist() for row in labels.values())))
    handles = [
        Patch(color=class_color(label), label=f'{label}  {plain(str(classes[label]))}')
        for label in present
        if label != IGNORED
    ]
    if IGNORED in present:
        handles.append(Patch(**UNLABELLED, linewidth=0, label='unlabelled'))
    if strips:
        handles.append(Patch(color=WRONG, label='wrong'))
    return handles
