"""The contrast of segments: values by hand, and what does not count."""

import math

import pytest
import torch
from mmaction.structures import ActionDataSample

from mmskelseg.models import SegmentContrastLoss
from mmskelseg.models.auxiliary.part import NetworkOutput, StageOutput, Targets
from tests.segmentors import TCN, build_segmentor


def features(*columns):
    """Return features (1, C, T) of one video from those of its frames."""
    return torch.tensor(columns, dtype=torch.float32).T[None]


def loss_of(x, labels, *args, **options):
    """Return the loss of a single stage with these features."""
    output = NetworkOutput(stages=[StageOutput(x)])
    part = SegmentContrastLoss(*args, **options)
    return part.loss(output, Targets(labels, labels))['loss_contrast']


def test_loss_of_three_segments_by_hand():
    """The two of class 0 are alike; that of class 1 has no other of its class.

    Each of the two has probability e / (e + 1) of the other.
    """
    x = features((1, 0), (3, 0), (0, 2), (5, 0))
    labels = torch.tensor([[0, 0, 1, 0]])
    loss = loss_of(x, labels, 0.5, temperature=1)
    assert loss.item() == pytest.approx(0.5 * math.log(1 + math.exp(-1)))


def test_a_segment_has_the_mean_features_of_its_frames():
    x = features((4, 0), (0, 2), (0, 2), (1, 1), (7, 0))
    labels = torch.tensor([[0, 0, 0, 1, 0]])
    mean = features((4, 4), (1, 1), (7, 0))
    expected = loss_of(mean, torch.tensor([[0, 1, 0]])).item()
    assert loss_of(x, labels).item() == pytest.approx(expected)


def test_frames_without_a_label_do_not_count(rng):
    torch.manual_seed(0)
    x = torch.randn(2, 8, 40)
    labels = torch.randint(0, 3, (2, 10)).repeat_interleave(4, 1)
    expected = loss_of(x[:, :, :30], labels[:, :30])
    labels[:, 30:] = -1
    torch.testing.assert_close(loss_of(x, labels), expected)


def test_losses_of_tiers_are_averaged():
    torch.manual_seed(0)
    x = torch.randn(1, 8, 40)
    labels = torch.randint(0, 2, (1, 3, 10)).repeat_interleave(4, 2)
    expected = sum(loss_of(x, labels[:, tier]) for tier in range(3)) / 3
    torch.testing.assert_close(loss_of(x, labels), expected)


def test_every_stage_of_every_member_learns_from_it():
    contrast = {'type': 'SegmentContrastLoss'}
    model = build_segmentor({'pose': TCN}, members=2, auxiliary=[contrast])
    label = torch.tensor([0, 1, 0, 1]).repeat_interleave(10)
    samples = [ActionDataSample(gt_label=label) for _ in range(2)]
    losses = model({'pose': torch.randn(2, 6, 40)}, samples, mode='loss')
    losses['loss_contrast'].backward()
    for network in model.networks:
        for stage in network.branches['pose']['backbone'].stages:
            assert any(p.grad is not None and p.grad.any() for p in stage.parameters())


def test_segments_without_another_of_their_class_have_no_loss():
    x = torch.randn(2, 8, 40, requires_grad=True)
    labels = torch.arange(2)[:, None].expand(2, 40)
    loss = loss_of(x, labels)
    loss.backward()
    assert loss.item() == 0
    assert not x.grad.any()
