"""Ethograms: the bouts of several recordings below each other."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg.runtime.drawing.timelines import BARS, draw_timelines
from mmskelseg.runtime.structures.bouts import Bouts
from mmskelseg.runtime.structures.segments import IGNORED

# The most points in time, several for each pixel.
_POINTS = 12_000


def draw_ethogram(bouts: Mapping[str, Bouts], classes: Sequence[str]) -> np.ndarray:
    """Return a picture of recordings, RGB uint8 (H, W, 3), a row for each by name."""
    longest = max(one.duration for one in bouts.values())
    fps = min(_POINTS / longest, 30)
    rows = {}
    for name, one in bouts.items():
        row = np.full(max(round(one.duration * fps), 1), IGNORED)
        cuts = np.rint(np.stack([one.start, one.end], 1) * fps).astype(int)
        for (start, end), label in zip(cuts, one.label, strict=True):
            row[start:end] = label
        rows[name] = row
    return draw_timelines(
        rows, classes, fps=fps, line_minutes=longest, clock=True, style=BARS
    )
