"""A part of one's own: a class in one file, from its loss to exported models."""

import numpy as np
import pytest
import torch
from torch import nn

from mmskelseg.export.export import export_onnx
from mmskelseg.models import AuxiliaryPart
from mmskelseg.registry import MODELS
from mmskelseg.runtime import OnnxSegmenter
from tests.errors import raises_naming
from tests.inferring import inferencer_of, save_random
from tests.segmentors import (
    TCN,
    build_segmentor,
    check_padding_is_invisible,
    labelled_samples,
    random_videos,
)
from tests.test_segmenting.conftest import META, make_config


@MODELS.register_module()
class SpeedHead(AuxiliaryPart):
    """Predicts a number from features, with a loss that is its mean square."""

    name = 'speed_head'
    reads = 'last'
    predicts = 'speed'
    context = 0

    def __init__(self, in_channels, loss_weight=1.0):
        super().__init__()
        self.loss_weight = loss_weight
        self.regress = nn.Linear(in_channels, 1)

    def forward(self, output):
        features = output.stages[-1].features
        return self.regress(features.transpose(1, 2))[:, :, 0]

    def loss(self, found, targets):
        rows = zip(found, targets.lengths, strict=True)
        squares = [row[:length].square().mean() for row, length in rows]
        return {'loss_speed': self.loss_weight * sum(squares)}


SPEED = {'type': 'SpeedHead'}
LENGTHS = (30, 17)


@pytest.mark.parametrize('branches', [{'a': TCN}, {'a': TCN, 'b': TCN}])
def test_part_adds_its_loss_and_its_field(branches):
    """And changes nothing else; two branches are read side by side."""
    model = build_segmentor(branches, auxiliary=[SPEED])
    plain = build_segmentor(branches)
    plain.load_state_dict(model.state_dict(), strict=False)
    assert model.speed_head.regress.in_features == 8 * len(branches)
    videos = random_videos(branches, 30, number=2)
    losses, expected = (
        dict(m(videos, labelled_samples(LENGTHS), mode='loss')) for m in (model, plain)
    )
    losses.pop('loss_speed').backward()
    torch.testing.assert_close(losses, expected)
    for branch in model.branches.values():
        assert branch['backbone'].stages[-1].conv_in.weight.grad.any()
    check_padding_is_invisible(model, videos, LENGTHS)
    (_, second) = model(videos, labelled_samples(LENGTHS), mode='predict')
    assert second.pred_speed.shape == (17,)
    assert 'pred_risk' not in second


def test_losses_of_a_part_can_be_weighed():
    weighting = {'type': 'UncertaintyWeighting', 'losses': ['loss_speed']}
    model, plain = (
        build_segmentor({'a': TCN}, auxiliary=[SPEED, *more])
        for more in ([weighting], [])
    )
    model.loss_weighting.log_variances.data.fill_(1)
    videos = random_videos({'a': TCN}, 30)
    found, expected = (
        m(videos, labelled_samples([30]), mode='loss')['loss_speed']
        for m in (model, plain)
    )
    torch.testing.assert_close(found, expected / torch.e + 0.5)


@pytest.mark.parametrize('members', [1, 2])
def test_exported_models_predict_it(members, rng, tmp_path):
    small = {'channels': 8, 'num_prediction_layers': 2, 'num_refinement_layers': 1}
    small['num_refinements'] = 1
    cfg = make_config(
        'recipes/uwiom_pose2d.py', {'pose2d': small}, members=members, auxiliary=[SPEED]
    )
    body = rng.normal(300, 40, (1, 200, 15, 2)).astype(np.float32)
    video = {'frame_dir': 'take1', 'keypoint': body, 'skeleton': 'lcr15', 'fps': 10.0}
    video |= {'keypoint_score': np.ones((1, 200, 15)), 'img_shape': (600, 600)}
    files = [save_random(cfg, tmp_path / f'{i}.pth', META, i) for i in range(2)]
    (expected,) = inferencer_of(cfg, files)(video)['predictions']
    export_onnx(cfg, files, tmp_path / 'model.onnx')
    segment = OnnxSegmenter(tmp_path / 'model.onnx', show_progress=False)
    (found,) = segment(video)['predictions']
    assert found['pred_speed'].std() > 0
    np.testing.assert_allclose(found['pred_speed'], expected['pred_speed'], atol=1e-5)
    # Long videos run in chunks.
    assert segment.predictor.file.metadata['context'] is not None


@pytest.mark.parametrize(
    ('auxiliary', 'named'),
    [
        ([SPEED, SPEED], 'model.auxiliary.1 | speed_head'),
        ([{'type': 'ConcatFusion'}], 'model.auxiliary.0 | ConcatFusion'),
    ],
)
def test_part_that_makes_no_sense_is_named(auxiliary, named):
    with raises_naming(ValueError, named):
        build_segmentor({'a': TCN}, auxiliary=auxiliary)


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
