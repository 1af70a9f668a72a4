"""Files of intervals, as `mmskelseg suggest` writes them."""

import json
from collections.abc import Iterable
from pathlib import Path

from mmskelseg.datasets.intervals import Interval


def write_intervals(path: Path, intervals: Iterable[Interval]) -> None:
    """Write a file of intervals."""
    rows = [
        {'video': s.video, 'start_frame': s.start, 'end_frame': s.end}
        for s in intervals
    ]
    path.write_text(json.dumps({'stretches': rows}, indent=1))
