"""Objects in videos, by detectors that find boxes in images."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mmskelseg_io.messages.dependencies import DependencyError
from mmskelseg_runtime.estimators.estimator import (
    VideoFrames,
    built,
    downloading,
    settings_of,
)
from mmskelseg_runtime.parts import ESTIMATORS


class Boxes(NamedTuple):
    """Class ids (N,), scores (N,) and corners x1, y1, x2, y2 (N, 4) of N boxes."""

    labels: np.ndarray
    scores: np.ndarray
    bboxes: np.ndarray


class ObjectDetector(ABC):
    """A detector of objects in images; networks are loaded with the first video."""

    @property
    @abstractmethod
    def classes(self) -> Sequence[str]:
        """The names of the classes, by their ids."""

    @abstractmethod
    def detections(self, images: Iterable[np.ndarray]) -> Iterator[Boxes]:
        """Yield the boxes in each image, uint8 in BGR order, shape (h, w, 3)."""

    def detect(self, video: str | os.PathLike, *, progress: bool = True) -> list[dict]:
        """Return the predictions for each frame of a video, as MMDetection writes them.

        ``progress`` shows a bar.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it cannot be read as a video.
            RuntimeError: If networks cannot be downloaded.
        """
        frames = VideoFrames(video, progress=progress, title='Detecting objects')
        with downloading(type(self).__name__):
            found = self.detections(frames)
            return [
                {key: np.round(value, 4).tolist() for key, value in one.items()}
                for one in (boxes._asdict() for boxes in found)
            ]

    def settings(self) -> dict[str, object]:
        """Return everything that determines the objects, as plain values."""
        return settings_of(self)


def build_detector(model: str, **options: object) -> ObjectDetector:
    """Build the detector of a network of MMDetection.

    Args:
        model: Its name or alias in the model zoo, or the path of its config.
        options: Further arguments of ``MMDetector``, such as ``weights``.

    Raises:
        DependencyError: If MMDetection is not installed.
        UserError: If there is no such option.
    """
    cls = ESTIMATORS.get('MMDetector')
    if cls is None:
        raise DependencyError(
            'MMDetector needs MMDetection, which mmskelseg-runtime does not support; '
            'install mmskelseg, or detect objects by another program, and give their '
            'files to --objects of mmskelseg segment.'
        )
    return built(cls, {'model': model, **options})
