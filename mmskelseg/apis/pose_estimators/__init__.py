"""Pose estimation in videos: several programs behind one interface."""

from mmskelseg.apis.pose_estimators.estimator import PoseEstimator, build_pose_estimator
from mmskelseg.apis.pose_estimators.mediapipe import MediaPipePose
from mmskelseg.apis.pose_estimators.mmpose_inferencer import MMPoseAlias
from mmskelseg.apis.pose_estimators.rtmlib import RTMLibPose

__all__ = [
    'MMPoseAlias',
    'MediaPipePose',
    'PoseEstimator',
    'RTMLibPose',
    'build_pose_estimator',
]
