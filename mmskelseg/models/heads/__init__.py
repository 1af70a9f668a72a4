"""Heads: features into classes, or into a score of each frame."""

from mmskelseg.models.heads.risk_head import RiskHead
from mmskelseg.models.heads.segmentation_head import SegmentationHead

__all__ = ['RiskHead', 'SegmentationHead']
