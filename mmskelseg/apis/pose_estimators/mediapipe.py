"""MediaPipe Pose: one person, from a network that comes with the package."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import cv2
import numpy as np

from mmskelseg.apis.pose_estimators.estimator import PoseEstimator, require
from mmskelseg.interchange.poses.layouts import COCO17
from mmskelseg.interchange.poses.mediapipe import LANDMARKS
from mmskelseg.interchange.poses.poses import Detection, Poses
from mmskelseg.utils.dependencies import Dependency, DependencyError

# Later releases come without the network.
_MEDIAPIPE = Dependency('mediapipe', '0.10.14', '0.10.22')
_CHOSEN = [LANDMARKS.index(joint) for joint in COCO17]


@dataclass(eq=False)
class MediaPipePose(PoseEstimator):
    """MediaPipe's ``solutions.pose``: COCO's 17 of its 33 landmarks of one person.

    A joint's score is its visibility. It follows the person from frame to frame, so
    that several people in view may be taken for one. It finds no boxes.

    Args:
        model_complexity: 1 comes with the package; 0 (faster) and 2 (more accurate)
            are downloaded at first use.
        min_detection_confidence: How sure it must be to begin to follow a person.
        min_tracking_confidence: How sure it must stay, or it looks for a person anew.
        smooth_landmarks: Whether landmarks are smoothed over time.

    Raises:
        DependencyError: If this Python or NumPy cannot have MediaPipe, or it is not
            installed, or a release without the network is.
    """

    skeleton = 'coco17'

    model_complexity: int = 1
    min_detection_confidence: float = 0.5
    _: KW_ONLY
    min_tracking_confidence: float = 0.5
    smooth_landmarks: bool = True

    def __post_init__(self) -> None:
        _check()

    def detections(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Yield the person in each image, if there is one."""
        from mediapipe import solutions

        with solutions.pose.Pose(
            model_complexity=self.model_complexity,
            smooth_landmarks=self.smooth_landmarks,
            min_detection_confidence=self.min_detection_confidence,
            min_tracking_confidence=self.min_tracking_confidence,
        ) as pose:
            for frame, image in enumerate(images):
                found = pose.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
                if found.pose_landmarks is not None:
                    height, width = image.shape[:2]
                    points = [
                        (point.x * width, point.y * height, point.visibility)
                        for point in found.pose_landmarks.landmark
                    ]
                    yield Detection(frame, np.array(points, np.float32)[_CHOSEN])

    def estimate(self, *args: Any, **kwargs: Any) -> Poses:
        """Return the poses, and say how they came to their joints."""
        note = "MediaPipe's 33 landmarks mapped to coco17"
        return super().estimate(*args, **kwargs).noting(note)


def _check() -> None:
    remedy = (
        "run `pip install 'mmskelseg[mediapipe]'` in an environment of Python 3.10 to "
        '3.12 with NumPy 1'
    )
    if sys.version_info >= (3, 13) and not _MEDIAPIPE.found()[1]:
        raise DependencyError(
            f'MediaPipePose needs mediapipe{_MEDIAPIPE.needed}, which does not exist '
            f'for Python {sys.version_info[0]}.{sys.version_info[1]}; {remedy}.'
        )
    # NumPy first, since that is why MediaPipe is not installed beside NumPy 2.
    require('MediaPipePose', remedy, Dependency('numpy', '1.23', '2'), _MEDIAPIPE)
