"""Segmentors and their parts."""

from mmskelseg.models.backbones import (
    GCNTCN,
    MSGCN,
    CausalTCN,
    MMActionGCN,
    MSTCNPlusPlus,
    PyramidGCN,
)
from mmskelseg.models.data_preprocessor import SegDataPreprocessor
from mmskelseg.models.heads import RiskHead, SegmentationHead
from mmskelseg.models.losses import (
    FrameCrossEntropyLoss,
    TruncatedMSELoss,
    UncertaintyWeighting,
)
from mmskelseg.models.necks import ConcatFusion
from mmskelseg.models.segmentors import ActionSegmentor

__all__ = [
    'GCNTCN',
    'MSGCN',
    'ActionSegmentor',
    'CausalTCN',
    'ConcatFusion',
    'FrameCrossEntropyLoss',
    'MMActionGCN',
    'MSTCNPlusPlus',
    'PyramidGCN',
    'RiskHead',
    'SegDataPreprocessor',
    'SegmentationHead',
    'TruncatedMSELoss',
    'UncertaintyWeighting',
]
