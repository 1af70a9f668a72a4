"""Pose estimation in videos, which is in the runtime, apart from MMPose's networks."""

from mmskelseg.apis.mmpose_inferencer import MMPoseAlias
from mmskelseg_runtime.estimators import (
    MediaPipePose,
    PoseEstimator,
    RTMLibPose,
    build_pose_estimator,
)

__all__ = [
    'MMPoseAlias',
    'MediaPipePose',
    'PoseEstimator',
    'RTMLibPose',
    'build_pose_estimator',
]
