"""Live labels of the people in a video, from `mmskelseg.runtime`."""

from mmskelseg_runtime.segmenting.live import LiveReport, LiveSegmenter

__all__ = ['LiveReport', 'LiveSegmenter']
