"""Predictions for BORIS: a project to correct them in, and a table of events."""

import csv
import io
import json
import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.interchange.boris import NO_SUBJECT
from mmskelseg.interchange.parsing import sorted_videos
from mmskelseg.interchange.segments import (
    Segment,
    VideoSegments,
    check_fps,
    frame_at,
)

# Keys to press in BORIS, in the order of the classes.
_KEYS = '1234567890abcdefghijklmnopqrstuvwxyz'
_COLUMNS = (
    'Observation id',
    'Observation date',
    'Description',
    'Observation type',
    'Source',
    'Time offset (s)',
    'Coding duration',
    'Media duration (s)',
    'FPS (frame/s)',
    'Subject',
    'Observation duration by subject by observation',
    'Behavior',
    'Behavioral category',
    'Behavior type',
    'Start (s)',
    'Stop (s)',
    'Duration (s)',
    'Media file name',
    'Image index start',
    'Image index stop',
    'Image file path start',
    'Image file path stop',
    'Comment start',
    'Comment stop',
)


def write_boris(
    path: str | os.PathLike, videos: Sequence[VideoSegments], classes: Sequence[str]
) -> None:
    """Write a BORIS project with an observation for each video.

    Each class is a state that ends all others, with a key of its own. Times are
    rounded to milliseconds, as BORIS does, so frames come back exactly below 1000
    frames per second. A confidence is the comment of the state's start.

    Args:
        path: The ``.boris`` file to write.
        videos: With fps and num_frames, which BORIS needs as the media's duration.
        classes: Names of all classes, also of those that no segment has.

    Raises:
        ValueError: If a video lacks fps or num_frames or has an unknown class, or if
            two have the same name.
    """
    sorted_videos(videos, path, 'give each its own name')
    now = datetime.now().isoformat(timespec='seconds')
    project = {
        'time_format': 'hh:mm:ss',
        'project_date': now,
        'project_name': 'predictions of mmskelseg',
        'project_description': '',
        'project_format_version': '7.0',
        'subjects_conf': {},
        'behaviors_conf': {str(i): _behavior(i, classes) for i in range(len(classes))},
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
    with atomic_write(path) as file:
        file.write(json.dumps(project, ensure_ascii=False, indent=1).encode())


def write_boris_events(
    path: str | os.PathLike, videos: Sequence[VideoSegments]
) -> None:
    """Write the states as BORIS exports "aggregated events", in CSV.

    Args:
        path: The ``.csv`` file to write.
        videos: With fps and num_frames.

    Raises:
        ValueError: If a video lacks fps or num_frames.
    """
    table = io.StringIO()
    writer = csv.DictWriter(table, _COLUMNS)
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
                'Comment start': _comment(segment),
            }
            writer.writerow(values)
    with atomic_write(path) as file:
        file.write(table.getvalue().encode())


def _behavior(i: int, classes: Sequence[str]) -> dict[str, Any]:
    others = [name for name in classes if name != classes[i]]
    # BORIS lists them with commas.
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
) -> dict[str, Any]:
    fps, duration = _fps_and_duration(video)
    media = video.filename or video.name
    events: list[tuple[float, int, list]] = []
    for segment in video.segments:
        if segment.label not in classes:
            raise ValueError(
                f'video {video.name!r}: {segment} is none of the classes '
                f'{", ".join(classes)}.'
            )
        # Of events at the same time, those that end a state come first.
        for rank, time in ((1, segment.start), (0, segment.end)):
            comment = _comment(segment) if rank else ''
            row = [round(time, 3), '', segment.label, '', comment, frame_at(time, fps)]
            events.append((round(time, 3), rank, row))
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
        raise ValueError(
            f'{place}: num_frames is missing, and BORIS needs the duration; give it.'
        )
    return fps, round(video.num_frames / fps, 3)


def _comment(segment: Segment) -> str:
    return '' if segment.score is None else f'confidence {segment.score:.3f}'
