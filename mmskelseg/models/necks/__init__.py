"""Fusion of the features of several modalities."""

from mmskelseg.models.necks.concat_fusion import ConcatFusion

__all__ = ['ConcatFusion']
