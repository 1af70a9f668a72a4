"""Live labels of a stream's frames, in NumPy."""

from mmskelseg.streaming.body import RunningBody, RunningCoordinates
from mmskelseg.streaming.events import SegmentEvent, SegmentEvents, segment_events
from mmskelseg.streaming.model import ModelStream, StreamingModel
from mmskelseg.streaming.resampling import Resampler
from mmskelseg.streaming.stream import LabelledFrame, SkeletonStream

__all__ = [
    'LabelledFrame',
    'ModelStream',
    'Resampler',
    'RunningBody',
    'RunningCoordinates',
    'SegmentEvent',
    'SegmentEvents',
    'SkeletonStream',
    'StreamingModel',
    'segment_events',
]
