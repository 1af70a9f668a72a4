"""Segmentors, which label every frame of a video."""

from mmskelseg.models.segmentors.action_segmentor import ActionSegmentor
from mmskelseg.models.segmentors.ensemble import ActionSegmentorEnsemble

__all__ = ['ActionSegmentor', 'ActionSegmentorEnsemble']
