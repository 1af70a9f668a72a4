"""EthoVision XT of Noldus: exported tracks and manual scoring (``.xlsx``, ``.txt``).

A file, or a sheet of a workbook, begins with its number of header lines, each a name
and a value. The last two of them are the columns and their units. A log of manual
scoring has events in ``Behavior`` and ``Event``. The table of a track has a row for
each sample, with columns of 0 and 1 for behaviors and zones, where ``-`` is no value.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import (
    FilePath,
    Rows,
    as_dicts,
    check_widths,
    number,
    read_rows,
    whole,
)
from mmskelseg_io.files.workbooks import read_sheets
from mmskelseg_io.labels.events import POINT, Event, Observation, state_segments
from mmskelseg_io.labels.frames import edges_of, indicator_segments, is_indicator
from mmskelseg_io.labels.observer import clock_seconds, kind_of
from mmskelseg_io.labels.reading import (
    LABEL_FORMATS,
    TABLES,
    add_note,
    choose_several,
)
from mmskelseg_io.labels.segments import VideoSegments, sorted_videos
from mmskelseg_io.messages.errors import UserError, shown

_TITLE = 'Number of header lines:'
_UNKNOWN = ('-', '')
_TIMES = ('Recording time', 'Trial time')
_LOG = ('Behavior', 'Event')


class _Table(NamedTuple):
    """A table of a file: what its header states, and its rows below their columns."""

    stated: dict[str, str]
    rows: Rows

    @property
    def is_log(self) -> bool:
        return {*_LOG} <= {*self.rows[0][1]}

    @property
    def time(self) -> str | None:
        return next((name for name in _TIMES if name in self.rows[0][1]), None)


@LABEL_FORMATS.register(
    'ethovision', dict.fromkeys(TABLES, lambda row: row[:1] == [_TITLE])
)
def read_ethovision(
    path: FilePath,
    *,
    behavior: str | Sequence[str] | None = None,
    subject: str | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the states of the video that the file names, or is named after.

    They are those of the log of manual scoring, if there is one, and of tracks
    otherwise. Point events are skipped.

    Args:
        path: The exported file.
        behavior: Read only the behavior of this name, or these; by default, of tracks,
            all columns that have nothing but 0 and 1, with a note.
        subject: The subject to read; ``each`` reads all.
        strict: Whether columns that were not chosen are an error.
        notes: See :func:`~mmskelseg_io.labels.read_segments`.
    """
    is_book = Path(path).suffix.lower() == '.xlsx'
    sheets = read_sheets(path) if is_book else [read_rows(path)]
    own = [rows for rows in sheets if rows and rows[0][1][0] == _TITLE]
    tables = [table for rows in own if (table := _parsed(rows, path)).time]
    if not tables:
        raise UserError(
            f'{path}: no table begins with "{_TITLE}" and has the column '
            f'{" or ".join(_TIMES)}; export the track or log from EthoVision again.'
        )
    logs = [table for table in tables if table.is_log]
    events = [event for table in logs for event in _logged(table, path)]
    if not logs:
        read = (_tracked(table, behavior, path) for table in tables)
        events = [event for own in read for event in own]
        found = sorted({event.code for event in events})
        listed = ', '.join(found) or 'none'
        if behavior is None:
            told = f'{path}: its columns of 0 and 1 are taken for behaviors: {listed}'
            if strict:
                raise UserError(f'{told}; choose by --label-option behavior=NAME.')
            add_note(f'{told}; choose others by --label-option behavior=NAME', notes)
    elif behavior is not None:
        names = list(dict.fromkeys(event.code for event in events))
        chosen = choose_several(behavior, names, path, 'behavior', 'behavior')
        events = [event for event in events if event.code in chosen]
    media = next(filter(None, (t.stated.get('Video file') for t in tables)), None)
    name, duration = video_name(media or str(path)), _duration(tables, path)
    observation = Observation(
        lambda place: events,
        lambda found, place: [
            VideoSegments(name, found, filename=media, duration=duration)
        ],
        tool='EthoVision',
    )
    segments = state_segments(events, observation, subject, None, str(path))
    return sorted_videos(observation.videos(segments, str(path)), path)


def _parsed(rows: Rows, path: FilePath) -> _Table:
    row = rows[0][1]
    count = whole(row[1] if len(row) > 1 else '', str(path), _TITLE)
    head = [row for line, row in rows if line < count - 1]
    stated = {row[0].rstrip(':'): row[1] for row in head if len(row) > 1}
    columns = [item for item in rows if item[0] == count - 1]
    if not columns:
        raise UserError(
            f'{path}: {shown(_TITLE)} {count}, but line {count - 1} has no columns; '
            'export it from EthoVision again.'
        )
    below = [*columns, *(item for item in rows if item[0] > count)]
    check_widths(below, path)
    names = [name for name in below[0][1] if name]
    if len({*names}) < len(names):
        raise UserError(
            f'{path}: line {count - 1} names a column twice; rename it in EthoVision '
            'and export it again.'
        )
    return _Table(stated, below)


def _duration(tables: Sequence[_Table], path: FilePath) -> float | None:
    """Return how long the recording is: to the end of its tracks, or as stated."""
    if not any(table.is_log for table in tables):
        ends = (edges_of(table.rows, table.time or '', path)[-1] for table in tables)
        return float(max(ends))
    stated = (clock_seconds(t.stated.get('Recording duration', '')) for t in tables)
    return max(filter(None, stated), default=None)


def _subject(table: _Table) -> str:
    return table.stated.get('Subject name', '')


def _logged(table: _Table, path: FilePath) -> Iterator[Event]:
    """Yield the events of a log, without its first, which is its start."""
    for place, row in as_dicts(table.rows, path):
        if not row['Event'] or row['Behavior'].lower() == 'start':
            continue
        kind = kind_of(row['Event'], place, 'Event')
        time = number(row[table.time or ''].replace(',', '.'), place, 'time')
        who = row.get('Subject') or _subject(table)
        if kind != POINT:
            yield Event(time, who, row['Behavior'], '', kind)


def _tracked(
    table: _Table, behavior: str | Sequence[str] | None, path: FilePath
) -> Iterator[Event]:
    """Yield the starts and stops of the columns of 0 and 1 of a track."""
    rows, time = table.rows, table.time or ''
    names = [
        name
        for name in rows[0][1]
        if name and name not in _TIMES and is_indicator(rows, name, *_UNKNOWN)
    ]
    if behavior is not None:
        names = choose_several(behavior, rows[0][1], path, 'column', 'behavior')
    edges = edges_of(rows, time, path)
    for one in indicator_segments(rows, names, edges, path, *_UNKNOWN):
        yield Event(one.start, _subject(table), one.label, '', 'START')
        yield Event(one.end, _subject(table), one.label, '', 'STOP')
