"""Pose estimation in videos: several libraries behind one interface."""

from typing import TYPE_CHECKING

from mmskelseg.apis.pose_estimators.estimator import PoseEstimator, build_pose_estimator
from mmskelseg.apis.pose_estimators.mediapipe import MediaPipePose
from mmskelseg.apis.pose_estimators.rtmlib import RTMLibPose
from mmskelseg.utils.lazy import lazy_names

if TYPE_CHECKING:
    from mmskelseg.apis.pose_estimators.mmpose_inferencer import MMPoseAlias

__all__ = [
    'MMPoseAlias',
    'MediaPipePose',
    'PoseEstimator',
    'RTMLibPose',
    'build_pose_estimator',
]
__getattr__ = lazy_names(__name__, {'MMPoseAlias': 'mmpose_inferencer'})
