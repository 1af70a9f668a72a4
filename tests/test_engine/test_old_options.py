"""Configs from before a model had `auxiliary` parts."""

import pytest

from mmskelseg.engine.config_checks import check_config, read_config
from tests.segmentors import TCN, build_segmentor
from tests.small_data import ROOT

RISK = {'type': 'RiskHead', 'channels': 8}
CONTRAST = {'type': 'SegmentContrastLoss'}


@pytest.mark.parametrize(
    ('base', 'options', 'auxiliary'),
    [
        ('recipes/pose2d', {'contrast.type': CONTRAST['type']}, [CONTRAST]),
        ('asformer/pose2d', {'contrast': None}, []),
        (
            'asformer/pose2d',
            {'contrast.temperature': 0.2, 'risk_head': RISK},
            [{**CONTRAST, 'temperature': 0.2}, RISK],
        ),
        ('asformer/pose2d', {'risk_head': None}, [CONTRAST]),
    ],
)
def test_old_options_change_add_or_remove_a_part(base, options, auxiliary):
    options = {f'model.{key}': value for key, value in options.items()}
    cfg = read_config(ROOT / 'configs' / f'{base}.py', options)
    assert cfg.model.auxiliary == auxiliary
    check_config(cfg, base)


def test_weights_of_parts_have_their_names():
    """Also those of further members; so that checkpoints can be loaded."""
    parts = [
        {'type': 'RiskHead'}, {'type': 'BoundaryHead', 'num_refinements': 0},
        {'type': 'UncertaintyWeighting', 'losses': ['loss_risk']},
    ]  # fmt: skip
    model = build_segmentor({'pose': TCN}, auxiliary=parts, members=2)
    for name in (
        'risk_head.lstm.weight_ih_l0', 'boundary_head.classifiers.0.weight',
        'loss_weighting.log_variances',
    ):  # fmt: skip
        assert {name, f'others.0.{name}'} <= model.state_dict().keys()
