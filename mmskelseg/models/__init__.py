"""Segmentors and their parts."""

from typing import TYPE_CHECKING

from mmskelseg.utils.lazy import lazy_names

if TYPE_CHECKING:
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
    'TruncatedMSELoss',
    'UncertaintyWeighting',
]
# The public names of each module. The modules need PyTorch, which takes seconds to
# import; `mmskelseg convert-model --help` works without it.
_PARTS = {
    'backbones': (
        'C2FTCN', 'GCNTCN', 'MSGCN', 'ASFormer', 'CausalTCN', 'LTContext',
        'MMActionGCN', 'MSTCNPlusPlus', 'PyramidGCN',
    ),
    'data_preprocessor': ('SegDataPreprocessor',),
    'heads': ('BoundaryHead', 'RiskHead', 'SegmentationHead'),
    'losses': ('FrameCrossEntropyLoss', 'TruncatedMSELoss', 'UncertaintyWeighting'),
    'necks': ('ConcatFusion',),
    'stems': ('HeatmapEncoder',),
    'timestamps': ('TimestampSupervision',),
    'segmentors': ('ActionSegmentor', 'ActionSegmentorEnsemble'),
}  # fmt: skip


__getattr__ = lazy_names(
    __name__, {name: module for module, names in _PARTS.items() for name in names}
)
