"""BORIS: projects (``.boris``) and exported tables of events, read and written.

The format of projects is 7.0, of BORIS 7 to 9, possibly compressed (``.boris.gz``). An
event is ``[time, subject, code, modifiers, comment, frame]``; a state consists of two
events with the same subject, code and modifiers. Times are in seconds, over all files
of player 1 in sequence, plus the observation's time offset.

Each line of a table is a state (``Start (s)``, ``Stop (s)``) or an event (``Time``,
with START or STOP as ``Behavior type``, or as ``Status`` in BORIS 7).

The class "rest" of a tier "left hand" is the behavior "rest" of the category "left
hand", or "left hand: rest" if another tier has a class "rest" as well; in the group
"still", its category is "left hand / still". The description
of a project, and of observations in tables, says that categories are tiers. Without it,
"rest" has no tier; categories and exclusions are handed on.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain, repeat
from typing import Any

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.inputs import MOST_SECONDS, check_fps
from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import (
    FilePath,
    Row,
    as_dicts,
    by_name,
    number,
    read_rows,
)
from mmskelseg_io.files.typed import called, read_typed, typed
from mmskelseg_io.labels.events import (
    GROUP,
    NO_SUBJECT,
    POINT,
    Event,
    Observation,
    class_and_tier,
    event_reader,
)
from mmskelseg_io.labels.reading import (
    ETHOGRAM_FORMATS,
    LABEL_FORMATS,
    TABLES,
    add_note,
)
from mmskelseg_io.labels.segments import (
    KEY,
    Classes,
    ClassInfo,
    Ethogram,
    Segment,
    VideoSegments,
    by_tier,
    frame_at,
)
from mmskelseg_io.labels.text import write_rows
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.errors import UserError, misfit, shown, unlike
from mmskelseg_io.structures.tiers import COLOR, class_name

# The most keys and colors that a note lists.
_MOST = 6
# Behavior of the point events that mark intervals.
_MARK = 'to label'
# The description of what was written with tiers.
_TIERS = 'Categories are tiers.'
_REMEDY = 'save it in BORIS as a project'
# Keyboard keys of the classes in BORIS.
_KEYS = '1234567890abcdefghijklmnopqrstuvwxyz'
# Default values of a written file.
_NEW_PROJECT = json.loads("""{
    "time_format": "hh:mm:ss", "project_date": "", "project_description": "",
    "project_name": "mmskelseg", "project_format_version": "7.0",
    "subjects_conf": {}, "behaviors_conf": {}, "observations": {},
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
_MEDIA_COLUMNS = ('Media file name', 'Media file path', 'Media file')
_NO_MEDIA = ('', 'NA', 'Not found')
# Of aggregated and tabular events, and of BORIS 7.
_LENGTH_COLUMNS = ('Media duration (s)', 'Total length')
_FPS_COLUMNS = ('FPS (frame/s)', 'FPS')
_NO_CATEGORY = ('', 'Not defined')
#: The header of an aggregated export.
AGGREGATED = (
    'Observation id,Observation date,Description,Observation type,Source,'
    'Time offset (s),Coding duration,Media duration (s),FPS (frame/s),Subject,'
    'Observation duration by subject by observation,Behavior,Behavioral category,'
    'Behavior type,Start (s),Stop (s),Duration (s),Media file name,Image index start,'
    'Image index stop,Image file path start,Image file path stop,Comment start,'
    'Comment stop'
)


@dataclass(frozen=True)
class _Behavior:
    code: str
    type: str
    category: str = ''
    excluded: str = ''
    key: str = ''
    color: str = ''
    description: str = ''

    @property
    def is_state(self) -> bool:
        return self.type.startswith('State')


@dataclass(frozen=True)
class _Subject:
    name: str


@dataclass(frozen=True)
class _Media:
    length: dict[str, Any] = field(default_factory=dict)
    fps: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Players:
    first: list[str] = called('1', ())


@dataclass(frozen=True)
class _Observation:
    events: list[list[Any]]
    file: Any = None
    media_info: _Media = _Media()
    offset: Any = called('time offset', 0)
    media_creation_date_as_offset: bool = False


@dataclass(frozen=True)
class _Project:
    behaviors_conf: dict[str, _Behavior]
    observations: dict[str, _Observation]
    subjects_conf: dict[str, _Subject] = field(default_factory=dict)
    project_description: str = ''

    @property
    def has_tiers(self) -> bool:
        return _TIERS in self.project_description


def _read(path: FilePath) -> _Project:
    return read_typed(path, _Project, 'BORIS', _REMEDY, unique=True)


def _is_project(content: object) -> bool:
    return isinstance(content, dict) and 'behaviors_conf' in content


@ETHOGRAM_FORMATS.register(
    'boris', {'.boris': None, '.boris.gz': None, '.json': _is_project}
)
def read_boris_classes(
    path: FilePath, *, notes: list[str] | None = None
) -> list[ClassInfo]:
    """Return the ethogram of a project.

    Categories that are no tiers are groups. Keys of several characters, and colors
    without red, green and blue, are left out with a note; see :func:`read_ethogram`.
    """
    project = _read(path)
    found: list[ClassInfo] = []
    unusable: list[str] = []
    for one in project.behaviors_conf.values():
        stated = {'key': one.key, 'color': one.color.lower()}
        for what, shape in (('key', KEY), ('color', COLOR)):
            if stated[what] and not shape.fullmatch(stated[what]):
                unusable.append(f'{what} {shown(stated[what])} of {shown(one.code)}')
                stated[what] = ''
        category = ' '.join(one.category.split())
        has_tiers = one.is_state and project.has_tiers
        name, tier = class_and_tier(one.code, category, has_tiers)
        group = category.partition(GROUP)[2] if tier else category
        kind = 'state' if one.is_state else 'point'
        description = ' '.join(one.description.split())
        if name != _MARK:
            info = ClassInfo(name, tier, **stated, description=description)
            found.append(replace(info, group=group, kind=kind))
    if unusable:
        more = f' and {len(unusable) - _MOST} more' if len(unusable) > _MOST else ''
        few = ', '.join(unusable[:_MOST])
        add_note(f'{path}: of no use here, and left out: {few}{more}', notes)
    return found


def _project(path: FilePath) -> dict[str, Observation]:
    project = _read(path)
    stated = project.behaviors_conf.values()
    behaviors = by_name(((one.code, one) for one in stated), str(path), 'behaviors')
    excluded = {
        code: frozenset(filter(None, one.excluded.split(',')))
        for code, one in behaviors.items()
    }
    ethogram = Ethogram(
        {code: one.category for code, one in behaviors.items()},
        excluded if any(excluded.values()) else {},
        frozenset(one.name for one in project.subjects_conf.values()),
    )
    return {
        name: Observation(
            partial(_events, found, behaviors),
            partial(_videos, name, found),
            ethogram,
            project.has_tiers,
        )
        for name, found in project.observations.items()
    }


def _events(
    observation: _Observation, behaviors: Mapping[str, _Behavior], place: str
) -> Iterator[Event]:
    if observation.media_creation_date_as_offset:
        raise UserError(
            f'{place}: its times are relative to the creation date of the media; '
            'disable the media creation date as offset in BORIS.'
        )
    offset = number(observation.offset, place, 'time offset')
    for i, event in enumerate(observation.events):
        where = f'{place}: event {i}'
        if len(event) < 4 or {type(text) for text in event[1:4]} != {str}:
            expected = '[time, subject, code, modifiers, comment]'
            raise UserError(unlike(where, event, expected, 'save it with BORIS 7 on'))
        time, subject, code, modifiers = event[:4]
        if code not in behaviors:
            raise UserError(
                f'{where} has the behavior {code!r}, which the ethogram lacks; add it '
                'there or delete the event.'
            )
        if code != _MARK:
            kind = '' if behaviors[code].is_state else POINT
            seconds = number(time, where, 'time') - offset
            comment = next((one for one in event[4:5] if isinstance(one, str)), '')
            yield Event(seconds, subject, code, modifiers, kind, comment)


def _videos(
    name: str, observation: _Observation, segments: Sequence[Segment], place: str
) -> Iterator[VideoSegments]:
    # In a live observation, this is an empty list.
    players = observation.file or {}
    files = typed(players, _Players, f'{place}, file', _REMEDY).first
    lengths, rates = observation.media_info.length, observation.media_info.fps
    if not files:
        yield VideoSegments(name, segments)
    begin = 0.0
    for file in files:
        inside = segments
        # BORIS writes 0 or -1 for what it doesn't know.
        stated, length = lengths.get(file), None
        if len(files) > 1 or (isinstance(stated, int | float) and stated > 0):
            length = _length(stated, place, f'the length of {file}')
        if len(files) > 1:
            end = begin + (length or 0)
            is_last = file == files[-1]
            inside = [
                replace(
                    segment,
                    start=max(segment.start, begin) - begin,
                    end=min(segment.end, end) - begin,
                )
                for segment in segments
                # A moment on a boundary is the first of the next file.
                if (segment.start < end or (is_last and segment.start == end))
                and (segment.end > begin or segment.start == begin)
            ]
            begin = end
        # BORIS writes 0 for sound.
        fps = check_fps(rates[file], place) if rates.get(file) else None
        yield VideoSegments(video_name(file), inside, fps, None, file, duration=length)


def _length(value: object, place: str, what: str) -> float:
    """Return the length of media in seconds, or the number of another column."""
    length = number(value, place, what)
    if not 0 <= length <= MOST_SECONDS:
        remedy = 'add the media to the observation in BORIS again'
        raise misfit(place, what, length, 'seconds', remedy)
    return length


read_boris = LABEL_FORMATS.register(
    'boris',
    {'.boris': None, '.boris.gz': None, '.json': _is_project},
)(event_reader(_project))


def _table(path: FilePath) -> dict[str, Observation]:
    rows = read_rows(path)
    own = ('Behavior' in row and {'Time', 'Start (s)'} & {*row} for _, row in rows)
    head = next((i for i, is_head in enumerate(own) if is_head), None)
    if head is None:
        raise UserError(
            f'{path}: no line has the columns Behavior and Time, or Behavior and '
            'Start (s); export the events from BORIS as aggregated or tabular events.'
        )
    # Tables of BORIS 7 have a preamble.
    lines = [row for _, row in rows[:head]]
    named = (row[1] for row in lines if row[0] == 'Observation id')
    above = next(named, '') or video_name(str(path))
    found: dict[str, list[Row]] = {}
    categories: dict[str, str] = {}
    for place, row in as_dicts(rows[head:], path):
        found.setdefault(row.get('Observation id') or above, []).append((place, row))
        category = row.get('Behavioral category', '')
        categories[row['Behavior']] = '' if category in _NO_CATEGORY else category
    ethogram = Ethogram(categories)
    return {
        name: Observation(
            partial(_row_events, own),
            partial(_row_videos, name, own),
            ethogram,
            any(_TIERS in row.get('Description', '') for _, row in own),
        )
        for name, own in found.items()
    }


def _row_events(rows: Sequence[Row], place: str) -> Iterator[Event]:
    for place, row in rows:
        if row['Behavior'] == _MARK:
            continue
        kinds = (row.get('Behavior type'), row.get('Status'))
        times = ('Start (s)', 'Stop (s)') if 'Start (s)' in row else ('Time',)
        times = times[:1] if POINT in kinds else times
        offset = number(row.get('Time offset (s)') or 0, place, 'Time offset (s)')
        subject = row.get('Subject', '')
        modifiers = [value for key, value in row.items() if key.startswith('Modifier')]
        comments = [row.get('Comment') or row.get('Comment start', '')]
        comments.append(row.get('Comment stop', ''))
        seconds = [number(row.get(column), place, column) for column in times]
        if seconds != sorted(seconds):
            raise UserError(
                f'{place}: the state {shown(row["Behavior"])} starts at '
                f'{seconds[0]:g} s and stops at {seconds[1]:g} s; correct it in BORIS.'
            )
        for second, comment in zip(seconds, comments, strict=False):
            yield Event(
                second - offset,
                '' if subject == NO_SUBJECT else subject,
                row['Behavior'],
                '|'.join(modifiers).rstrip('|'),
                next((kind for kind in kinds if kind in ('START', 'STOP', POINT)), ''),
                comment,
            )


def _row_videos(
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
    fps, duration = (
        _stated(rows, columns, place) for columns in (_FPS_COLUMNS, _LENGTH_COLUMNS)
    )
    return [
        VideoSegments(
            video_name(files[0]),
            segments,
            check_fps(fps, place) if fps else None,
            filename=files[0],
            duration=duration,
        )
    ]


def _stated(rows: Sequence[Row], columns: Sequence[str], place: str) -> float | None:
    """Return the number that a column states in all rows, None if it states none.

    A cell has the number of each player; that of the first counts if they agree.
    """
    texts = {row[name]: name for _, row in rows for name in columns if row.get(name)}
    found = {}
    for text, name in texts.items():
        each = {part for part in re.split('[|;]', text) if part not in _NO_MEDIA}
        if len(each) == 1:
            found[_length(each.pop(), place, name)] = name
    if len(found) > 1:
        values = ' and '.join(f'{value:g}' for value in found)
        raise UserError(
            f'{place}: {name} is {values} in different rows, but a recording has one; '
            'correct the observation in BORIS and export it again.'
        )
    return next(filter(None, found), None)


read_boris_events = LABEL_FORMATS.register(
    'boris_events',
    dict.fromkeys(TABLES, lambda row: 'Behavior' in row and 'Event_Type' not in row),
)(event_reader(_table))


@register_export('boris', 'segments.boris', 'BORIS project', corrects=True)
def write_boris(
    path: FilePath, videos: Sequence[VideoSegments], classes: Classes
) -> None:
    """Write a BORIS project with an observation for each video.

    Each class is a state that excludes all others of its tier, with a keyboard key of
    its own. Tiers, if there are several, are behavioral categories, together with
    groups, else groups alone are.
    Classes of a name that several tiers have are called after their tiers as well.
    Times are rounded to milliseconds, as in BORIS, so that frames are recovered exactly
    below 1000 frames per second. Comments, or else confidences, are those of the starts
    of states. Individuals are subjects, and targets modifiers.
    A mark becomes a point event at its start, with its end and reason as comment. For a
    video without ``filename``, the media file is its name without an extension, and
    BORIS asks for the file. Videos need different names, fps and num_frames.
    """
    by_name(((one.name, one) for one in videos), str(path), 'videos')
    now = datetime.now().isoformat(timespec='seconds')
    codes_of = _codes(videos, classes)
    videos = [_coded(video, codes_of) for video in videos]
    sets = _modifier_sets(videos)
    own = [*_behaviors(videos, classes, codes_of), *_points(videos)]
    codes = [one['code'] for one in own]
    categories = dict.fromkeys(one['category'] for one in own if one['category'])
    behaviors: list[Mapping[str, object]] = [
        {**one, 'modifiers': sets.get(one['code'], '')} for one in own
    ]
    if any(video.marks for video in videos):
        behaviors.append(_behavior(_MARK, ClassInfo(_MARK, kind='point')))
    project = {
        **_NEW_PROJECT,
        'project_date': now,
        'project_description': '' if '' in by_tier(classes) else _TIERS,
        'subjects_conf': {
            str(i): {'key': '', 'name': name, 'description': ''}
            for i, name in enumerate(_names(videos))
        },
        'behaviors_conf': {str(i): behavior for i, behavior in enumerate(behaviors)},
        'observations': {
            video.name: _observation(video, codes, now) for video in videos
        },
        'behavioral_categories': list(categories),
        'behavioral_categories_config': {
            str(i): {'name': name, 'color': ''} for i, name in enumerate(categories)
        },
    }
    atomic_write_text(path, json.dumps(project, ensure_ascii=False, indent=1))


def _codes(
    videos: Iterable[VideoSegments], classes: Classes = ()
) -> dict[tuple[str, str], str]:
    """Return the behaviors by class and tier; see the module."""
    found = [(name, tier) for tier, own in by_tier(classes).items() for name in own]
    for video in videos:
        found += [(one.label, one.tier) for one in video.segments]
        stated = video.ethogram.classes if video.ethogram else ()
        found += [(one.name, one.tier) for one in stated if one.kind == 'point']
    each = dict.fromkeys(found)
    count = Counter(name for name, _ in each)
    # With a colon, a name may be that of a class and another tier.
    return {
        (name, tier): name
        if count[name] == 1 and ': ' not in name
        else class_name(name, tier)
        for name, tier in each
    }


def _coded(video: VideoSegments, codes: Mapping[tuple[str, str], str]) -> VideoSegments:
    """Return a video whose labels are behaviors, without tiers."""
    segments = [
        replace(one, label=codes[one.label, one.tier], tier='')
        for one in video.segments
    ]
    return replace(video, segments=segments)


def _behaviors(
    videos: Sequence[VideoSegments],
    classes: Classes,
    codes_of: Mapping[tuple[str, str], str],
) -> list[dict[str, str]]:
    """Return the ethogram of classes, as videos state it."""
    ethogram = next((one.ethogram for one in videos if one.ethogram), Ethogram())
    pairs = [(name, tier) for tier, names in by_tier(classes).items() for name in names]
    # BORIS separates excluded behaviors by commas.
    excludes = not any(',' in codes_of[pair] for pair in pairs)
    chosen = {ethogram.info(*pair).key for pair in pairs}
    free = chain((key for key in _KEYS if key not in chosen), repeat(''))
    rows = []
    for name, tier in pairs:
        info = ethogram.info(name, tier)
        group = GROUP.join(filter(None, (tier, info.group)))
        own = replace(info, key=info.key or next(free), group=group)
        others = (codes_of[n, t] for n, t in pairs if t == tier and n != name)
        rows.append(_behavior(codes_of[name, tier], own))
        rows[-1]['excluded'] = ','.join(others) * excludes
    return rows


def _behavior(code: str, info: ClassInfo) -> dict[str, str]:
    return {
        **_NEW_BEHAVIOR,
        'type': 'State event' if info.kind == 'state' else 'Point event',
        'key': info.key,
        'code': code,
        'category': info.group,
        'color': info.color,
        'description': info.description,
    }


def _points(videos: Sequence[VideoSegments]) -> list[dict[str, str]]:
    """Return the behaviors that are point events, as videos state or have them."""
    ethogram = next((one.ethogram for one in videos if one.ethogram), Ethogram())
    infos = {one.name: one for one in ethogram.classes if one.kind == 'point'}
    segments = [one for video in videos for one in video.segments if one.is_point]
    plain = {one.name: ClassInfo(one.name, kind='point') for one in segments}
    infos |= {name: one for name, one in plain.items() if name not in infos}
    return [_behavior(name, one) for name, one in infos.items()]


def _modifiers(segment: Segment) -> str:
    return '|'.join(filter(None, (segment.target, segment.modifiers)))


def _modifier_sets(videos: Iterable[VideoSegments]) -> dict[str, dict[str, object]]:
    """Return the sets of modifiers that segments have, by the code of the behavior."""
    chosen: dict[str, dict[int, set[str]]] = {}
    for segment in (segment for video in videos for segment in video.segments):
        for i, one in enumerate(_modifiers(segment).split('|')):
            if one:
                chosen.setdefault(segment.name, {}).setdefault(i, set()).add(one)
    return {
        code: {
            str(i): {
                'name': '',
                # Of several values, which commas separate, or of one.
                'type': int(any(',' in one for one in own)),
                'values': sorted({*','.join(own).split(',')} - {'None'}),
            }
            for i, own in sets.items()
        }
        for code, sets in chosen.items()
    }


def _names(videos: Iterable[VideoSegments]) -> list[str]:
    """Return the names of individuals and targets, sorted."""
    segments = [segment for video in videos for segment in video.segments]
    names = {name for s in segments for name in (s.individual, s.target)}
    return sorted(names - {''})


def _observation(
    video: VideoSegments, codes: Sequence[str], now: str
) -> dict[str, object]:
    fps, frames = video.needed_frames()
    media = video.filename or video.name
    events: list[tuple[float, int, list]] = []

    def add(
        rank: int, time: float, code: str, comment: str, who: Sequence[str] = ('', '')
    ) -> None:
        # Among events at the same time, ends of states come first.
        rounded, (subject, modifiers) = round(time, 3), who
        row = [rounded, subject, code, modifiers, comment, frame_at(time, fps)]
        events.append((rounded, rank, row))

    for segment in video.segments:
        if segment.name not in codes:
            raise UserError(
                f'video {video.name!r}: {segment} is not one of the classes '
                f'{", ".join(codes)}.'
            )
        who = segment.individual, _modifiers(segment)
        if not segment.is_point:
            add(0, segment.end, segment.name, '', who)
        add(1, segment.start, segment.name, _comment_on(segment), who)
    for mark in video.marks:
        add(2, round(mark.start, 3), _MARK, f'until {mark.end:.3f} s: {mark.label}')
    return {
        **_NEW_OBSERVATION,
        'file': {'1': [media], **{str(i): [] for i in range(2, 9)}},
        'date': now,
        'events': [row for _, _, row in sorted(events)],
        'media_info': {
            'length': {media: round(frames / fps, 3)},
            'fps': {media: fps},
            'hasVideo': {media: True},
            'hasAudio': {media: False},
            'offset': {'1': 0.0},
        },
    }


def _comment_on(segment: Segment) -> str:
    score = '' if segment.score is None else f'confidence {segment.score:.3f}'
    return segment.comment or score


@register_export(
    'boris-events', 'boris_events.csv', 'BORIS, aggregated events', by_default=True
)
def write_boris_events(
    path: FilePath, videos: Sequence[VideoSegments], classes: Classes = ()
) -> None:
    """Write videos with fps and num_frames as BORIS' export "aggregated events".

    Classes, if given, are called as in a project of all of them; see
    :func:`write_boris`.
    """
    codes_of = _codes(videos, classes)
    now = datetime.now().isoformat(' ', timespec='seconds')
    columns = AGGREGATED.split(',')
    texts = [_modifiers(segment) for video in videos for segment in video.segments]
    most = max((text.count('|') + bool(text) for text in texts), default=0)
    sets = [f'Modifier #{i + 1}' for i in range(most)]
    place = columns.index('Behavior type')
    columns[place:place] = sets
    rows = []
    for video in videos:
        fps, frames = video.needed_frames()
        duration = round(frames / fps, 3)
        media = video.filename or video.name
        total = sum(segment.end - segment.start for segment in video.segments)
        for segment in video.segments:
            start, stop = round(segment.start, 3), round(segment.end, 3)
            values: dict[str, object] = {
                'Observation id': video.name,
                'Observation date': now,
                'Description': _TIERS * bool(segment.tier),
                'Observation type': 'Media file',
                'Source': f'player #1:{media}',
                'Time offset (s)': 0.0,
                'Coding duration': f'{duration:.3f}',
                'Media duration (s)': f'{duration:.3f}',
                'FPS (frame/s)': f'{fps:.3f}',
                'Subject': segment.individual or NO_SUBJECT,
                'Observation duration by subject by observation': f'{total:.3f}',
                'Behavior': codes_of[segment.label, segment.tier],
                'Behavioral category': segment.tier or 'Not defined',
                **dict(zip(sets, _modifiers(segment).split('|'), strict=False)),
                'Behavior type': POINT if segment.is_point else 'STATE',
                'Start (s)': f'{start:.3f}',
                'Stop (s)': f'{stop:.3f}',
                'Duration (s)': f'{stop - start:.3f}',
                'Media file name': media,
                'Image index start': frame_at(start, fps),
                'Image index stop': frame_at(stop, fps),
                'Image file path start': 'NA',
                'Image file path stop': 'NA',
                'Comment start': _comment_on(segment),
            }
            rows.append([values.get(column, '') for column in columns])
    write_rows(path, columns, rows)
