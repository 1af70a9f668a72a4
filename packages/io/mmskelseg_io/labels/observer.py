"""The Observer of Noldus: an exported table of events (``.xlsx``, ``.txt``, ``.csv``).

A row is an event: the start or stop of a state, or a point. ``Observation`` names the
recording. Time is in seconds (``Time_Relative_sf``) or hours, minutes and seconds
(``Time_Relative_hmsf``).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath, Row, as_dicts, headed_rows, number
from mmskelseg_io.labels.events import POINT, Event, Observation, event_reader
from mmskelseg_io.labels.reading import LABEL_FORMATS, TABLES
from mmskelseg_io.labels.segments import Segment, VideoSegments
from mmskelseg_io.messages.errors import UserError, misfit

_NEEDED = ('Observation', 'Behavior', 'Event_Type')
_SECONDS, _CLOCK = 'Time_Relative_sf', 'Time_Relative_hmsf'
#: The kinds of events, as both tools of Noldus call them, in lower case.
KINDS = {
    'state start': 'START', 'state stop': 'STOP', 'point': POINT, 'point event': POINT
}  # fmt: skip
_HMS = re.compile(r'(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d*)?)', re.ASCII)


def _table(path: FilePath) -> dict[str, Observation]:
    rows = headed_rows(
        path,
        lambda header: {*_NEEDED} <= {*header} and bool({_SECONDS, _CLOCK} & {*header}),
        f'{", ".join(_NEEDED)}, and {_SECONDS} or {_CLOCK}',
    )
    found: dict[str, list[Row]] = {}
    for place, row in as_dicts(rows, path):
        found.setdefault(row['Observation'], []).append((place, row))
    return {
        name: Observation(
            partial(_events, own), partial(_videos, name), tool='The Observer'
        )
        for name, own in found.items()
    }


def _events(rows: Sequence[Row], _: str) -> Iterator[Event]:
    for place, row in rows:
        # The start of the observation is no behavior.
        if not row['Behavior']:
            continue
        modifiers = [text for key, text in row.items() if key.startswith('Modifier')]
        yield Event(
            _seconds(row, place),
            row.get('Subject', ''),
            row['Behavior'],
            '|'.join(modifiers).rstrip('|'),
            kind_of(row['Event_Type'], place, 'Event_Type'),
            row.get('Comment', ''),
        )


def kind_of(text: str, place: str, column: str) -> str:
    """Return START, STOP or POINT for what Noldus' tools call so."""
    if text.lower() not in KINDS:
        raise misfit(place, column, text, 'State start, State stop or Point')
    return KINDS[text.lower()]


def _seconds(row: dict[str, str], place: str) -> float:
    if row.get(_SECONDS):
        return number(row[_SECONDS].replace(',', '.'), place, _SECONDS)
    time = clock_seconds(row.get(_CLOCK, ''))
    if time is None:
        expected = 'hours, minutes and seconds, such as 0:01:02.5'
        raise misfit(place, _CLOCK, row.get(_CLOCK), expected)
    return time


def clock_seconds(text: str) -> float | None:
    """Return the seconds of a time such as 0:01:02.5; None if it is none."""
    if not (found := _HMS.fullmatch(text)):
        return None
    hours, minutes = int(found[1] or 0), int(found[2])
    return 3600 * hours + 60 * minutes + float(found[3].replace(',', '.'))


def _videos(
    name: str, segments: Sequence[Segment], place: str
) -> Iterable[VideoSegments]:
    if not name:
        raise UserError(f'{place}: it has no name; fill the column Observation.')
    return [VideoSegments(video_name(name), segments)]


read_observer = LABEL_FORMATS.register(
    'observer', dict.fromkeys(TABLES, lambda row: {*_NEEDED} <= {*row})
)(event_reader(_table))
