"""Labels in frames: columns of 0 and 1, and segments as frame numbers."""

from collections.abc import Iterator, Sequence

import numpy as np

from mmskelseg_io.files.inputs import MOST_SECONDS
from mmskelseg_io.files.parsing import FilePath, Rows, check_widths, number
from mmskelseg_io.labels.segments import Segment, VideoSegments, frame_at, make_segment
from mmskelseg_io.messages.errors import UserError, misfit, shown
from mmskelseg_io.structures.segments import to_segments

_HOLDS = {'0': False, '0.0': False, '1': True, '1.0': True}


def column_of(rows: Rows, name: str) -> Iterator[tuple[int, str]]:
    """Yield line number and cell of a column of a table, below its header."""
    column = rows[0][1].index(name)
    return ((line, row[column]) for line, row in rows[1:])


def is_indicator(rows: Rows, name: str, *unknown: str) -> bool:
    """Return whether a column has nothing but 0, 1 and what stands for no value."""
    known = {*_HOLDS, *unknown}
    return all(cell in known for _, cell in column_of(rows, name))


def indicator_segments(
    rows: Rows,
    names: Sequence[str],
    edges: Sequence[float] | np.ndarray,
    path: FilePath,
    *unknown: str,
) -> list[Segment]:
    """Return the runs of 1 in columns of a table as segments, which may overlap.

    Args:
        rows: The table with its header; a row is a frame.
        names: The columns, which are named after their classes.
        edges: When each frame begins and the last one ends, in seconds.
        path: The file, for messages.
        unknown: What cells say where it is not known whether a class holds.

    Raises:
        UserError: If a cell is something else.
    """
    check_widths(rows, path)
    segments = []
    for name in names:
        label = np.full(len(rows) - 1, -1)
        for i, (line, cell) in enumerate(column_of(rows, name)):
            if cell not in _HOLDS and cell not in unknown:
                raise misfit(path, f'line {line}: {name}', cell, '0 or 1')
            if _HOLDS.get(cell):
                label[i] = 0
        segments += [
            make_segment(str(path), float(edges[start]), float(edges[end]), name)
            for start, end, _ in to_segments(label)
        ]
    return segments


def edges_of(rows: Rows, name: str, path: FilePath) -> np.ndarray:
    """Return the times of a column, and the end of the last row, in seconds.

    The last row lasts as long as most. Numbers may have a decimal comma.

    Raises:
        UserError: If times do not increase.
    """
    check_widths(rows, path)
    times: list[float] = []
    for line, cell in column_of(rows, name):
        times.append(number(cell.replace(',', '.'), f'{path}: line {line}', name))
        if len(times) > 1 and times[-1] <= times[-2]:
            raise UserError(
                f'{path}: line {line}: {name} is {shown(cell)}, after {times[-2]:g} in '
                'the row before; times must increase.'
            )
    if len(times) < 2:
        raise UserError(f'{path}: {len(times)} rows with times, expected at least two.')
    return np.append(times, times[-1] + np.median(np.diff(times)))


def checked_frames(frames: float, fps: float, place: str) -> int:
    """Return the number of frames of a recording, after checking its range."""
    if not (0 < frames <= MOST_SECONDS * fps and frames % 1 == 0):
        expected = f'a whole number from 1 to those of ten years at {fps:g} fps'
        raise misfit(place, 'the number of frames', frames, expected)
    return int(frames)


def frame_spans(video: VideoSegments) -> Iterator[tuple[Segment, int, int]]:
    """Yield each segment of a video, its first frame, and the frame after its last.

    Segments that cover no frame are left out.

    Raises:
        UserError: If the video lacks fps or num_frames.
    """
    fps, frames = video.needed_frames()
    for segment in video.segments:
        start = max(frame_at(segment.start, fps), 0)
        end = min(frame_at(segment.end, fps), frames)
        if start < end:
            yield segment, start, end
