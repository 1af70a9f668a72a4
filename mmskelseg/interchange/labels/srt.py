"""Subtitles (SubRip, ``.srt``) that show the label of each segment."""

from collections.abc import Sequence

from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.interchange.labels.segments import Segment
from mmskelseg.interchange.parsing import FilePath


def write_srt(path: FilePath, segments: Sequence[Segment]) -> None:
    """Write a subtitle for each segment, with its confidence, if there is one.

    Args:
        path: The ``.srt`` file to write; a player shows it beside a video of the same
            name.
        segments: In order of time.
    """
    blocks = []
    for i, segment in enumerate(segments, 1):
        text = ' '.join(segment.label.split())
        if segment.score is not None:
            text += f' ({segment.score:.0%})'
        times = f'{_clock(segment.start)} --> {_clock(segment.end)}'
        blocks.append(f'{i}\n{times}\n{text}\n\n')
    with atomic_write(path) as file:
        file.write(''.join(blocks).encode())


def _clock(seconds: float) -> str:
    """Return a time as SubRip writes it.

    >>> _clock(3725.0496)
    '01:02:05,050'
    """
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f'{hours:02d}:{minute:02d}:{second:02d},{milliseconds:03d}'
