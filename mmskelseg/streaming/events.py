"""Segments that begin and end in a stream of labelled frames."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mmskelseg.streaming.stream import LabelledFrame


@dataclass(frozen=True)
class SegmentEvent:
    """A segment that begins or ends.

    Args:
        event: Which of the two.
        label: Name of the class.
        label_id: Its id.
        start_frame: First frame of the segment.
        end_frame: The frame after its last, None while it lasts.
        start: Time of the first frame in seconds, None where the rate is not known.
        end: Time at which it ends, likewise.
        score: Mean probability of the label over the segment so far.
    """

    event: Literal['begin', 'end']
    label: str
    label_id: int
    start_frame: int
    end_frame: int | None
    start: float | None
    end: float | None
    score: float


def segment_events(
    frames: Iterable[LabelledFrame], fps: float | None = None
) -> Iterator[SegmentEvent]:
    """Yield an event for each segment that begins, and that ends.

    Args:
        frames: Frames of a stream in turn; the last segment ends with them.
        fps: Frames per second of the stream.

    >>> from mmskelseg.streaming import LabelledFrame
    >>> frames = [LabelledFrame(i, i / 2, *k, [0.5, 0.5]) for i, k in enumerate(
    ...     [('walk', 0), ('walk', 0), ('sit', 1)])]
    >>> for e in segment_events(frames, fps=2): print(e.event, e.label, e.start, e.end)
    begin walk 0.0 None
    end walk 0.0 1.0
    begin sit 1.0 None
    end sit 1.0 1.5
    """
    segment: list[LabelledFrame] = []
    total = 0.0
    for frame in frames:
        if segment and frame.label_id != segment[0].label_id:
            yield _event('end', segment, total, fps)
            segment, total = [], 0.0
        total += float(frame.probabilities[frame.label_id])
        # Its first frame and its last one so far.
        segment = [*segment[:1], frame] if segment else [frame, frame]
        if segment[0] is frame:
            yield _event('begin', segment, total, fps)
    if segment:
        yield _event('end', segment, total, fps)


def _event(
    kind: Literal['begin', 'end'],
    segment: Sequence[LabelledFrame],
    total: float,
    fps: float | None,
) -> SegmentEvent:
    first, last = segment
    ends = kind == 'end'
    end = None if fps is None or last.time is None else last.time + 1 / fps
    return SegmentEvent(
        kind,
        first.label,
        first.label_id,
        first.index,
        last.index + 1 if ends else None,
        first.time,
        end if ends else None,
        total / (last.index + 1 - first.index),
    )
