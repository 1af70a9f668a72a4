"""BORIS project files (``.boris``): state events in seconds.

Read from the project format 7.0 of BORIS 7 to 9. An event is ``[time, subject, code,
modifiers, comment, frame]``, the last only since version 8; a state is two events of
the same subject, code and modifiers, of which the first starts and the second ends it.
Times are seconds of the media of player 1 (of all its files, one after the other) plus
the observation's time offset. Point events have no duration and are left out.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from mmskelseg.interchange.parsing import (
    choose,
    make_segment,
    number,
    read_json,
    sorted_videos,
    video_name,
)
from mmskelseg.interchange.segments import Segment, VideoSegments
from mmskelseg.interchange.shapes import check_shape

NO_SUBJECT = 'No focal subject'
_PROJECT = {
    'behaviors_conf': {...: {'code': str, 'type': str}},
    'observations': {
        ...: {
            'events': [list],
            'media_info?': {'length?': dict, 'fps?': dict},
        }
    },
}
TWICE = 'choose one of its observations by observation'


class StateEvent(NamedTuple):
    """A start or an end of a state: which of the two follows from the order."""

    time: float
    subject: str
    code: str
    modifiers: str


def read_boris(
    path: str | os.PathLike,
    *,
    observation: str | None = None,
    subject: str | None = None,
) -> list[VideoSegments]:
    """Return the states of each video in a BORIS project.

    A video's name is that of its media file, in live observations the observation's.
    Observations without a state are left out.

    Args:
        path: A ``.boris`` file.
        observation: Read this one alone.
        subject: Read the events of this subject alone; an empty text is BORIS' "No
            focal subject". Needed where an observation has several.

    Raises:
        ValueError: If the file is no such project, a state has no end, or two
            observations are of the same video.
    """
    project = read_json(path, 'BORIS')
    check_shape(project, _PROJECT, str(path), 'save it in BORIS as a project')
    types = {
        behavior['code']: behavior['type']
        for behavior in project['behaviors_conf'].values()
    }
    observations = project['observations']
    names = list(observations)
    if observation is not None:
        names = [choose(observation, names, str(path), 'observation', 'observation')]
    videos: list[VideoSegments] = []
    for name in names:
        place = f'{path}: observation {name!r}'
        events = list(_state_events(observations[name], types, place))
        if events:
            segments = paired(one_subject(events, subject, place), place)
            videos += _per_media(name, observations[name], segments, place)
    return sorted_videos(videos, path, TWICE)


def one_subject(
    events: Sequence[StateEvent], subject: str | None, place: str
) -> list[StateEvent]:
    """Return the events of a subject, or all if there is but one.

    Raises:
        ValueError: If there are several, or none of the wanted one.
    """
    there = sorted({event.subject for event in events})
    wanted = '' if subject == NO_SUBJECT else subject
    chosen = choose(wanted, there, place, 'subject', 'subject')
    return [event for event in events if event.subject == chosen]


def paired(events: Iterable[StateEvent], place: str) -> list[Segment]:
    """Return the states that pairs of events start and end.

    Raises:
        ValueError: If an event has no partner.
    """
    running: dict[tuple[str, ...], float] = {}
    segments = []
    for event in sorted(events, key=lambda event: event.time):
        key = event[1:]
        if key in running:
            start = running.pop(key)
            segments.append(make_segment(place, start, event.time, event.code))
        else:
            running[key] = event.time
    for (_, code, _), time in running.items():
        raise ValueError(
            f'{place}: the state {code!r} that starts at {time:.3f} s has no end; add '
            'its stop event, with the same subject and modifiers.'
        )
    return segments


def _state_events(
    observation: dict[str, Any], types: dict[str, str], place: str
) -> Iterator[StateEvent]:
    if observation.get('media_creation_date_as_offset'):
        raise ValueError(
            f'{place}: its times count from the date of the media; switch off the use '
            'of the media creation date as offset in BORIS.'
        )
    offset = number(observation.get('time offset') or 0, place, 'time offset')
    for i, event in enumerate(observation['events']):
        where = f'{place}: event {i}'
        if len(event) < 4 or {type(text) for text in event[1:4]} != {str}:
            raise ValueError(
                f'{where} is {event!r}, expected [time, subject, code, modifiers, '
                'comment]; save the project with BORIS 7 or later.'
            )
        if event[2] not in types:
            raise ValueError(
                f'{where} has the behavior {event[2]!r}, which the ethogram lacks; add '
                'it there or delete the event.'
            )
        if types[event[2]].startswith('State'):
            time = number(event[0], where, 'time') - offset
            yield StateEvent(time, event[1], event[2], event[3])


def _per_media(
    name: str, observation: dict[str, Any], segments: Sequence[Segment], place: str
) -> Iterator[VideoSegments]:
    # A live observation has a list here, which is empty.
    players = observation.get('file') or {'1': []}
    check_shape(players, {'1?': [str]}, f'{place}, file', 'save it in BORIS again')
    files = players.get('1') or []
    info = observation.get('media_info') or {}
    lengths, rates = info.get('length') or {}, info.get('fps') or {}
    if not files:
        yield VideoSegments(name, segments)
    elif len(files) == 1:
        file = files[0]
        yield VideoSegments(video_name(file), segments, rates.get(file), None, file)
    else:
        begin = 0.0
        for file in files:
            end = begin + number(lengths.get(file), place, f'the length of {file}')
            inside = [
                replace(
                    segment,
                    start=max(segment.start, begin) - begin,
                    end=min(segment.end, end) - begin,
                )
                for segment in segments
                if segment.start < end and segment.end > begin
            ]
            yield VideoSegments(video_name(file), inside, rates.get(file), None, file)
            begin = end
