"""Segmentors and their parts."""

from mmskelseg.models.backbones import (
    C2FTCN,
    GCNTCN,
    MSGCN,
    ASFormer,
    CausalTCN,
    LTContext,
    MMActionGCN,
    MSTCNPlusPlus,
    PyramidGCN,
)
from mmskelseg.models.data_preprocessor import SegDataPreprocessor
from mmskelseg.models.heads import BoundaryHead, RiskHead, SegmentationHead
from mmskelseg.models.losses import (
    FrameCrossEntropyLoss,
    TruncatedMSELoss,
    UncertaintyWeighting,
)
from mmskelseg.models.necks import ConcatFusion
from mmskelseg.models.segmentors import ActionSegmentor, ActionSegmentorEnsemble
from mmskelseg.models.stems import HeatmapEncoder
from mmskelseg.models.timestamps import TimestampSupervision

__all__ = [
    'C2FTCN',
    'GCNTCN',
    'MSGCN',
    'ASFormer',
    'ActionSegmentor',
    'ActionSegmentorEnsemble',
    'BoundaryHead',
    'CausalTCN',
    'ConcatFusion',
    'FrameCrossEntropyLoss',
    'HeatmapEncoder',
    'LTContext',
    'MMActionGCN',
    'MSTCNPlusPlus',
    'PyramidGCN',
    'RiskHead',
    'SegDataPreprocessor',
    'SegmentationHead',
    'TimestampSupervision',
    'TruncatedMSELoss',
    'UncertaintyWeighting',
]
