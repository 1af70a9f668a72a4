"""The Caltech Behavior Annotator (``.txt``), as in CRIM13.

Streams S1, S2, ... have a bout in each line: first and last frame, counted from 1, and
behavior. The keys of behaviors stand above.

::

    Caltech Behavior Annotator - Annotation File

    Configuration file:
    other o
    attack a

    S1:   start    end     type
    -----------------------------
              1    120     other
            121    300     attack
"""

import re
from collections.abc import Sequence

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath, read_text, whole
from mmskelseg_io.labels.reading import (
    LABEL_FORMATS,
    choose_several,
    needed_rate,
    without_lone_tier,
)
from mmskelseg_io.labels.segments import VideoSegments, make_segment, sorted_videos
from mmskelseg_io.messages.errors import UserError, misfit, shown, unlike

_TITLE = 'Caltech Behavior Annotator - Annotation File'
_STREAM = re.compile(r'(S\d+):.*')


@LABEL_FORMATS.register(
    'caltech', {'.txt': lambda row: row[:1] == [_TITLE] and len(row) == 1}
)
def read_caltech(
    path: FilePath,
    *,
    fps: float | None = None,
    tier: str | Sequence[str] | None = None,
) -> list[VideoSegments]:
    """Return the bouts of the video that the file is named after.

    Args:
        path: The ``.txt`` file.
        fps: Frames per second of the video, which the file does not state.
        tier: Read only the stream of this name, such as ``S1``, or these. Several are
            tiers.
    """
    lines = [line.strip() for line in read_text(path).split('\n')]
    if lines[0] != _TITLE:
        raise UserError(f'{path}: begins with {shown(lines[0])}, expected "{_TITLE}".')
    rate = needed_rate(fps, path, 'the Caltech Behavior Annotator')
    streams: dict[str, list] = {}
    stream = ''
    for i, line in enumerate(lines, 1):
        place = f'{path}: line {i}'
        if found := _STREAM.fullmatch(line):
            stream = found[1]
            if stream in streams:
                raise UserError(f'{place}: the stream {stream} begins twice.')
            streams[stream] = []
        elif stream and line.strip('-'):
            cells = line.split(None, 2)
            if len(cells) < 3:
                expected = 'first frame, last frame and behavior'
                raise UserError(unlike(place, line, expected))
            first, last = (
                whole(cell, place, what)
                for cell, what in zip(cells, ('start', 'end'), strict=False)
            )
            if not 1 <= first <= last:
                expected = 'two numbers from 1 on, the smaller one first'
                raise misfit(place, 'the range of frames', (first, last), expected)
            start, end = (first - 1) / rate, last / rate
            streams[stream].append(
                make_segment(place, start, end, cells[2], tier=stream)
            )
    names = choose_several(tier, [*streams], path, 'stream', 'tier')
    segments = [one for name in names for one in streams[name]]
    video = VideoSegments(video_name(str(path)), segments, rate)
    return without_lone_tier(sorted_videos([video], path), names)
