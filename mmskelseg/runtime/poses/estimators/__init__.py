"""Pose estimation in videos: several libraries behind one interface."""

from mmskelseg.runtime.poses.estimators.estimator import (
    PoseEstimator,
    build_pose_estimator,
)
from mmskelseg.runtime.poses.estimators.mediapipe import MediaPipePose
from mmskelseg.runtime.poses.estimators.rtmlib import RTMLibPose

__all__ = ['MediaPipePose', 'PoseEstimator', 'RTMLibPose', 'build_pose_estimator']
