"""Solomon Coder: a table with a row for each moment, at regular times.

``Time`` is in seconds. The other columns are variables; their cells name what holds, or
are empty. SimBA reads the variable ``Behaviour``.
"""

from collections.abc import Sequence
from itertools import groupby

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath, headed_rows
from mmskelseg_io.labels.frames import column_of, edges_of
from mmskelseg_io.labels.reading import (
    LABEL_FORMATS,
    TABLES,
    choose_several,
    without_lone_tier,
)
from mmskelseg_io.labels.segments import VideoSegments, make_segment, sorted_videos

_MAIN = 'Behaviour'


@LABEL_FORMATS.register(
    'solomon',
    dict.fromkeys(TABLES, lambda row: row[:1] == ['Time'] and _MAIN in row),
)
def read_solomon(
    path: FilePath, *, tier: str | Sequence[str] | None = None
) -> list[VideoSegments]:
    """Return the labels of the video that the table is named after.

    Args:
        path: The table.
        tier: Read the variable of this name; several are tiers. By default
            ``Behaviour``, or else all.
    """
    rows = headed_rows(
        path,
        lambda header: header[:1] == ['Time'] and all(header),
        f'Time and then variables with names, such as {_MAIN}',
    )
    header = rows[0][1]
    if tier is None and _MAIN in header:
        tier = _MAIN
    names = choose_several(tier, header[1:], path, 'variable', 'tier')
    edges, segments = edges_of(rows, 'Time', path), []
    for name in names:
        cells = enumerate(column_of(rows, name))
        for label, run in groupby(cells, lambda item: item[1][1]):
            frames = [i for i, _ in run]
            start, end = float(edges[frames[0]]), float(edges[frames[-1] + 1])
            if label:
                segments.append(make_segment(str(path), start, end, label, tier=name))
    video = VideoSegments(
        video_name(str(path)), segments, duration=max(float(edges[-1]), 0.0)
    )
    return without_lone_tier(sorted_videos([video], path))
