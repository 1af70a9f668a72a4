"""JABS: annotations of a video (``.json``), by identity and behavior.

A block has its first and last frame, counted from 0, and says whether the behavior is
``present``. What no block covers is not labelled. Behaviors are independent of each
other: with blocks of absence, each is a tier of its own, with the class ``no NAME``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mmskelseg_io.files.jabs import mouse_name
from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.files.typed import Id, read_typed
from mmskelseg_io.labels.frames import checked_frames
from mmskelseg_io.labels.reading import (
    EACH_SUBJECT,
    LABEL_FORMATS,
    needed_rate,
    segments_of,
    without_lone_tier,
)
from mmskelseg_io.labels.segments import (
    Segment,
    VideoSegments,
    make_segment,
    sorted_videos,
)
from mmskelseg_io.messages.errors import misfit


@dataclass(frozen=True)
class _Block:
    start: int
    end: int
    present: bool


_Blocks = dict[str, dict[str, list[_Block]]]


@dataclass(frozen=True)
class _File:
    file: str
    num_frames: int
    labels: _Blocks
    unfragmented_labels: _Blocks = field(default_factory=dict)
    external_identities: dict[str, Id] = field(default_factory=dict)


def _is_own(content: object) -> bool:
    return isinstance(content, dict) and {'num_frames', 'labels'} <= content.keys()


@LABEL_FORMATS.register('jabs', {'.json': _is_own})
def read_jabs(
    path: FilePath, *, fps: float | None = None, subject: str | None = None
) -> list[VideoSegments]:
    """Return the labels of the video that the file names.

    Args:
        path: The file of ``jabs/annotations``.
        fps: Frames per second of the video, which JABS does not write.
        subject: Read only this identity; needed if several have labels. ``each`` reads
            those of all.
    """
    remedy = 'save the project in JABS again'
    content = read_typed(path, _File, 'JABS', remedy, unique=True)
    rate = needed_rate(fps, path, 'JABS')
    frames = checked_frames(content.num_frames, rate, f'{path}: num_frames')
    blocks = list(_blocks(content, str(path)))
    # Without absences, it is as with other tools.
    has_tiers = any(not block.present for *_, block in blocks)
    segments = [
        _segment(block, (who, name if has_tiers else '', name), (frames, rate), place)
        for place, who, name, block in blocks
    ]
    own = segments_of(segments, subject, str(path))
    if subject != EACH_SUBJECT:
        own = [replace(one, individual='') for one in own]
    media = content.file
    video = VideoSegments(video_name(media), own, rate, frames, media)
    return without_lone_tier(sorted_videos([video], path))


def _blocks(content: _File, path: str) -> Iterator[tuple[str, str, str, _Block]]:
    """Yield place, individual, behavior and block of each block."""
    key = 'unfragmented_labels' if content.unfragmented_labels else 'labels'
    names = content.external_identities
    for identity, behaviors in getattr(content, key).items():
        for name, blocks in behaviors.items():
            for i, block in enumerate(blocks):
                place = f'{path}: {key}.{identity}.{name}[{i}]'
                yield place, mouse_name(names.get(identity, identity)), name, block


def _segment(
    block: _Block,
    names: tuple[str, str, str],
    length: tuple[int, float],
    place: str,
) -> Segment:
    """Return a block of an individual, tier and behavior in a video of a length."""
    (who, tier, name), (frames, rate) = names, length
    if not 0 <= block.start <= block.end < frames:
        expected = f'two frames of the {frames} of the video'
        raise misfit(place, 'the range', (block.start, block.end), expected)
    label = name if block.present else f'no {name}'
    start, end = block.start / rate, (block.end + 1) / rate
    return make_segment(place, start, end, label, tier=tier, individual=who)
