"""Labels of a stream's frames as they come, by NumPy alone."""

from mmskelseg.streaming.body import RunningBody, RunningCoordinates
from mmskelseg.streaming.model import ModelStream, StreamingModel

__all__ = ['ModelStream', 'RunningBody', 'RunningCoordinates', 'StreamingModel']
