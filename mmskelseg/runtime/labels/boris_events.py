"""BORIS: exported tables of events, read and written.

Each line is a state (``Start (s)``, ``Stop (s)``) or an event (``Time``, with START or
STOP as ``Behavior type``, or as ``Status`` in BORIS 7).
"""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.files.parsing import FilePath, Row, as_dicts, number, read_rows
from mmskelseg.runtime.labels.boris import (
    MARK,
    NO_SUBJECT,
    POINT,
    Event,
    Options,
    comment_on,
    fps_and_duration,
    read_observations,
)
from mmskelseg.runtime.labels.reading import LABEL_FORMATS, video_name
from mmskelseg.runtime.labels.segments import Segment, VideoSegments, frame_at
from mmskelseg.runtime.messages.errors import UserError, shown

_MEDIA_COLUMNS = ('Media file name', 'Media file path', 'Media file')
_NO_MEDIA = ('', 'NA', 'Not found')
# The header of an aggregated export.
_HEADER = (
    'Observation id,Observation date,Description,Observation type,Source,'
    'Time offset (s),Coding duration,Media duration (s),FPS (frame/s),Subject,'
    'Observation duration by subject by observation,Behavior,Behavioral category,'
    'Behavior type,Start (s),Stop (s),Duration (s),Media file name,Image index start,'
    'Image index stop,Image file path start,Image file path stop,Comment start,'
    'Comment stop'
)


@LABEL_FORMATS.register(
    'boris_events',
    dict.fromkeys(('.csv', '.tsv', '.txt'), lambda row: 'Behavior' in row),
)
def read_boris_events(
    path: FilePath,
    *,
    observation: str | Sequence[str] | None = None,
    subject: str | None = None,
    point_seconds: float | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the states of each video in a table exported from BORIS.

    The table is a CSV or TSV file of "aggregated events" or "tabular events". For the
    options, see :func:`read_boris`.
    """
    rows = read_rows(path)
    heads = [
        i
        for i, (_, row) in enumerate(rows)
        if 'Behavior' in row and {'Time', 'Start (s)'} & set(row)
    ]
    if not heads:
        raise UserError(
            f'{path}: no line has the columns Behavior and Time, or Behavior and '
            'Start (s); export the events from BORIS as aggregated or tabular events.'
        )
    # Tables of BORIS 7 have a preamble.
    lines = [row for _, row in rows[: heads[0]]]
    above = next((row[1] for row in lines if row[0] == 'Observation id'), '')
    found: dict[str, list[Row]] = {}
    for place, row in as_dicts(rows[heads[0] :], path):
        found.setdefault(row.get('Observation id', above), []).append((place, row))
    return read_observations(
        path,
        found,
        lambda rows, _: [event for row in rows for event in _events(*row)],
        _videos,
        Options(observation, subject, point_seconds, strict, notes),
    )


def _events(place: str, row: dict[str, str]) -> list[Event]:
    if row['Behavior'] == MARK:
        return []
    kinds = (row.get('Behavior type'), row.get('Status'))
    times = ('Start (s)', 'Stop (s)') if 'Start (s)' in row else ('Time',)
    times = times[:1] if POINT in kinds else times
    offset = number(row.get('Time offset (s)') or 0, place, 'Time offset (s)')
    subject = row.get('Subject', '')
    modifiers = [value for key, value in row.items() if key.startswith('Modifier')]
    seconds = [number(row.get(column), place, column) for column in times]
    if seconds != sorted(seconds):
        raise UserError(
            f'{place}: the state {shown(row["Behavior"])} starts at {seconds[0]:g} s '
            f'and stops at {seconds[1]:g} s; correct it in BORIS and export it again.'
        )
    return [
        Event(
            second - offset,
            '' if subject == NO_SUBJECT else subject,
            row['Behavior'],
            '|'.join(modifiers),
            next((kind for kind in kinds if kind in ('START', 'STOP', POINT)), ''),
        )
        for second in seconds
    ]


def _videos(
    name: str, rows: Sequence[Row], segments: Sequence[Segment], place: str
) -> list[VideoSegments]:
    media = {
        next((row[column] for column in _MEDIA_COLUMNS if column in row), '')
        for _, row in rows
    }
    files = sorted(media.difference(_NO_MEDIA))
    if len(files) > 1:
        raise UserError(
            f'{place} has the media {", ".join(files)}, but a table does not state '
            'where each one ends; give the .boris project instead.'
        )
    if not files:
        return [VideoSegments(name, segments)]
    return [VideoSegments(video_name(files[0]), segments, filename=files[0])]


def write_boris_events(path: FilePath, videos: Sequence[VideoSegments]) -> None:
    """Write a CSV table in the format of BORIS' export "aggregated events".

    Args:
        path: The file to write.
        videos: Videos with fps and num_frames.
    """
    now = datetime.now().isoformat(' ', timespec='seconds')
    table = io.StringIO()
    writer = csv.DictWriter(table, _HEADER.split(','))
    writer.writeheader()
    for video in videos:
        fps, duration = fps_and_duration(video)
        media = video.filename or video.name
        total = sum(segment.end - segment.start for segment in video.segments)
        for segment in video.segments:
            start, stop = round(segment.start, 3), round(segment.end, 3)
            values = {
                'Observation id': video.name,
                'Observation date': now,
                'Observation type': 'Media file',
                'Source': f'player #1:{media}',
                'Time offset (s)': 0.0,
                'Coding duration': f'{duration:.3f}',
                'Media duration (s)': f'{duration:.3f}',
                'FPS (frame/s)': f'{fps:.3f}',
                'Subject': NO_SUBJECT,
                'Observation duration by subject by observation': f'{total:.3f}',
                'Behavior': segment.label,
                'Behavioral category': 'Not defined',
                'Behavior type': 'STATE',
                'Start (s)': f'{start:.3f}',
                'Stop (s)': f'{stop:.3f}',
                'Duration (s)': f'{stop - start:.3f}',
                'Media file name': media,
                'Image index start': frame_at(start, fps),
                'Image index stop': frame_at(stop, fps),
                'Image file path start': 'NA',
                'Image file path stop': 'NA',
                'Comment start': comment_on(segment),
            }
            writer.writerow(values)
    atomic_write_text(path, table.getvalue())
