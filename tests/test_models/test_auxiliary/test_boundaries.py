import math

import pytest
import torch
from torch.nn import functional as F

from mmskelseg.models import BoundaryHead
from mmskelseg.models.auxiliary.boundaries import label_boundaries
from mmskelseg.models.auxiliary.part import Targets
from tests.segmentors import BOUNDARY, TCN, build_segmentor, labelled_samples


def build(modalities=('heatmap',), **options):
    branches = dict.fromkeys(modalities, TCN)
    return build_segmentor(branches, **{'auxiliary': [BOUNDARY], **options})


def videos(*lengths):
    """Return samples with segments of five frames each."""
    samples = labelled_samples(lengths)
    for n, sample in zip(lengths, samples, strict=True):
        sample.gt_label = torch.arange(n) // 5 % 3
    return samples


def test_boundaries_are_the_first_frames_of_segments():
    """Not the first frame of a video, nor frames next to one without a label."""
    labels = torch.tensor([[0, 0, 1, 1, -1, 2, 0, -1], [2, 1, 1, 1, 1, 1, -1, -1]])
    assert label_boundaries(labels).int().tolist() == [
        [0, 0, 1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 0, 0, 0],
    ]


LABELS = torch.tensor([[0, 1, 1, -1]])
# Of a boundary, 1/4, 1/2 and 3/4; the last frame does not count.
LOGITS = torch.tensor([-math.log(3), 0, math.log(3), 9.0])[None, None, None]


@pytest.mark.parametrize(
    ('weight', 'expected'),
    [
        # The errors are log 4/3, log 2 for the boundary, and log 4.
        (1.0, (math.log(4 / 3) + math.log(2) + math.log(4)) / 3),
        (5.0, (math.log(4 / 3) + 5 * math.log(2) + math.log(4)) / 3),
        (3.0, (math.log(4 / 3) + 3 * math.log(2) + math.log(4)) / 3),
        # Three frames to a boundary.
        (None, (math.log(4 / 3) + 3 * math.log(2) + math.log(4)) / 3),
    ],
)
def test_boundary_loss_by_hand(weight, expected):
    """A mean over labelled frames, in which boundaries count more."""
    head = BoundaryHead(4, positive_weight=weight, loss_weight=0.5)
    targets = Targets(LABELS, LABELS)
    loss = head.loss(LOGITS, targets)['loss_boundary']
    assert loss.item() == pytest.approx(0.5 * expected)
    twice = head.loss(torch.cat([LOGITS, LOGITS]), targets)['loss_boundary']
    assert twice.item() == pytest.approx(expected)


@pytest.mark.parametrize('weight', [None, 5.0])
def test_boundary_loss_of_a_video_without_any_is_finite(weight):
    """One segment from end to end, or no label."""
    head = BoundaryHead(4, positive_weight=weight, loss_weight=1.0)
    for labels, expected in (
        (torch.tensor([[1, 1, 1, -1]]), math.log(4 / 3 * 2 * 4) / 3),
        (torch.full((1, 4), -1), 0),
    ):
        loss = head.loss(LOGITS, Targets(labels, labels))['loss_boundary']
        assert loss.item() == pytest.approx(expected)


def test_boundary_head_refines_probabilities():
    """The first stage reads features of the branch, the others probabilities."""
    model = build().eval()
    x = torch.randn(1, 6, 20)
    (sample,) = model({'heatmap': x}, videos(20), mode='predict')
    head, stage = model.boundary_head, model.branches['heatmap']['backbone'].stages[0]
    logits = head.classifiers[0](stage(x))
    for refine, classify in zip(head.stages, head.classifiers[1:], strict=True):
        logits = classify(refine(logits.sigmoid()))
    assert len(head.stages) == 3
    torch.testing.assert_close(sample.pred_boundary, logits[0, 0].sigmoid())


def test_boundary_head_reads_all_branches():
    model = build(('heatmap', 'rgb'))
    assert model.boundary_head.classifiers[0].in_channels == 16
    x = {name: torch.randn(1, 6, 20) for name in ('heatmap', 'rgb')}
    model(x, videos(20), mode='loss')['loss_boundary'].backward()
    for branch in model.branches.values():
        assert branch['backbone'].stages[0].conv_in.weight.grad.any()


@pytest.mark.parametrize(
    ('modalities', 'options'),
    [(('heatmap',), {}), (('heatmap', 'rgb'), {}), (('heatmap',), {'members': 2})],
)
def test_boundary_head_leaves_the_classes_as_they_are(modalities, options):
    model = build(modalities, **options).eval()
    plain = build(modalities, **options, auxiliary=[]).eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    x = {name: torch.randn(1, 6, 20) for name in modalities}
    losses = model(x, videos(20), mode='loss')
    losses.pop('loss_boundary')
    torch.testing.assert_close(losses, dict(plain(x, videos(20), mode='loss')))
    torch.testing.assert_close(model(x), plain(x))
    (sample,) = model(x, videos(20), mode='predict')
    (expected,) = plain(x, videos(20), mode='predict')
    torch.testing.assert_close(sample.pred_score, expected.pred_score)
    assert 'pred_boundary' not in expected


def test_members_average_their_boundaries():
    """Probabilities, not logits."""
    model = build(members=2).eval()
    x = {'heatmap': torch.randn(1, 6, 20)}
    (sample,) = model(x, videos(20), mode='predict')
    alone = []
    for weights in model.networks:
        member = build().eval()
        state = weights.state_dict()
        member.load_state_dict({k: state[k] for k in member.state_dict()})
        alone.append(member(x, videos(20), mode='predict')[0].pred_boundary)
    assert not torch.allclose(*alone, atol=1e-3)
    torch.testing.assert_close(sample.pred_boundary, sum(alone) / 2)


def test_boundary_loss_can_be_weighed():
    weighting = {'type': 'UncertaintyWeighting', 'losses': ['loss_boundary']}
    model, plain = build(auxiliary=[BOUNDARY, weighting]), build()
    model.loss_weighting.log_variances.data.fill_(math.log(4))
    x = {'heatmap': torch.randn(1, 6, 20)}
    loss = model(x, videos(20), mode='loss')['loss_boundary']
    expected = plain(x, videos(20), mode='loss')['loss_boundary'] / 4
    torch.testing.assert_close(loss, expected + math.log(4) / 2)


def test_boundaries_can_be_learned():
    model = build()
    x = F.one_hot(torch.arange(40) // 5 % 3, 6).t()[None].float()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        model({'heatmap': x}, videos(40), mode='loss')['loss_boundary'].backward()
        optimizer.step()
    (sample,) = model.eval()({'heatmap': x}, videos(40), mode='predict')
    found = (sample.pred_boundary > 0.5).nonzero()[:, 0]
    assert found.tolist() == [5, 10, 15, 20, 25, 30, 35]
