"""Joint angles and scores of postures over time."""

from collections.abc import Mapping

import numpy as np

from mmskelseg_runtime.drawing.images import (
    add_axes,
    add_title,
    new_figure,
    plain,
    render,
)
from mmskelseg_runtime.drawing.palette import class_color

# All lengths in inches.
_WIDTH, _MARGIN, _LEFT, _TITLE = 13.0, 0.15, 0.5, 0.2
_PANEL, _GAP, _AXIS = 1.0, 0.25, 0.5
_FONT = 8
# More points are not seen, and shorter recordings are better read in seconds.
_POINTS, _SHORT = 2000, 180.0


def draw_angles(
    panels: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]],
    fps: float,
    title: str,
) -> np.ndarray:
    """Return a picture of ranges over time, RGB uint8 (H, W, 3).

    Args:
        panels: For each panel, from top to bottom, the low and the high ends of each
            range, (T,), NaN where nothing is known. Ends that are equal make a line.
        fps: Frames per second.
        title: A line above.
    """
    top, last = _MARGIN + _TITLE, [*panels][-1]
    figure = new_figure(_WIDTH, top + len(panels) * (_PANEL + _GAP) + _AXIS)
    add_title(figure, title, _MARGIN, _MARGIN, _FONT + 2)
    for name, ranges in panels.items():
        axes = add_axes(figure, _LEFT, top + _GAP, _WIDTH - _LEFT - _MARGIN, _PANEL)
        for k, (label, (low, high)) in enumerate(ranges.items()):
            frames = len(low)
            step = -(-frames // _POINTS)
            begins, unit = np.arange(0, frames, step), _unit(frames / fps)
            # The extremes of frames that share a point, of those that are known.
            ends = np.fmin.reduceat(low, begins), np.fmax.reduceat(high, begins)
            times = (begins + step / 2) / fps / unit
            axes.fill_between(
                times, *ends, color=class_color(k), alpha=0.6, linewidth=1, label=label
            )
            axes.set_xlim(0, frames / fps / unit)
        if len(ranges) > 1:
            # Beside the name, where no line is.
            axes.legend(
                loc='lower right',
                bbox_to_anchor=(1, 1),
                borderpad=0,
                fontsize=_FONT,
                frameon=False,
                ncols=len(ranges),
            )
        axes.set_title(plain(name), fontsize=_FONT, loc='left', pad=3)
        axes.tick_params(labelsize=_FONT, labelbottom=name == last)
        axes.locator_params(axis='y', nbins=5, integer=True)
        axes.grid(axis='y', linewidth=0.3)
        axes.spines[['right', 'top']].set_visible(False)
        top += _PANEL + _GAP
    words = 'seconds' if unit == 1 else 'minutes'
    axes.set_xlabel(words, fontsize=_FONT)
    return render(figure)


def _unit(seconds: float) -> float:
    """Return the seconds of a unit of the time axis."""
    return 1.0 if seconds < _SHORT else 60.0
