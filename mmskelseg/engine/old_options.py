"""Options of earlier versions that a segmentor's config may still have."""

from collections.abc import Mapping
from typing import Any

# The types of the parts that these options named, which are ``auxiliary`` now.
_PARTS = {
    'timestamps': 'TimestampSupervision',
    'contrast': 'SegmentContrastLoss',
    'risk_head': 'RiskHead',
    'boundary_head': 'BoundaryHead',
    'loss_weighting': 'UncertaintyWeighting',
}


def with_auxiliary(model: Any) -> None:
    """Move the old options of an ``ActionSegmentor`` into its ``auxiliary``.

    An option changes the part of its type, or adds it; None removes it.

    >>> model = {'type': 'ActionSegmentor', 'contrast': {'loss_weight': 1}}
    >>> with_auxiliary(model)
    >>> model['auxiliary']
    [{'type': 'SegmentContrastLoss', 'loss_weight': 1}]
    """
    if not isinstance(model, dict) or model.get('type') != 'ActionSegmentor':
        return
    if not _PARTS.keys() & model.keys():
        return
    parts = {part['type']: part for part in model.get('auxiliary', ())}
    for option, kind in _PARTS.items():
        if option in model:
            part = model.pop(option)
            if isinstance(part, Mapping):
                part = {'type': kind, **(parts.get(kind) or {}), **part}
            parts[kind] = part
    model['auxiliary'] = [part for part in parts.values() if part is not None]
