"""Transforms of one video's annotation into model inputs."""

from mmskelseg.datasets.transforms.drop_limb import DropLimb
from mmskelseg.datasets.transforms.formatting import PackSegInputs
from mmskelseg.datasets.transforms.heatmap import RenderSkeletonHeatmap
from mmskelseg.datasets.transforms.loading import LoadFrameFeatures

__all__ = [
    'DropLimb',
    'LoadFrameFeatures',
    'PackSegInputs',
    'RenderSkeletonHeatmap',
]
