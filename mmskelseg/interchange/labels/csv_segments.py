"""A table of segments: ``start,end,label``, and ``score`` and ``video`` if you like.

Times are in seconds. Cells are separated by commas, semicolons or tabs.
"""

import csv
import io
from collections.abc import Sequence

from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.interchange.labels.segments import (
    Segment,
    VideoSegments,
    make_segment,
    sorted_videos,
)
from mmskelseg.interchange.parsing import (
    FilePath,
    as_dicts,
    number,
    read_rows,
    video_name,
)
from mmskelseg.utils.errors import UserError

_NEEDED = ('start', 'end', 'label')


def read_csv_segments(path: FilePath) -> list[VideoSegments]:
    """Return the segments of each video.

    Args:
        path: A table with a header. Without the column ``video``, the file's own name
            is the video's.
    """
    rows = read_rows(path)
    header = rows[0][1] if rows else []
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        raise UserError(
            f'{path}: the columns are {", ".join(header) or "none"}, and '
            f'{", ".join(missing)} lacks; the first line must be a header with '
            f'{", ".join(_NEEDED)}.'
        )
    found: dict[str, list[Segment]] = {}
    for place, row in as_dicts(rows, path):
        start, end = (number(row[side], place, side) for side in ('start', 'end'))
        score = number(row['score'], place, 'score') if row.get('score') else None
        segment = make_segment(place, start, end, row['label'], score)
        name = row.get('video') or video_name(str(path))
        found.setdefault(name, []).append(segment)
    return sorted_videos(
        [VideoSegments(*item) for item in found.items()], path, 'join its rows'
    )


def write_csv_segments(path: FilePath, videos: Sequence[VideoSegments]) -> None:
    """Write the columns video, start, end, label and score, seconds to 6 digits.

    Args:
        path: The ``.csv`` file to write.
        videos: A score that is None is an empty cell.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator='\n')
    writer.writerow(['video', *_NEEDED, 'score'])
    for video in videos:
        for segment in video.segments:
            times = [f'{time:.6f}' for time in (segment.start, segment.end)]
            score = '' if segment.score is None else f'{segment.score:.6f}'
            writer.writerow([video.name, *times, segment.label, score])
    with atomic_write(path) as file:
        file.write(table.getvalue().encode())
