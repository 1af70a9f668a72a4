"""Live labels of a stream's frames, in NumPy."""

from mmskelseg.runtime.streaming.body import RunningBody, RunningCoordinates
from mmskelseg.runtime.streaming.events import (
    SegmentEvent,
    SegmentEvents,
    segment_events,
)
from mmskelseg.runtime.streaming.model import ModelStream, StreamingModel
from mmskelseg.runtime.streaming.pairs import RunningPairs
from mmskelseg.runtime.streaming.resampling import Resampler
from mmskelseg.runtime.streaming.stream import LabelledFrame, SkeletonStream

__all__ = [
    'LabelledFrame',
    'ModelStream',
    'Resampler',
    'RunningBody',
    'RunningCoordinates',
    'RunningPairs',
    'SegmentEvent',
    'SegmentEvents',
    'SkeletonStream',
    'StreamingModel',
    'segment_events',
]
