import math

import pytest
import torch
from mmaction.structures import ActionDataSample

from mmskelseg.models import RiskHead, UncertaintyWeighting
from mmskelseg.models.auxiliary.part import NetworkOutput, Targets
from tests.errors import raises_naming
from tests.segmentors import MS_GCN, PLAIN_HEAD, TCN, build_segmentor

RISK = {'type': 'RiskHead', 'reduced_channels': 5, 'channels': 4, 'num_layers': 2}

BRANCH = {**TCN, 'num_prediction_layers': 2, 'num_refinements': 0}


def build(branch=BRANCH, **options):
    return build_segmentor(
        {'heatmap': branch}, **{'head': PLAIN_HEAD, 'auxiliary': [RISK], **options}
    )


def sample(frame_dir, labels, risk=None):
    result = ActionDataSample(metainfo={'frame_dir': frame_dir})
    result.set_gt_label(torch.tensor(labels))
    if risk is not None:
        result.set_field(torch.tensor(risk), 'gt_risk', dtype=torch.Tensor)
    return result


def test_risk_loss_is_the_mean_over_all_frames_of_a_batch():
    """Squares 1, 4 and 9 of three frames; what is predicted in the padding is not."""
    pred = torch.tensor([[1.0, 3.0], [5.0, 99.0]], requires_grad=True)
    videos = [sample('a', [0, 1], [2.0, 5.0]), sample('b', [0], [2.0])]
    labels = torch.zeros(2, 2)
    targets = Targets(labels, labels, [2, 1], videos)
    loss = RiskHead(6).loss(pred, targets)['loss_risk']
    loss.backward()
    assert loss.item() == pytest.approx((1 + 4 + 9) / 3)
    torch.testing.assert_close(pred.grad, torch.tensor([[-2.0, -4], [6, 0]]) / 3)


def test_risk_head_reads_the_frames_up_to_each():
    """It can run along with a video: a later frame changes no earlier score."""
    head = RiskHead(6, reduced_channels=5, channels=4, num_layers=2)
    x = torch.randn(1, 6, 9)
    other = x.clone()
    other[:, :, 6:] = 7
    found, changed = head(NetworkOutput([x])), head(NetworkOutput([other]))
    torch.testing.assert_close(found[:, :6], changed[:, :6])
    assert not torch.allclose(found[:, 6], changed[:, 6])


def test_risk_is_predicted_from_any_features():
    """Without a stem, the head reads what the first stage reads: the features."""
    model = build().eval()
    x = torch.randn(2, 6, 9)
    videos = [sample('a', [0] * 9), sample('b', [1] * 4)]
    predicted = model({'heatmap': x}, videos, mode='predict')
    expected = model.risk_head(NetworkOutput([x[1:, :, :4]]))[0]
    torch.testing.assert_close(predicted[1].pred_risk, expected)
    assert predicted[0].pred_risk.shape == (9,)


def test_branches_predict_risk_together():
    branches = {'heatmap': TCN, 'rgb': {**TCN, 'in_channels': 4}}
    model = build_segmentor(branches, auxiliary=[RISK])
    assert model.risk_head.reduce.in_features == 10
    x = {'rgb': torch.randn(1, 4, 9), 'heatmap': torch.randn(1, 6, 9)}
    predicted = model.eval()(x, [sample('a', [0] * 9)], mode='predict')
    expected = model.risk_head(NetworkOutput([x['heatmap'], x['rgb']]))[0]
    torch.testing.assert_close(predicted[0].pred_risk, expected)


def test_losses_are_weighed_by_their_variances():
    """exp(-s) * loss + s / 2, for those that are named."""
    weighting = UncertaintyWeighting(['loss_cls', 'loss_risk'])
    weighting.log_variances.data = torch.tensor([0.0, math.log(4)])
    losses = {name: torch.tensor(2.0) for name in ('loss_cls', 'loss_risk', 'loss_x')}
    weighed = weighting.weigh(losses)
    assert weighed['loss_cls'] == weighed['loss_x'] == 2
    assert weighed['loss_risk'].item() == pytest.approx(2 / 4 + math.log(4) / 2)


def test_variance_of_a_loss_settles_at_twice_the_loss():
    """Its gradient is 0 there, so that a weight has no reason to fall for ever."""
    weighting = UncertaintyWeighting(['loss'])
    weighting.log_variances.data = torch.tensor([math.log(2 * 3.0)])
    weighting.weigh({'loss': torch.tensor(3.0)})['loss'].backward()
    assert weighting.log_variances.grad.item() == pytest.approx(0, abs=1e-6)


def test_model_weighs_the_losses_of_both_tasks():
    names = ['loss_cls', 'loss_risk']
    weighting = {'type': 'UncertaintyWeighting', 'losses': names}
    plain, weighed = build(), build(auxiliary=[RISK, weighting])
    counts = [sum(p.numel() for p in m.parameters()) for m in (plain, weighed)]
    assert counts[1] - counts[0] == 2
    weighed.loss_weighting.log_variances.data.fill_(math.log(4))
    x = {'heatmap': torch.randn(1, 6, 3)}
    videos = [sample('a', [0, 1, 2], [1.0, 2.0, 3.0])]
    expected = plain(x, videos, mode='loss')
    losses = weighed(x, videos, mode='loss')
    assert list(losses) == names
    for name in names:
        torch.testing.assert_close(losses[name], expected[name] / 4 + math.log(4) / 2)


@pytest.mark.parametrize(('risk', 'count'), [(None, '0 values'), ([1.0], '1 values')])
def test_video_without_its_risk_is_named(risk, count):
    """Risk is not made up, nor is a video left out of the training."""
    with raises_naming(ValueError, 'v: ', 'gt_risk', '3 frames', count, "'risk'"):
        build()(
            {'heatmap': torch.randn(1, 6, 3)},
            [sample('v', [0, 1, 2], risk)],
            mode='loss',
        )


def test_loss_to_weigh_that_is_not_there_is_named():
    """A model without smoothness loss has none to weigh."""
    weighting = UncertaintyWeighting(['loss_cls', 'loss_smooth'])
    with raises_naming(ValueError, "'loss_smooth'", 'loss_cls', '`losses`'):
        weighting.weigh({'loss_cls': torch.tensor(1.0)})


def test_risk_of_joints_without_a_stem_is_the_users_to_mend():
    """MS-GCN has no features of a frame before its first stage."""
    with raises_naming(ValueError, 'RiskHead', '[(1, 6, 3, 15)]', 'GCNTCN'):
        build(MS_GCN)(
            {'heatmap': torch.randn(1, 6, 3, 15)},
            [sample('v', [0, 1, 2], [1.0, 2.0, 3.0])],
            mode='loss',
        )
