"""BORIS: projects (``.boris``), read and written.

The format is 7.0, of BORIS 7 to 9, possibly compressed (``.boris.gz``). An event
is ``[time, subject, code, modifiers, comment, frame]``; a state consists of two events
with the same subject, code and modifiers. Times are in seconds, over all files of
player 1 in sequence, plus the observation's time offset.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.files.inputs import check_fps
from mmskelseg.runtime.files.parsing import FilePath, check_shape, number, read_json
from mmskelseg.runtime.labels.reading import LABEL_FORMATS, Parts, choose, video_name
from mmskelseg.runtime.labels.segments import (
    Segment,
    VideoSegments,
    frame_at,
    make_segment,
    sorted_videos,
)
from mmskelseg.runtime.messages.errors import UserError, shown

Observation = TypeVar('Observation')
NO_SUBJECT = 'No focal subject'
# Behavior of the point events that mark stretches.
MARK = 'to label'
POINT = 'POINT'
_PROJECT = {
    'behaviors_conf': {...: {'code': str, 'type': str}},
    'observations': {
        ...: {'events': [list], 'media_info?': {'length?': dict, 'fps?': dict}}
    },
}
# Keyboard keys of the classes in BORIS.
_KEYS = '1234567890abcdefghijklmnopqrstuvwxyz'
# Default values of a written file.
_NEW_PROJECT = json.loads("""{
    "time_format": "hh:mm:ss", "project_date": "", "project_description": "",
    "project_name": "predictions of mmskelseg", "project_format_version": "7.0",
    "subjects_conf": {}, "behaviors_conf": {}, "observations": {},
    "behavioral_categories": [], "behavioral_categories_config": {},
    "independent_variables": {}, "coding_map": {}, "behaviors_coding_map": [],
    "converters": {}
}""")
_NEW_BEHAVIOR = json.loads("""{
    "type": "State event", "key": "", "code": "", "description": "", "color": "",
    "category": "", "modifiers": "", "excluded": "", "coding map": ""
}""")
_NEW_OBSERVATION = json.loads("""{
    "file": {}, "type": "MEDIA", "date": "", "description": "", "time offset": 0.0,
    "events": [], "observation time interval": [0, 0], "independent_variables": {},
    "visualize_spectrogram": false, "visualize_waveform": false,
    "media_creation_date_as_offset": false, "media_scan_sampling_duration": 0,
    "image_display_duration": 1, "close_behaviors_between_videos": false
}""")


class Options(NamedTuple):
    """The options of a reader; see :func:`read_boris`."""

    observation: str | Sequence[str] | None
    subject: str | None
    point_seconds: float | None
    strict: bool
    notes: list[str] | None


class Event(NamedTuple):
    """The start or end of a state, or a point event.

    ``kind`` is POINT for a point event. Events of a state start and end it in turn;
    ``kind`` must agree where a table states it: START or STOP.
    """

    time: float
    subject: str
    code: str
    modifiers: str
    kind: str = ''


@LABEL_FORMATS.register(
    'boris',
    {
        '.boris': None,
        '.boris.gz': None,
        '.json': lambda content: (
            isinstance(content, dict) and 'behaviors_conf' in content
        ),
    },
)
def read_boris(
    path: FilePath,
    *,
    observation: str | Sequence[str] | None = None,
    subject: str | None = None,
    point_seconds: float | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the states of each video in a BORIS project.

    A video is named after its media file, or after the observation if it is live.
    Observations that do not fit are skipped as a whole, with a note: those that lack
    the subject or have several subjects, have a state without an end, label the same
    video as another one, or have no events to read.

    Args:
        path: The project file.
        observation: Read only this observation, or these; each of them must fit.
        subject: Read only events of this subject; an empty text is BORIS' "No focal
            subject". Needed for observations of several subjects.
        point_seconds: Read point events as well, each as a segment that begins there
            and lasts so many seconds. By default they are skipped, with a note.
        strict: Whether an observation that does not fit is an error.
        notes: List to which notes are appended; by default they are logged as warnings.
    """
    project = read_json(path, 'BORIS')
    check_shape(project, _PROJECT, str(path), 'save it in BORIS as a project')
    types = {item['code']: item['type'] for item in project['behaviors_conf'].values()}
    return read_observations(
        path,
        project['observations'],
        lambda found, place: _events(found, types, place),
        _videos,
        Options(observation, subject, point_seconds, strict, notes),
    )


def read_observations(
    path: FilePath,
    there: Mapping[str, Observation],
    read_events: Callable[[Observation, str], Iterable[Event]],
    divide: Callable[
        [str, Observation, Sequence[Segment], str], Iterable[VideoSegments]
    ],
    options: Options,
) -> list[VideoSegments]:
    """Return the states of each video in observations.

    Args:
        path: The file.
        there: Its observations by name.
        read_events: Returns the events of an observation, given its place for messages.
        divide: Splits a named observation and its segments into videos.
        options: Options of the reader.
    """
    names, length = list(there), None
    wanted = options.observation
    if wanted is not None:
        wanted = [wanted] if isinstance(wanted, str) else wanted
        names = [choose(name, names, str(path), 'observation', '') for name in wanted]
    if options.point_seconds is not None:
        length = number(options.point_seconds, str(path), 'point_seconds')
        if length <= 0:
            raise UserError(
                f'{path}: point_seconds is {length:g}, expected the length in seconds '
                'of each point event, a number above 0.'
            )
    parts = Parts(
        path,
        'observations',
        'choose one of the two by --label-option observation=NAME',
        options.strict or bool(options.observation),
        options.notes,
    )
    # Number of point events in observations with and without states.
    points: Counter[bool] = Counter()
    for name in dict.fromkeys(names):
        place = f'{path}: observation {name!r}'
        with parts.part(repr(name), place) as videos:
            events = list(read_events(there[name], place))
            segments = _segments(events, options.subject, length, place)
            points[bool(segments)] += sum(event.kind == POINT for event in events)
            videos += divide(name, there[name], segments, place)
    if length is None and points.total():
        remedy = '--label-option point_seconds=0.1 reads each as a tenth of a second'
        if parts.is_empty:
            raise UserError(
                f'{path}: no states, only {points.total()} point events, which have no '
                f'duration; {remedy}.'
            )
        if points[True]:
            parts.note(
                f'{path}: {points[True]} point events are skipped, since they have no '
                f'duration; {remedy}'
            )
    return parts.read()


def _segments(
    events: Iterable[Event], subject: str | None, length: float | None, place: str
) -> list[Segment]:
    """Return the segments of a subject: its states, and its points of a length."""
    events = [event for event in events if length or event.kind != POINT]
    wanted = '' if subject == NO_SUBJECT else subject
    there = sorted({event.subject for event in events})
    if there:
        option = '--label-option subject=NAME'
        wanted = choose(wanted, there, place, 'subject', option)
    running: dict[tuple[str, str], float] = {}
    segments = []
    for event in sorted(events, key=lambda event: event.time):
        if event.subject != wanted:
            continue
        start, end = event.time, event.time + (length or 0)
        if event.kind != POINT:
            key = (event.code, event.modifiers)
            expected = 'STOP' if key in running else 'START'
            if event.kind not in ('', expected):
                raise UserError(
                    f'{place}: the state {event.code!r} has a {event.kind} at '
                    f'{event.time:.3f} s where its {expected} should come; correct it '
                    'in BORIS and export it again.'
                )
            if key not in running:
                running[key] = event.time
                continue
            start, end = running.pop(key), event.time
        segments.append(make_segment(place, start, end, event.code))
    for (code, _), time in running.items():
        raise UserError(
            f'{place}: the state {code!r} that starts at {time:.3f} s has no end; add '
            'its stop event, with the same subject and modifiers.'
        )
    return segments


def _events(
    observation: dict[str, Any], types: Mapping[str, str], place: str
) -> Iterator[Event]:
    if observation.get('media_creation_date_as_offset'):
        raise UserError(
            f'{place}: its times are relative to the creation date of the media; '
            'disable the media creation date as offset in BORIS.'
        )
    offset = number(observation.get('time offset') or 0, place, 'time offset')
    for i, event in enumerate(observation['events']):
        where = f'{place}: event {i}'
        if len(event) < 4 or {type(text) for text in event[1:4]} != {str}:
            raise UserError(
                f'{where} is {shown(event)}, expected [time, subject, code, modifiers, '
                'comment]; save the project with BORIS 7 or later.'
            )
        time, subject, code, modifiers = event[:4]
        if code not in types:
            raise UserError(
                f'{where} has the behavior {code!r}, which the ethogram lacks; add it '
                'there or delete the event.'
            )
        if code != MARK:
            kind = '' if types[code].startswith('State') else POINT
            seconds = number(time, where, 'time') - offset
            yield Event(seconds, subject, code, modifiers, kind)


def _videos(
    name: str, observation: dict[str, Any], segments: Sequence[Segment], place: str
) -> Iterator[VideoSegments]:
    # In a live observation, this is an empty list.
    players = observation.get('file') or {}
    check_shape(players, {'1?': [str]}, f'{place}, file', 'save it in BORIS again')
    files = players.get('1') or []
    info = observation.get('media_info') or {}
    lengths, rates = info.get('length') or {}, info.get('fps') or {}
    if not files:
        yield VideoSegments(name, segments)
    begin = 0.0
    for file in files:
        inside = segments
        if len(files) > 1:
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
            begin = end
        yield VideoSegments(video_name(file), inside, rates.get(file), None, file)


def write_boris(
    path: FilePath, videos: Sequence[VideoSegments], classes: Sequence[str]
) -> None:
    """Write a BORIS project with an observation for each video.

    Each class is a state that excludes all others, with a keyboard key of its own.
    Times are rounded to milliseconds, as in BORIS, so that frames are recovered exactly
    below 1000 frames per second. Confidences become comments on the starts of states.
    A mark becomes a point event at its start, with its end and reason as comment. For a
    video without ``filename``, the media file is its name without an extension, and
    BORIS asks for the file.

    Args:
        path: The file to write.
        videos: Videos of different names, with fps and num_frames.
        classes: Names of all classes, including those without segments.
    """
    sorted_videos(videos, path)
    now = datetime.now().isoformat(timespec='seconds')
    # BORIS separates excluded behaviors by commas.
    excludes = not any(',' in name for name in classes)
    behaviors = [
        {
            **_NEW_BEHAVIOR,
            'key': _KEYS[i : i + 1],
            'code': name,
            'excluded': ','.join(o for o in classes if o != name) if excludes else '',
        }
        for i, name in enumerate(classes)
    ]
    if any(video.marks for video in videos):
        behaviors.append({**_NEW_BEHAVIOR, 'type': 'Point event', 'code': MARK})
    project = {
        **_NEW_PROJECT,
        'project_date': now,
        'behaviors_conf': {str(i): behavior for i, behavior in enumerate(behaviors)},
        'observations': {
            video.name: _observation(video, classes, now) for video in videos
        },
    }
    atomic_write_text(path, json.dumps(project, ensure_ascii=False, indent=1))


def _observation(
    video: VideoSegments, classes: Sequence[str], now: str
) -> dict[str, object]:
    fps, duration = fps_and_duration(video)
    media = video.filename or video.name
    events: list[tuple[float, int, list]] = []

    def add(rank: int, time: float, code: str, comment: str) -> None:
        # Among events at the same time, ends of states come first.
        rounded = round(time, 3)
        row = [rounded, '', code, '', comment, frame_at(time, fps)]
        events.append((rounded, rank, row))

    for segment in video.segments:
        if segment.label not in classes:
            raise UserError(
                f'video {video.name!r}: {segment} is not one of the classes '
                f'{", ".join(classes)}.'
            )
        add(0, segment.end, segment.label, '')
        add(1, segment.start, segment.label, comment_on(segment))
    for mark in video.marks:
        add(2, round(mark.start, 3), MARK, f'until {mark.end:.3f} s: {mark.label}')
    return {
        **_NEW_OBSERVATION,
        'file': {'1': [media], **{str(i): [] for i in range(2, 9)}},
        'date': now,
        'events': [row for _, _, row in sorted(events)],
        'media_info': {
            'length': {media: duration},
            'fps': {media: fps},
            'hasVideo': {media: True},
            'hasAudio': {media: False},
            'offset': {'1': 0.0},
        },
    }


def fps_and_duration(video: VideoSegments) -> tuple[float, float]:
    """Return frames per second and the duration in seconds of a video to write."""
    place = f'video {video.name!r}'
    fps = check_fps(video.fps, place)
    if video.num_frames is None:
        raise UserError(
            f'{place}: num_frames is missing, but BORIS needs the duration; give '
            'num_frames.'
        )
    return fps, round(video.num_frames / fps, 3)


def comment_on(segment: Segment) -> str:
    """Return the confidence of a segment as a comment."""
    return '' if segment.score is None else f'confidence {segment.score:.3f}'
