"""What turns features into classes."""

from mmskelseg.models.heads.segmentation_head import SegmentationHead

__all__ = ['SegmentationHead']
