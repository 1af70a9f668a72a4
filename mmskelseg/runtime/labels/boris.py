"""BORIS: projects (``.boris``) and exported tables of events, read and written.

Projects have the format 7.0 of BORIS 7 to 9, possibly compressed (``.boris.gz``). An
event is ``[time, subject, code, modifiers, comment, frame]``; a state consists of two
events with the same subject, code and modifiers. Times are in seconds, over all files
of player 1 in sequence, plus the observation's time offset. Each line of a table is a
state (``Start (s)``, ``Stop (s)``) or an event (``Time``, with START or STOP as
``Behavior type``, or as ``Status`` in BORIS 7).
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.files.parsing import (
    FilePath,
    Row,
    as_dicts,
    check_shape,
    choose,
    number,
    read_json,
    read_rows,
    video_name,
)
from mmskelseg.runtime.labels.reading import LABEL_FORMATS, Parts
from mmskelseg.runtime.labels.segments import (
    Segment,
    VideoSegments,
    check_fps,
    frame_at,
    make_segment,
    sorted_videos,
)
from mmskelseg.runtime.messages.errors import UserError, shown

Observation = TypeVar('Observation')
_NO_SUBJECT = 'No focal subject'
# The behavior of point events that mark a stretch.
_MARK = 'to label'
_POINT = 'POINT'
_PROJECT = {
    'behaviors_conf': {...: {'code': str, 'type': str}},
    'observations': {
        ...: {'events': [list], 'media_info?': {'length?': dict, 'fps?': dict}}
    },
}
_TWICE = 'choose one of the two by --label-option observation=NAME'
_MEDIA_COLUMNS = ('Media file name', 'Media file path', 'Media file')
_NO_MEDIA = ('', 'NA', 'Not found')
# Keyboard keys of the classes in BORIS.
_KEYS = '1234567890abcdefghijklmnopqrstuvwxyz'
# The header of an aggregated export.
_HEADER = (
    'Observation id,Observation date,Description,Observation type,Source,'
    'Time offset (s),Coding duration,Media duration (s),FPS (frame/s),Subject,'
    'Observation duration by subject by observation,Behavior,Behavioral category,'
    'Behavior type,Start (s),Stop (s),Duration (s),Media file name,Image index start,'
    'Image index stop,Image file path start,Image file path stop,Comment start,'
    'Comment stop'
)


class _Event(NamedTuple):
    """The start or end of a state, or a point event.

    ``kind`` is POINT for the latter. Whether a state starts or ends follows from the
    order, with which ``kind`` must agree where a table states it: START or STOP.
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
    the subject or have several subjects, have a state without an end, label a video
    that another one labels already, or have no events that are read.

    Args:
        path: The project file.
        observation: Read only this observation, or these; each of them must fit.
        subject: Read only events of this subject; an empty text is BORIS' "No focal
            subject". Needed for observations of several subjects.
        point_seconds: Read point events as well, each as a segment of this length in
            seconds, which begins with it. By default they are skipped, with a note.
        strict: Whether an observation that does not fit is an error.
        notes: List to which notes are appended; by default they are logged as warnings.
    """
    project = read_json(path, 'BORIS')
    check_shape(project, _PROJECT, str(path), 'save it in BORIS as a project')
    types = {item['code']: item['type'] for item in project['behaviors_conf'].values()}
    parts = Parts(path, 'observations', _TWICE, strict or bool(observation), notes)
    return _read(
        parts,
        _chosen(project['observations'], observation, path),
        lambda found, place: _project_events(found, types, place),
        _project_videos,
        subject,
        _point_length(point_seconds, path),
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

    Its options are those of :func:`read_boris`.

    Args:
        path: A CSV or TSV file, exported as "aggregated events" or "tabular events".
        observation: Read only this observation, or these.
        subject: Read only events of this subject.
        point_seconds: Length of point events in seconds.
        strict: Whether an observation that does not fit is an error.
        notes: List to which notes are appended.
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
    parts = Parts(path, 'observations', _TWICE, strict or bool(observation), notes)
    return _read(
        parts,
        _chosen(found, observation, path),
        lambda rows, _: [event for row in rows for event in _row_events(*row)],
        _table_videos,
        subject,
        _point_length(point_seconds, path),
    )


def _read(
    parts: Parts,
    observations: Mapping[str, Observation],
    read_events: Callable[[Observation, str], Iterable[_Event]],
    divide: Callable[
        [str, Observation, Sequence[Segment], str], Iterable[VideoSegments]
    ],
    subject: str | None,
    length: float | None,
) -> list[VideoSegments]:
    """Return the states of each video in observations.

    Args:
        parts: Collects the videos.
        observations: The observations to read, by name.
        read_events: Returns the events of an observation at a place of the file.
        divide: Returns the videos of an observation with a name and segments.
        subject: The subject whose events are read.
        length: Length of a point event in seconds; None to skip them.
    """
    # Number of point events in observations with and without states.
    points: Counter[bool] = Counter()
    for name, observation in observations.items():
        place = f'{parts.path}: observation {name!r}'
        with parts.part(repr(name), place) as videos:
            events = list(read_events(observation, place))
            segments = _segments(events, subject, length, place)
            points[bool(segments)] += sum(event.kind == _POINT for event in events)
            videos += divide(name, observation, segments, place)
    if length is None and points.total():
        remedy = '--label-option point_seconds=0.1 reads each as a tenth of a second'
        if parts.is_empty:
            raise UserError(
                f'{parts.path}: no states, only {points.total()} point events, which '
                f'have no duration; {remedy}.'
            )
        if points[True]:
            parts.note(
                f'{parts.path}: {points[True]} point events are skipped, since they '
                f'have no duration; {remedy}'
            )
    return parts.read()


def _chosen(
    there: Mapping[str, Observation],
    wanted: str | Sequence[str] | None,
    path: FilePath,
) -> dict[str, Observation]:
    """Return the observations to read; None stands for all of them."""
    names = list(there)
    if wanted is not None:
        given = [wanted] if isinstance(wanted, str) else wanted
        names = [choose(name, names, str(path), 'observation', '') for name in given]
    return {name: there[name] for name in names}


def _point_length(seconds: object, path: FilePath) -> float | None:
    """Return the length of point events, after checking that it is above 0."""
    if seconds is None:
        return None
    length = number(seconds, str(path), 'point_seconds')
    if length <= 0:
        raise UserError(
            f'{path}: point_seconds is {length:g}, expected the length in seconds that '
            'each point event gets, a number above 0.'
        )
    return length


def _segments(
    events: Iterable[_Event], subject: str | None, length: float | None, place: str
) -> list[Segment]:
    """Return the segments of a subject: its states, and its points of a length."""
    events = [event for event in events if length or event.kind != _POINT]
    wanted = '' if subject == _NO_SUBJECT else subject
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
        if event.kind != _POINT:
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


def _project_events(
    observation: dict[str, Any], types: Mapping[str, str], place: str
) -> Iterator[_Event]:
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
        if code != _MARK:
            kind = '' if types[code].startswith('State') else _POINT
            seconds = number(time, where, 'time') - offset
            yield _Event(seconds, subject, code, modifiers, kind)


def _project_videos(
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


def _row_events(place: str, row: dict[str, str]) -> list[_Event]:
    if row['Behavior'] == _MARK:
        return []
    kinds = (row.get('Behavior type'), row.get('Status'))
    times = ('Start (s)', 'Stop (s)') if 'Start (s)' in row else ('Time',)
    times = times[:1] if _POINT in kinds else times
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
        _Event(
            second - offset,
            '' if subject == _NO_SUBJECT else subject,
            row['Behavior'],
            '|'.join(modifiers),
            next((kind for kind in kinds if kind in ('START', 'STOP', _POINT)), ''),
        )
        for second in seconds
    ]


def _table_videos(
    name: str, rows: Sequence[Row], segments: Sequence[Segment], place: str
) -> list[VideoSegments]:
    media = {
        next((row[column] for column in _MEDIA_COLUMNS if column in row), '')
        for _, row in rows
    }
    files = sorted(media.difference(_NO_MEDIA))
    if len(files) > 1:
        raise UserError(
            f'{place} has the media {", ".join(files)}, and a table does not state '
            'where each of them ends; give the .boris project instead.'
        )
    if not files:
        return [VideoSegments(name, segments)]
    return [VideoSegments(video_name(files[0]), segments, filename=files[0])]


def write_boris(
    path: FilePath, videos: Sequence[VideoSegments], classes: Sequence[str]
) -> None:
    """Write a BORIS project with an observation for each video.

    Each class is a state that excludes all others, with a keyboard key of its own.
    Times are rounded to milliseconds, as in BORIS, so that frames are recovered exactly
    below 1000 frames per second. Confidences become comments of the starts of states.
    A mark becomes a point event at its start, with its end and reason as comment. The
    media of a video without ``filename`` is its name, without an extension; BORIS then
    asks for the file.

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
            'type': 'State event',
            'key': _KEYS[i : i + 1],
            'code': name,
            'description': '',
            'color': '',
            'category': '',
            'modifiers': '',
            'excluded': ','.join(o for o in classes if o != name) if excludes else '',
            'coding map': '',
        }
        for i, name in enumerate(classes)
    ]
    if any(video.marks for video in videos):
        mark = {'type': 'Point event', 'key': '', 'code': _MARK, 'excluded': ''}
        behaviors.append({**behaviors[0], **mark})
    project = {
        'time_format': 'hh:mm:ss',
        'project_date': now,
        'project_name': 'predictions of mmskelseg',
        'project_description': '',
        'project_format_version': '7.0',
        'subjects_conf': {},
        'behaviors_conf': {str(i): behavior for i, behavior in enumerate(behaviors)},
        'observations': {
            video.name: _observation(video, classes, now) for video in videos
        },
        'behavioral_categories': [],
        'behavioral_categories_config': {},
        'independent_variables': {},
        'coding_map': {},
        'behaviors_coding_map': [],
        'converters': {},
    }
    atomic_write_text(path, json.dumps(project, ensure_ascii=False, indent=1))


def _observation(
    video: VideoSegments, classes: Sequence[str], now: str
) -> dict[str, object]:
    fps, duration = _fps_and_duration(video)
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
        add(1, segment.start, segment.label, _comment(segment))
    for mark in video.marks:
        add(2, round(mark.start, 3), _MARK, f'until {mark.end:.3f} s: {mark.label}')
    return {
        'file': {'1': [media], **{str(i): [] for i in range(2, 9)}},
        'type': 'MEDIA',
        'date': now,
        'description': '',
        'time offset': 0.0,
        'events': [row for _, _, row in sorted(events)],
        'observation time interval': [0, 0],
        'independent_variables': {},
        'visualize_spectrogram': False,
        'visualize_waveform': False,
        'media_creation_date_as_offset': False,
        'media_scan_sampling_duration': 0,
        'image_display_duration': 1,
        'close_behaviors_between_videos': False,
        'media_info': {
            'length': {media: duration},
            'fps': {media: fps},
            'hasVideo': {media: True},
            'hasAudio': {media: False},
            'offset': {'1': 0.0},
        },
    }


def write_boris_events(path: FilePath, videos: Sequence[VideoSegments]) -> None:
    """Write a CSV table in the form of BORIS' export of "aggregated events".

    Args:
        path: The file to write.
        videos: Videos with fps and num_frames.
    """
    now = datetime.now().isoformat(' ', timespec='seconds')
    table = io.StringIO()
    writer = csv.DictWriter(table, _HEADER.split(','))
    writer.writeheader()
    for video in videos:
        fps, duration = _fps_and_duration(video)
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
                'Subject': _NO_SUBJECT,
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
                'Comment start': _comment(segment),
            }
            writer.writerow(values)
    atomic_write_text(path, table.getvalue())


def _fps_and_duration(video: VideoSegments) -> tuple[float, float]:
    place = f'video {video.name!r}'
    fps = check_fps(video.fps, place)
    if video.num_frames is None:
        raise UserError(
            f'{place}: num_frames is missing, but BORIS needs the duration; give '
            'num_frames.'
        )
    return fps, round(video.num_frames / fps, 3)


def _comment(segment: Segment) -> str:
    return '' if segment.score is None else f'confidence {segment.score:.3f}'
