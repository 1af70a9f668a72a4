"""Pose estimation in videos: several libraries behind one interface."""

from mmskelseg_runtime.estimators.estimator import PoseEstimator, build_pose_estimator
from mmskelseg_runtime.estimators.mediapipe import MediaPipePose
from mmskelseg_runtime.estimators.rtmlib import RTMLibPose

__all__ = ['MediaPipePose', 'PoseEstimator', 'RTMLibPose', 'build_pose_estimator']
