"""MediaPipe Pose: poses of one person, with a network that comes with its package."""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass

import numpy as np

from mmskelseg_io.messages.dependencies import Dependency, DependencyError
from mmskelseg_io.poses.layouts import COCO17
from mmskelseg_io.poses.mediapipe import LANDMARKS
from mmskelseg_io.poses.poses import Detection, Poses
from mmskelseg_runtime.estimators.estimator import PoseEstimator, require
from mmskelseg_runtime.parts import ESTIMATORS

# Later releases do not contain the network.
_MEDIAPIPE = Dependency('mediapipe', '0.10.14', '0.10.22')
_CHOSEN = [LANDMARKS.index(joint) for joint in COCO17]


@ESTIMATORS.register
@dataclass(eq=False)
class MediaPipePose(PoseEstimator):
    """MediaPipe's ``solutions.pose``, reduced from 33 landmarks to COCO's 17 joints.

    The score of a joint is its visibility. MediaPipe tracks one person from frame to
    frame, so it may mix up several people in view. It does not detect boxes.

    Args:
        model_complexity: The network: 1 comes with the package; 0 (faster) and 2 (more
            accurate) are downloaded at first use.
        min_detection_confidence: Least confidence to start tracking a person.
        min_tracking_confidence: Least confidence to keep tracking a person; below it, a
            person is detected again.
        smooth_landmarks: Whether to smooth landmarks over time.

    Raises:
        DependencyError: If this Python or NumPy does not support MediaPipe, or if it is
            not installed or its release lacks the network.
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
                found = pose.process(np.ascontiguousarray(image[..., ::-1]))
                if found.pose_landmarks is not None:
                    height, width = image.shape[:2]
                    points = [
                        (point.x * width, point.y * height, point.visibility)
                        for point in found.pose_landmarks.landmark
                    ]
                    yield Detection(frame, np.array(points, np.float32)[_CHOSEN])

    def estimate(self, video: str | os.PathLike, *, progress: bool = True) -> Poses:
        """Return the poses in a video, with a note on how joints were mapped."""
        note = "MediaPipe's 33 landmarks mapped to coco17"
        return super().estimate(video, progress=progress).noting(note)


def _check() -> None:
    remedy = (
        "run `pip install 'mediapipe>=0.10.14,<=0.10.21' 'numpy<2' 'jax<0.7.2' "
        "'jaxlib<0.7.2' 'opencv-contrib-python<4.12' 'opencv-python<4.12'` "
        'with Python 3.10 to 3.12, or choose rtmlib, the default, which works with '
        'NumPy 2, or give existing poses (--poses)'
    )
    if sys.version_info >= (3, 13) and not _MEDIAPIPE.found()[1]:
        raise DependencyError(
            f'MediaPipePose needs mediapipe{_MEDIAPIPE.needed}, which does not exist '
            f'for Python {sys.version_info[0]}.{sys.version_info[1]}; {remedy}.'
        )
    # NumPy first, since that is why MediaPipe is not installed beside NumPy 2.
    require('MediaPipePose', remedy, Dependency('numpy', '1.23', '2'), _MEDIAPIPE)
