"""Segmentors and their parts."""

from mmskelseg.models.backbones import MSGCN, MSTCNPlusPlus
from mmskelseg.models.data_preprocessor import SegDataPreprocessor
from mmskelseg.models.heads import SegmentationHead
from mmskelseg.models.losses import FrameCrossEntropyLoss, TruncatedMSELoss
from mmskelseg.models.necks import ConcatFusion
from mmskelseg.models.segmentor import ActionSegmentor

__all__ = [
    'MSGCN',
    'ActionSegmentor',
    'ConcatFusion',
    'FrameCrossEntropyLoss',
    'MSTCNPlusPlus',
    'SegDataPreprocessor',
    'SegmentationHead',
    'TruncatedMSELoss',
]
