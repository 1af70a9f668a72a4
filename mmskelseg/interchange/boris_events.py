"""Tables of events that BORIS exports, as CSV or TSV: aggregated and plain (tabular).

An aggregated table has a state in a line, with ``Start (s)`` and ``Stop (s)``; a plain
one has an event in a line, with ``Time`` and START or STOP as ``Behavior type`` (BORIS
8 and later) or ``Status`` (BORIS 7, below a preamble that names the observation).
Other columns vary with the version and are not needed.
"""

import os

from mmskelseg.interchange.boris import (
    NO_SUBJECT,
    TWICE,
    StateEvent,
    one_subject,
    paired,
)
from mmskelseg.interchange.parsing import (
    as_dicts,
    choose,
    number,
    read_rows,
    sorted_videos,
    video_name,
)
from mmskelseg.interchange.segments import VideoSegments

_MEDIA_COLUMNS = ('Media file name', 'Media file path', 'Media file')
_NO_MEDIA = ('', 'NA', 'Not found')


def read_boris_events(
    path: str | os.PathLike,
    *,
    observation: str | None = None,
    subject: str | None = None,
) -> list[VideoSegments]:
    """Return the states of each video in a table of BORIS.

    Args:
        path: A CSV or TSV file, exported as "aggregated events" or "tabular events".
        observation: Read this one alone.
        subject: Read the events of this subject alone; an empty text is BORIS' "No
            focal subject". Needed where an observation has several.

    Raises:
        ValueError: If a column, a number or the end of a state is missing, or two
            observations are of the same video.
    """
    rows = read_rows(path)
    head = next(
        (
            i
            for i, (_, row) in enumerate(rows)
            if 'Behavior' in row and {'Time', 'Start (s)'} & set(row)
        ),
        None,
    )
    if head is None:
        raise ValueError(
            f'{path}: no line has the columns Behavior and Time, or Behavior and '
            'Start (s); export the events from BORIS as aggregated or tabular events.'
        )
    # The preamble of BORIS 7.
    above = next((row[1] for _, row in rows[:head] if row[0] == 'Observation id'), '')
    events: dict[str, list[StateEvent]] = {}
    media: dict[str, set[str]] = {}
    for place, row in as_dicts(rows[head:], path):
        name = row.get('Observation id', above)
        file = next((row[column] for column in _MEDIA_COLUMNS if column in row), '')
        found = _row_events(row, place)
        if found:
            events.setdefault(name, []).extend(found)
            media.setdefault(name, set()).add(file)
    names = list(events)
    if observation is not None:
        names = [choose(observation, names, str(path), 'observation', 'observation')]
    videos = []
    for name in names:
        place = f'{path}: observation {name!r}'
        segments = paired(one_subject(events[name], subject, place), place)
        one = _one_media(media[name], place)
        video = video_name(one) if one else name
        videos.append(VideoSegments(video, segments, filename=one))
    return sorted_videos(videos, path, TWICE)


def _row_events(row: dict[str, str], place: str) -> list[StateEvent]:
    if 'POINT' in (row.get('Behavior type'), row.get('Status')):
        return []
    times = ('Start (s)', 'Stop (s)') if 'Start (s)' in row else ('Time',)
    offset = number(row.get('Time offset (s)') or 0, place, 'Time offset (s)')
    subject = row.get('Subject', '')
    modifiers = '|'.join(
        value for key, value in row.items() if key.startswith('Modifier')
    )
    return [
        StateEvent(
            number(row.get(column), place, column) - offset,
            '' if subject == NO_SUBJECT else subject,
            row['Behavior'],
            modifiers,
        )
        for column in times
    ]


def _one_media(files: set[str], place: str) -> str | None:
    named = sorted(file for file in files if file not in _NO_MEDIA)
    if len(named) > 1:
        raise ValueError(
            f'{place} has the media {", ".join(named)}, and a table does not say where '
            'one ends; give the .boris project instead.'
        )
    return named[0] if named else None
