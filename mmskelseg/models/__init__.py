"""Segmentors and their parts."""

from importlib import import_module
from typing import Any

# By module. They need PyTorch, which takes seconds to import and which the arguments of
# `mmskelseg convert-model` do without.
_PARTS = {
    'backbones': (
        'C2FTCN', 'GCNTCN', 'MSGCN', 'ASFormer', 'CausalTCN', 'MMActionGCN',
        'MSTCNPlusPlus', 'PyramidGCN',
    ),
    'data_preprocessor': ('SegDataPreprocessor',),
    'heads': ('BoundaryHead', 'RiskHead', 'SegmentationHead'),
    'losses': ('FrameCrossEntropyLoss', 'TruncatedMSELoss', 'UncertaintyWeighting'),
    'necks': ('ConcatFusion',),
    'stems': ('HeatmapEncoder',),
    'timestamps': ('TimestampSupervision',),
    'segmentors': ('ActionSegmentor', 'ActionSegmentorEnsemble'),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _PARTS.items():
        if name in names:
            return getattr(import_module(f'{__name__}.{module}'), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
