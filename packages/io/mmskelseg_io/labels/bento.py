"""Bento's annotations (``.annot``), which MARS writes as well.

A preamble states frame rate, channels and behaviors. Each channel has a table for each
behavior: start, stop and duration. With a decimal point anywhere, these are seconds,
else numbers of frames from 1. The stop is that of the last frame; newer versions of
Bento write that of the frame after it, so the end is taken from start and duration.

::

    Bento annotation file
    Annotation framerate: 30

    Ch1----------
    >attack
    Start   Stop    Duration
    1.0     1.5     0.53333
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from math import ceil

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.inputs import MOST_SECONDS, check_fps
from mmskelseg_io.files.names import recording_of
from mmskelseg_io.files.parsing import FilePath, number, read_text
from mmskelseg_io.labels.frames import checked_frames, frame_spans
from mmskelseg_io.labels.reading import (
    LABEL_FORMATS,
    choose_several,
    needed_rate,
    without_lone_tier,
)
from mmskelseg_io.labels.segments import (
    Classes,
    Segment,
    VideoSegments,
    by_tier,
    make_segment,
    sorted_videos,
)
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.errors import UserError, misfit, shown, unlike

_CHANNEL = re.compile(r'(.+?)-{5,}')
# Place, channel, behavior and numbers of a bout.
_Bout = tuple[str, str, str, list[str]]
# Durations are those of the times in the file, which are rounded.
_ROUNDED = 1e-3


@LABEL_FORMATS.register('bento', {'.annot': None})
def read_bento(
    path: FilePath,
    *,
    fps: float | None = None,
    tier: str | Sequence[str] | None = None,
) -> list[VideoSegments]:
    """Return the bouts of the video that the file is named after.

    Args:
        path: The ``.annot`` file.
        fps: Frames per second, if the file has frames and does not state them.
        tier: Read only the channel of this name, or these. Several are tiers.
    """
    lines = [line.strip() for line in read_text(path).split('\n')]
    if not lines[0].lower().startswith('bento annotation file'):
        expected = '"Bento annotation file"'
        raise misfit(path, 'line 1', lines[0], expected, 'save it in Bento again')
    stated, found, bouts = _parsed(lines, path)
    rate = fps
    if stated.get('annotation framerate'):
        text = stated['annotation framerate']
        rate = check_fps(number(text, str(path), 'Annotation framerate'), str(path))
    is_seconds = any('.' in cell for *_, cells in bouts for cell in cells)
    channels = found and choose_several(tier, found, path, 'channel', 'tier')
    step = 1.0
    if not is_seconds:
        step = 1 / needed_rate(rate, path, 'this version of MARS or Bento')
    segments = [
        _segment(place, channel, name, cells, step, is_seconds)
        for place, channel, name, cells in bouts
        if channel in channels
    ]
    frames = duration = None
    stop = stated.get('annotation stop frame', '')
    if stop.startswith('-'):
        raise misfit(path, 'Annotation stop frame', stop, '0 or more')
    if stop.isdecimal() and rate:
        frames = checked_frames(number(stop, str(path), 'stop frame'), rate, str(path))
        duration = frames / rate
    elif time := stated.get('annotation stop time'):
        duration = number(time, str(path), 'Annotation stop time')
    last = max((one.end for one in segments), default=0.0)
    if duration is not None and not last - step <= duration <= MOST_SECONDS:
        frames = duration = None
    name = recording_of(path)
    video = VideoSegments(name, segments, rate, frames, duration=duration)
    return without_lone_tier(sorted_videos([video], path), channels)


def _parsed(
    lines: Sequence[str], path: FilePath
) -> tuple[dict[str, str], list[str], list[_Bout]]:
    """Return what the preamble states, by names in lower case; channels and bouts."""
    stated: dict[str, str] = {}
    bouts: list[_Bout] = []
    channels: list[str] = []
    channel = name = ''
    for i, line in enumerate(lines[1:], 2):
        place = f'{path}: line {i}'
        if found := _CHANNEL.fullmatch(line):
            channel, name = found[1].strip(), ''
            channels += [channel] * (channel not in channels)
        elif not channel:
            key, _, value = line.partition(':')
            stated[key.lower()] = value.strip()
        elif line.startswith('>'):
            name = line[1:].strip()
        elif line and not line.lower().startswith('start'):
            cells = line.split()
            if not name or not 2 <= len(cells) <= 3:
                expected = 'start, stop and duration below a behavior, such as >attack'
                raise UserError(unlike(place, line, expected))
            bouts.append((place, channel, name, cells))
    return stated, channels, bouts


def _segment(
    place: str, channel: str, name: str, cells: list[str], step: float, is_time: bool
) -> Segment:
    """Return a bout; ``step`` is the length of its unit in seconds."""
    what = ('start', 'stop', 'duration')
    values = [number(c, place, w) for c, w in zip(cells, what, strict=False)]
    start, stop = values[0], values[1]
    # A frame counts as a whole, a moment does not.
    length = values[2] if len(values) > 2 else stop - start + (not is_time)
    if stop < start or length < stop - start - _ROUNDED:
        raise UserError(
            f'{place}: the bout of {shown(name)} starts at {start:g}, stops at '
            f'{stop:g} and lasts {length:g}; correct it in Bento.'
        )
    begin = (start if is_time else start - 1) * step
    return make_segment(place, begin, begin + length * step, name, tier=channel)


@register_export('bento', 'segments.annot', 'Bento', is_of_one=True)
def write_bento(path: FilePath, video: VideoSegments, classes: Classes) -> None:
    """Write an ``.annot`` of a video with fps and num_frames, in seconds.

    Tiers are channels, whose spaces become ``_``, since Bento allows none. SimBA and
    MARS read the file as well.
    """
    spans: dict[str, dict[str, list[tuple[int, int]]]] = {
        tier: {name: [] for name in names} for tier, names in by_tier(classes).items()
    }
    for segment, start, end in frame_spans(video):
        spans[segment.tier].setdefault(segment.label, []).append((start, end))
    fps, channels = video.fps or 0, [_channel(tier) for tier in spans]
    lines = [
        'Bento annotation file',
        # SimBA's table is as wide as this line.
        f'Movie file(s): {video.filename or video.name} (written by mmskelseg)',
        '',
        'Stimulus name:',
        'Annotation start frame: 1',
        f'Annotation stop frame: {video.num_frames}',
        f'Annotation framerate: {fps:.6f}',
        '',
        'List of channels:',
        *channels,
        '',
        'List of annotations:',
        *dict.fromkeys(chain.from_iterable(spans.values())),
        '',
    ]
    for channel, bouts in zip(channels, spans.values(), strict=True):
        lines.append(f'{channel}{"-" * 10}')
        for name, own in bouts.items():
            lines += [f'>{name}', 'Start\tStop\tDuration', *_rows(own, fps), '']
        lines.append('')
    atomic_write_text(path, '\n'.join(lines))


def _channel(tier: str) -> str:
    return re.sub(r'\s+', '_', tier) or 'Ch1'


def _rows(spans: Sequence[tuple[int, int]], fps: float) -> Iterator[str]:
    for start, end in spans:
        times = (start / fps, (end - 1) / fps, (end - start) / fps)
        # Decimals tell that these are seconds. SimBA rounds frames down.
        yield '\t'.join(f'{ceil(time * 1e9) / 1e9:.9f}' for time in times)
