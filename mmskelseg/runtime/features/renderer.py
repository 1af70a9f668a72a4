"""The base class of renderers."""

from abc import ABC, abstractmethod

import numpy as np

from mmskelseg.runtime.structures.annotations import VideoAnnotation


class RenderedVideo(VideoAnnotation, total=False):
    """A video's annotation, plus the keys that renderers write."""

    imgs: np.ndarray
    coordinates: np.ndarray


class BaseRenderer(ABC):
    """A step of a pipeline, called like MMCV's transforms, but independent of MMCV."""

    @abstractmethod
    def transform(self, results: RenderedVideo) -> RenderedVideo:
        """Add the rendered images or coordinates to a video, and return it."""

    def __call__(self, results: RenderedVideo) -> RenderedVideo:
        """Call :meth:`transform`."""
        return self.transform(results)
