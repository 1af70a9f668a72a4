"""Live labels of the people in a video, which are in the runtime."""

from mmskelseg.runtime.segmenting.live import LiveReport, LiveSegmenter

__all__ = ['LiveReport', 'LiveSegmenter']
