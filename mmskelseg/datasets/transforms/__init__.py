"""Transforms of one video's annotation into model inputs."""

from mmskelseg.datasets.transforms.augment import (
    RandomBrightness,
    RandomContrast,
    RandomSpeed,
)
from mmskelseg.datasets.transforms.coordinates import SkeletonCoordinates
from mmskelseg.datasets.transforms.crop import RandomCropFrames
from mmskelseg.datasets.transforms.drop_limb import DropLimb
from mmskelseg.datasets.transforms.formatting import PackSegInputs
from mmskelseg.datasets.transforms.heatmap import RenderSkeletonHeatmap
from mmskelseg.datasets.transforms.joint_heatmaps import RenderJointHeatmaps
from mmskelseg.datasets.transforms.loading import LoadFrameFeatures
from mmskelseg.datasets.transforms.mmaction_coordinates import MMActionCoordinates
from mmskelseg.datasets.transforms.skeleton_augment import (
    RandomHorizontalFlip,
    RandomRotation,
    RandomShift,
)
from mmskelseg.datasets.transforms.video import ReadVideoFrames

__all__ = [
    'DropLimb',
    'LoadFrameFeatures',
    'MMActionCoordinates',
    'PackSegInputs',
    'RandomBrightness',
    'RandomContrast',
    'RandomCropFrames',
    'RandomHorizontalFlip',
    'RandomRotation',
    'RandomShift',
    'RandomSpeed',
    'ReadVideoFrames',
    'RenderJointHeatmaps',
    'RenderSkeletonHeatmap',
    'SkeletonCoordinates',
]
