"""Live labels of a stream's frames, in NumPy."""

from mmskelseg_runtime.streaming.events import (
    SegmentEvent,
    SegmentEvents,
    segment_events,
)
from mmskelseg_runtime.streaming.model import ModelStream, StreamingModel
from mmskelseg_runtime.streaming.resampling import Resampler
from mmskelseg_runtime.streaming.stream import LabelledFrame, SkeletonStream

__all__ = [
    'LabelledFrame',
    'ModelStream',
    'Resampler',
    'SegmentEvent',
    'SegmentEvents',
    'SkeletonStream',
    'StreamingModel',
    'segment_events',
]
