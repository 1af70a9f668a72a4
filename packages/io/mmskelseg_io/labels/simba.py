"""SimBA: tables of ``targets_inserted``, with a column of 0 and 1 for each behavior.

A row is a frame: a number, x, y and p of each joint, features, and the behaviors. The
project folder states the behaviors and frame rates. SimBA reads labels that
:func:`~mmskelseg_io.labels.write_bento` or BORIS' tables hand back.
"""

from collections.abc import Sequence

import numpy as np

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath, headed_rows
from mmskelseg_io.files.simba import EXPECTED, is_simba, simba_video
from mmskelseg_io.labels.frames import indicator_segments, is_indicator
from mmskelseg_io.labels.reading import (
    LABEL_FORMATS,
    TABLES,
    add_note,
    choose_several,
    needed_rate,
)
from mmskelseg_io.labels.segments import VideoSegments, sorted_videos
from mmskelseg_io.messages.errors import UserError

# Features of 0 and 1 that may stand last.
_FEATURES = ('Low_prob', 'Sum_prob')


@LABEL_FORMATS.register('simba', dict.fromkeys(TABLES, is_simba))
def read_simba(
    path: FilePath,
    *,
    fps: float | None = None,
    behavior: str | Sequence[str] | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the behaviors of a video in a table of ``targets_inserted``.

    Args:
        path: The table.
        fps: Frames per second; by default those of the project's ``video_info.csv``.
        behavior: Read only the column of this name, or these; by default those that
            ``project_config.ini`` names, or else the last columns that have nothing but
            0 and 1, with a note.
        strict: Whether such columns are an error.
        notes: See :func:`~mmskelseg_io.labels.read_segments`.
    """
    rows = headed_rows(path, is_simba, EXPECTED)
    header, known = rows[0][1], simba_video(path)
    rate = needed_rate(fps or known.fps, path, 'SimBA')
    names = [name for name in known.behaviors if name in header]
    if behavior is not None:
        given = [behavior] if isinstance(behavior, str) else behavior
        # Of a column that is there, the line is told that is neither 0 nor 1.
        there = [n for n in header[1:] if n in given or is_indicator(rows, n)]
        names = choose_several(given, there, path, 'column', 'behavior')
    elif not names:
        names = header[4:]
        while names and is_indicator(rows, names[-1]):
            names.pop()
        names = header[4 + len(names) :]
        names = [name for name in names if not name.startswith(_FEATURES)]
        listed = ', '.join(names) or 'none'
        if not names or strict:
            raise UserError(
                f'{path}: no project_config.ini names behaviors, and of the last '
                f'columns {listed} are 0 or 1; give --label-option behavior=NAME.'
            )
        add_note(f'{path}: its last columns are taken for behaviors: {listed}', notes)
    edges = np.arange(len(rows)) / rate
    segments = indicator_segments(rows, names, edges, path)
    name = video_name(str(path))
    video = VideoSegments(name, segments, rate, len(rows) - 1)
    return sorted_videos([video], path)
