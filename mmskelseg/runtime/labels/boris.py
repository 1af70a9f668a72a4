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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, TypedDict, cast

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
from mmskelseg.runtime.labels.fitting import Fitting
from mmskelseg.runtime.labels.segments import (
    Segment,
    VideoSegments,
    check_fps,
    frame_at,
    make_segment,
    sorted_videos,
)
from mmskelseg.runtime.messages.errors import UserError, reads_file, shown

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
_TWICE = 'choose one of the two by observation'
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


class _Behavior(TypedDict):
    """A behaviour of the ethogram."""

    code: str
    type: str


class _MediaInfo(TypedDict, total=False):
    """Seconds and frames per second of the media files."""

    length: dict[str, object]
    fps: dict[str, float]


# The keys of an observation that are read; `time offset` is no identifier.
_Observation = TypedDict(
    '_Observation',
    {
        'events': list[list],
        'file': dict[str, list[str]],
        'media_info': _MediaInfo,
        'media_creation_date_as_offset': bool,
        'time offset': float,
    },
    total=False,
)


class _Project(TypedDict):
    """The keys of a project that are read."""

    behaviors_conf: dict[str, _Behavior]
    observations: dict[str, _Observation]


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


@reads_file
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
    project: _Project = read_json(path, 'BORIS')
    check_shape(project, _PROJECT, str(path), 'save it in BORIS as a project')
    types = {item['code']: item['type'] for item in project['behaviors_conf'].values()}
    observations = project['observations']
    length = _point_length(point_seconds, path)
    videos = Fitting(path, 'observations', strict or bool(observation), notes)
    points: Counter[bool] = Counter()
    for name in _chosen(observation, list(observations), path):
        place = f'{path}: observation {name!r}'
        with videos.part(repr(name), place):
            events = list(_events(observations[name], types, place))
            segments = _segments(events, subject, length, place)
            points[bool(segments)] += _points(events)
            found = _per_media(name, observations[name], segments, place)
            videos.add(repr(name), place, found, _TWICE)
    _note_points(videos, points, length)
    return videos.read()


def _chosen(
    observation: str | Sequence[str] | None, there: Sequence[str], path: FilePath
) -> list[str]:
    """Return the names of the observations to read."""
    if observation is None:
        return list(there)
    wanted = [observation] if isinstance(observation, str) else observation
    return [
        choose(name, there, str(path), 'observation', 'observation')
        for name in dict.fromkeys(wanted)
    ]


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


def _points(events: Sequence[_Event]) -> int:
    return sum(event.kind == _POINT for event in events)


def _note_points(
    videos: Fitting, points: Mapping[bool, int], length: float | None
) -> None:
    """Note that point events were skipped, unless they have a length.

    Args:
        videos: What was read.
        points: Number of point events in observations with and without states.
        length: Length of a point event in seconds.

    Raises:
        UserError: If there is nothing else in the file.
    """
    if length is not None or not any(points.values()):
        return
    remedy = 'point_seconds=0.1 reads each as a tenth of a second'
    if videos.is_empty:
        raise UserError(
            f'{videos.path}: no states, only {sum(points.values())} point events, '
            f'which have no duration; {remedy}.'
        )
    if points[True]:
        videos.note(
            f'{videos.path}: {points[True]} point events are skipped, since they have '
            f'no duration; {remedy}'
        )


def _segments(
    events: Sequence[_Event], subject: str | None, length: float | None, place: str
) -> list[Segment]:
    """Return the segments of a subject: its states, and its points of a length."""
    if length is None:
        events = [event for event in events if event.kind != _POINT]
    wanted = '' if subject == _NO_SUBJECT else subject
    there = sorted({event.subject for event in events})
    chosen = choose(wanted, there, place, 'subject', 'subject') if events else ''
    running: dict[tuple[str, ...], float] = {}
    segments = []
    for event in sorted(events, key=lambda event: event.time):
        key = (event.subject, event.code, event.modifiers)
        if event.subject != chosen:
            continue
        if event.kind == _POINT:
            end = event.time + cast(float, length)
            segments.append(make_segment(place, event.time, end, event.code))
            continue
        expected = 'STOP' if key in running else 'START'
        if event.kind not in ('', expected):
            raise UserError(
                f'{place}: the state {event.code!r} has a {event.kind} at '
                f'{event.time:.3f} s where its {expected} should come; correct it in '
                'BORIS and export it again.'
            )
        if key in running:
            start = running.pop(key)
            segments.append(make_segment(place, start, event.time, event.code))
        else:
            running[key] = event.time
    for (_, code, _), time in running.items():
        raise UserError(
            f'{place}: the state {code!r} that starts at {time:.3f} s has no end; add '
            'its stop event, with the same subject and modifiers.'
        )
    return segments


def _events(
    observation: _Observation, types: dict[str, str], place: str
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
        if event[2] not in types:
            raise UserError(
                f'{where} has the behavior {event[2]!r}, which the ethogram lacks; add '
                'it there or delete the event.'
            )
        if event[2] != _MARK:
            time = number(event[0], where, 'time') - offset
            kind = '' if types[event[2]].startswith('State') else _POINT
            yield _Event(time, event[1], event[2], event[3], kind)


def _per_media(
    name: str, observation: _Observation, segments: Sequence[Segment], place: str
) -> Iterator[VideoSegments]:
    # In a live observation, this is an empty list.
    players = observation.get('file') or {'1': []}
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


@reads_file
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

    Args:
        path: A CSV or TSV file, exported as "aggregated events" or "tabular events".
        observation: See :func:`read_boris`.
        subject: See :func:`read_boris`.
        point_seconds: See :func:`read_boris`.
        strict: See :func:`read_boris`.
        notes: See :func:`read_boris`.
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
    length = _point_length(point_seconds, path)
    videos = Fitting(path, 'observations', strict or bool(observation), notes)
    points: Counter[bool] = Counter()
    for name in _chosen(observation, list(found), path):
        place = f'{path}: observation {name!r}'
        with videos.part(repr(name), place):
            events = [
                event for where, row in found[name] for event in _row_events(row, where)
            ]
            segments = _segments(events, subject, length, place)
            points[bool(segments)] += _points(events)
            media = [_media(row) for _, row in found[name]]
            videos.add(
                repr(name), place, [_of_table(name, segments, media, place)], _TWICE
            )
    _note_points(videos, points, length)
    return videos.read()


def _media(row: dict[str, str]) -> str:
    return next((row[column] for column in _MEDIA_COLUMNS if column in row), '')


def _of_table(
    name: str, segments: Sequence[Segment], media: Sequence[str], place: str
) -> VideoSegments:
    files = sorted(set(media).difference(_NO_MEDIA))
    if len(files) > 1:
        raise UserError(
            f'{place} has the media {", ".join(files)}, and a table does not state '
            'where each of them ends; give the .boris project instead.'
        )
    file = files[0] if files else None
    return VideoSegments(video_name(file) if file else name, segments, filename=file)


def _row_events(row: dict[str, str], place: str) -> list[_Event]:
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


def write_boris(
    path: FilePath, videos: Sequence[VideoSegments], classes: Sequence[str]
) -> None:
    """Write a BORIS project with an observation for each video.

    Each class is a state that excludes all others, with a keyboard key of its own.
    Times are rounded to milliseconds, as in BORIS, so that frames are recovered exactly
    below 1000 frames per second. Confidences become comments of the starts of states.
    A mark becomes a point event at its start, with its end and reason as comment.

    Args:
        path: The file to write.
        videos: Videos of different names, with fps and num_frames.
        classes: Names of all classes, including those without segments.
    """
    sorted_videos(videos, path, 'give each its own name')
    now = datetime.now().isoformat(timespec='seconds')
    behaviors = [_behavior(i, classes) for i in range(len(classes))]
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


def write_boris_events(path: FilePath, videos: Sequence[VideoSegments]) -> None:
    """Write a CSV table in the form of BORIS' export of "aggregated events".

    Args:
        path: The file to write.
        videos: Videos with fps and num_frames.
    """
    table = io.StringIO()
    writer = csv.DictWriter(table, _HEADER.split(','))
    writer.writeheader()
    now = datetime.now().isoformat(' ', timespec='seconds')
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


def _behavior(i: int, classes: Sequence[str]) -> dict[str, str]:
    others = [name for name in classes if name != classes[i]]
    # BORIS separates them by commas.
    excluded = '' if any(',' in name for name in classes) else ','.join(others)
    return {
        'type': 'State event',
        'key': _KEYS[i : i + 1],
        'code': classes[i],
        'description': '',
        'color': '',
        'category': '',
        'modifiers': '',
        'excluded': excluded,
        'coding map': '',
    }


def _observation(
    video: VideoSegments, classes: Sequence[str], now: str
) -> dict[str, object]:
    fps, duration = _fps_and_duration(video)
    media = video.filename or video.name
    events: list[tuple[float, int, list]] = []
    for segment in video.segments:
        if segment.label not in classes:
            raise UserError(
                f'video {video.name!r}: {segment} is not one of the classes '
                f'{", ".join(classes)}.'
            )
        # Among events at the same time, ends of states come first.
        for rank, time in ((1, segment.start), (0, segment.end)):
            comment = _comment(segment) if rank else ''
            row = [round(time, 3), '', segment.label, '', comment, frame_at(time, fps)]
            events.append((round(time, 3), rank, row))
    for mark in video.marks:
        time, comment = round(mark.start, 3), f'until {mark.end:.3f} s: {mark.label}'
        events.append((time, 2, [time, '', _MARK, '', comment, frame_at(time, fps)]))
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
