"""Transforms of one video's annotation into model inputs."""

from mmskelseg.datasets.transforms.heatmap import RenderSkeletonHeatmap

__all__ = ['RenderSkeletonHeatmap']
