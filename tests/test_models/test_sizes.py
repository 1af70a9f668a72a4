"""Sizes with which a part of a model would have no values."""

import inspect

import pytest

from mmskelseg.models import BoundaryHead, ConcatFusion, RiskHead
from mmskelseg.models.backbones import (
    C2FTCN,
    GCNTCN,
    MSGCN,
    ASFormer,
    CausalTCN,
    LTContext,
    MSTCNPlusPlus,
    PyramidGCN,
)

NETWORKS = [
    ASFormer, C2FTCN, CausalTCN, GCNTCN, LTContext, MSGCN, MSTCNPlusPlus, PyramidGCN,
    BoundaryHead, ConcatFusion, RiskHead,
]  # fmt: skip
SIZES = (
    'in_channels', 'channels', 'out_channels', 'stem_channels', 'reduced_channels',
    'num_layers', 'num_prediction_layers', 'num_levels', 'kernel_size', 'reduction',
    'window', 'stride', 'num_outputs',
)  # fmt: skip
# What these networks need besides the sizes with a default.
NEEDED = {
    'in_channels': 4, 'num_classes': 3, 'num_stages': 2, 'skeleton': 'coco17',
}  # fmt: skip


def parameters(cls):
    return inspect.signature(cls).parameters


@pytest.mark.parametrize(
    ('cls', 'size'),
    [(c, size) for c in NETWORKS for size in SIZES if size in parameters(c)],
)
def test_part_without_values_is_refused(cls, size):
    needed = {name: NEEDED[name] for name in NEEDED if name in parameters(cls)}
    with pytest.raises(ValueError, match=f'{size}=0, but|{size}=0 .*leave'):
        cls(**{**needed, size: 0})


@pytest.mark.parametrize('weight', ['positive_weight', 'loss_weight'])
@pytest.mark.parametrize('value', [0, -1, float('inf'), float('nan')])
def test_weights_of_boundaries_are_positive(weight, value):
    with pytest.raises(ValueError, match=f'BoundaryHead: {weight}={value}, but'):
        BoundaryHead(4, **{weight: value})
