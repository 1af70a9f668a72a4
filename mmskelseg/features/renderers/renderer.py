"""What all renderers have in common."""

from abc import ABC, abstractmethod
from typing import Any


class BaseRenderer(ABC):
    """A step of a pipeline, called as MMCV's transforms are, without MMCV."""

    @abstractmethod
    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change what is known of a video, and return it."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return what :meth:`transform` does."""
        return self.transform(results)
