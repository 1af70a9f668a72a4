"""Changes of a video or of an item, from the annotation to model inputs."""

from mmskelseg.datasets.transforms.augment import (
    RandomBrightness,
    RandomContrast,
    RandomHorizontalFlip,
    RandomRotation,
    RandomShift,
    RandomSpeed,
)
from mmskelseg.datasets.transforms.drop_limb import DropLimb
from mmskelseg.datasets.transforms.loading import (
    LoadFrameFeatures,
    PackSegInputs,
    RandomCropFrames,
)
from mmskelseg.datasets.transforms.skeleton_augment import (
    RandomJitter,
    RandomJointDropout,
    RandomLimbDropout,
    RandomProportions,
    RandomRotation3D,
    RandomScale,
    RandomTimeWarp,
    RecombineSegments,
)

__all__ = [
    'DropLimb',
    'LoadFrameFeatures',
    'PackSegInputs',
    'RandomBrightness',
    'RandomContrast',
    'RandomCropFrames',
    'RandomHorizontalFlip',
    'RandomJitter',
    'RandomJointDropout',
    'RandomLimbDropout',
    'RandomProportions',
    'RandomRotation',
    'RandomRotation3D',
    'RandomScale',
    'RandomShift',
    'RandomSpeed',
    'RandomTimeWarp',
    'RecombineSegments',
]
