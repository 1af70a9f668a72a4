"""Segmentors: models that label every frame."""

from mmskelseg.models.segmentors.action_segmentor import ActionSegmentor

__all__ = ['ActionSegmentor']
