"""Transforms of a video or an item, from its annotation to the inputs of a model."""

from mmskelseg.datasets.transforms.augment import (
    RandomBrightness,
    RandomContrast,
    RandomHorizontalFlip,
    RandomRotation,
    RandomShift,
)
from mmskelseg.datasets.transforms.augment_skeletons import (
    RandomJitter,
    RandomJointDropout,
    RandomLimbDropout,
    RandomProjection,
    RandomProportions,
    RandomRotation3D,
    RandomScale,
)
from mmskelseg.datasets.transforms.augment_time import (
    RandomSpeed,
    RandomTimeWarp,
    RecombineSegments,
)
from mmskelseg.datasets.transforms.drop_limb import DropLimb
from mmskelseg.datasets.transforms.loading import (
    LoadFrameFeatures,
    PackSegInputs,
    RandomCropFrames,
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
    'RandomProjection',
    'RandomProportions',
    'RandomRotation',
    'RandomRotation3D',
    'RandomScale',
    'RandomShift',
    'RandomSpeed',
    'RandomTimeWarp',
    'RecombineSegments',
]
