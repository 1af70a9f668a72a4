"""Events: beginnings and ends of segments in a stream of labelled frames."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from mmskelseg_runtime.streaming.stream import LabelledFrame


@dataclass(frozen=True)
class SegmentEvent:
    """The beginning or the end of a segment.

    Args:
        event: Whether the segment begins or ends.
        label: Name of the class.
        label_id: Id of the class.
        start_frame: First frame of the segment.
        end_frame: The frame after its last one; None before the end.
        start: Time of the first frame in seconds; None if the frame rate is unknown.
        end: Time of the end in seconds; None before the end, or if the frame rate is
            unknown.
        score: Mean probability of the label over the segment so far.
        tier: Name of its tier; '' if there is only one.
    """

    event: Literal['begin', 'end']
    label: str
    label_id: int
    start_frame: int
    end_frame: int | None
    start: float | None
    end: float | None
    score: float
    tier: str = ''


class SegmentEvents:
    """A detector of segments that begin and end in a live stream of ``fps``."""

    def __init__(self, fps: float | None = None) -> None:
        self.fps = fps
        # The first frame of the current segment of each tier, its last one so far, and
        # the sum of the probabilities of its label.
        self._segments: dict[str, tuple[LabelledFrame, LabelledFrame, float]] = {}

    def push(self, frame: LabelledFrame) -> list[SegmentEvent]:
        """Return the events that the next frame causes."""
        probability = float(frame.probabilities[frame.label_id])
        current = self._segments.get(frame.tier)
        if current is not None and current[0].label_id == frame.label_id:
            first, _, total = current
            self._segments[frame.tier] = first, frame, total + probability
            return []
        ends = [] if current is None else [self._event('end', *current)]
        self._segments[frame.tier] = frame, frame, probability
        return [*ends, self._event('begin', frame, frame, probability)]

    def end(self) -> list[SegmentEvent]:
        """Return the ends of the current segments."""
        events = [self._event('end', *segment) for segment in self._segments.values()]
        self._segments = {}
        return events

    def _event(
        self,
        kind: Literal['begin', 'end'],
        first: LabelledFrame,
        last: LabelledFrame,
        total: float,
    ) -> SegmentEvent:
        ends = kind == 'end'
        end = None
        if ends and self.fps is not None and last.time is not None:
            end = last.time + 1 / self.fps
        return SegmentEvent(
            kind,
            first.label,
            first.label_id,
            first.index,
            last.index + 1 if ends else None,
            first.time,
            end,
            total / (last.index + 1 - first.index),
            first.tier,
        )


def segment_events(
    frames: Iterable[LabelledFrame], fps: float | None = None
) -> Iterator[SegmentEvent]:
    """Yield an event at the beginning and at the end of each segment.

    The last segment ends with the frames, which are ``fps`` a second.

    >>> from mmskelseg_runtime.streaming import LabelledFrame
    >>> frames = [LabelledFrame(i, i / 2, *k, [0.5, 0.5]) for i, k in enumerate(
    ...     [('walk', 0), ('walk', 0), ('sit', 1)])]
    >>> for e in segment_events(frames, fps=2): print(e.event, e.label, e.start, e.end)
    begin walk 0.0 None
    end walk 0.0 1.0
    begin sit 1.0 None
    end sit 1.0 1.5
    """
    events = SegmentEvents(fps)
    for frame in frames:
        yield from events.push(frame)
    yield from events.end()
