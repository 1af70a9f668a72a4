"""Annotation files and what reads them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mmskelseg.datasets.annotations import load_annotations, save_annotations

if TYPE_CHECKING:
    from mmskelseg.datasets.action_seg_dataset import ActionSegDataset
    from mmskelseg.datasets.samplers import LengthBatchSampler

__all__ = [
    'ActionSegDataset',
    'LengthBatchSampler',
    'load_annotations',
    'save_annotations',
]
# They need PyTorch, which takes seconds to import and which converters do without.
_LATER = {'ActionSegDataset': 'action_seg_dataset', 'LengthBatchSampler': 'samplers'}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_LATER[name]}'), name)
