import math

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch.nn import functional as F

from mmskelseg.models import (
    FrameCrossEntropyLoss,
    RiskHead,
    SegmentationHead,
    TruncatedMSELoss,
)
from mmskelseg.models import losses as means

HEAD = {
    'loss_cls': {'type': 'FrameCrossEntropyLoss'},
    'loss_smooth': {'type': 'TruncatedMSELoss', 'loss_weight': 0.15},
}


def slow_tmse(logits, mask, tau=4.0):
    """Average the clamped squared steps, one at a time."""
    log_prob = logits.log_softmax(dim=1)
    steps = [
        min(abs(float(log_prob[n, k, t] - log_prob[n, k, t - 1])), tau) ** 2
        for n in range(logits.shape[0])
        for k in range(logits.shape[1])
        for t in range(1, logits.shape[2])
        if mask[n, 0, t] and mask[n, 0, t - 1]
    ]
    return sum(steps) / max(len(steps), 1)


@pytest.mark.parametrize('case', ['b1', 'b1_large_logits', 'c23'])
def test_losses_and_gradient_agree_with_the_reference(vectors, case):
    """Cross-entropy, smoothness, their weighted sum over stages, and its gradient."""
    v = {
        key.partition('/')[2]: array
        for key, array in vectors('loss').items()
        if key.startswith(f'{case}/')
    }
    logits = torch.tensor(v['logits'], requires_grad=True)
    labels = torch.tensor(v['target']).clamp(min=-1)
    head = SegmentationHead(4, logits.shape[2], 4, **HEAD)
    total = sum(head.loss(logits, labels).values())
    total.backward()
    torch.testing.assert_close(total.item(), v['total'].item(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(logits.grad, torch.tensor(v['grad']), atol=1e-6, rtol=0)
    mask = (labels >= 0)[:, None]
    for stage, ce, tmse in zip(
        logits.detach(), v['ce_per_stage'], v['tmse_per_stage'], strict=True
    ):
        assert FrameCrossEntropyLoss()(stage, labels).item() == pytest.approx(ce)
        assert TruncatedMSELoss()(stage, mask).item() == pytest.approx(tmse, abs=1e-5)


@pytest.mark.parametrize(
    ('key', 'tau'),
    [('paper_literal_tau16_smooth', None), ('paper_form_tau4_smooth', 4)],
)
@pytest.mark.parametrize('case', ['b1', 'b1_large_logits', 't1', 'c23'])
def test_printed_smoothness_agrees_with_equations_4_to_6(vectors, case, key, tau):
    """The printed form clamps at tau = 16 and divides by all frames."""
    v = vectors('loss')
    loss = TruncatedMSELoss('printed', tau=tau)
    for stage, expected in zip(v[f'{case}/logits'], v[f'{case}/{key}'], strict=True):
        logits = torch.tensor(stage)
        value = loss(logits, torch.ones(1, 1, logits.shape[2]))
        assert value.item() == pytest.approx(expected, rel=1e-5)


def test_losses_of_a_padded_batch(vectors):
    """The cross-entropy is the reference's; our smoothness counts no padding."""
    v = vectors('loss')
    labels = torch.tensor(v['b3_padded/target']).clamp(min=-1)
    mask = (labels >= 0)[:, None]
    for stage, ce in zip(
        v['b3_padded/logits'], v['b3_padded/ce_per_stage'], strict=True
    ):
        logits = torch.tensor(stage)
        assert FrameCrossEntropyLoss()(logits, labels).item() == pytest.approx(ce)
        expected = slow_tmse(logits, mask)
        assert TruncatedMSELoss()(logits, mask).item() == pytest.approx(expected)


def test_smoothness_by_hand():
    """Two classes and one step from even odds to three against one."""
    logits = torch.tensor([[[0.0, math.log(3)], [0.0, 0.0]]])
    mask = torch.ones(1, 1, 2)
    squares = math.log(0.75 / 0.5) ** 2 + math.log(0.25 / 0.5) ** 2
    assert TruncatedMSELoss()(logits, mask).item() == pytest.approx(squares / 2)
    printed = TruncatedMSELoss('printed')(logits, mask).item()
    assert printed == pytest.approx(squares / 4)
    weighted = TruncatedMSELoss(tau=0.5, loss_weight=0.1)(logits, mask).item()
    assert weighted == pytest.approx(0.1 * (math.log(1.5) ** 2 + 0.5**2) / 2)


def test_smoothness_pulls_the_later_frame_alone_unless_printed():
    """The reference detaches the earlier frame; Eq. 4 to 6 do not."""
    mask = torch.ones(1, 1, 2)
    for form, pulled in (('reference', False), ('printed', True)):
        logits = torch.tensor([[[0.0, 1.0], [0.0, 0.0]]], requires_grad=True)
        TruncatedMSELoss(form)(logits, mask).backward()
        assert bool(logits.grad[..., 0].any()) is pulled
        assert logits.grad[..., 1].any()


def test_smoothness_skips_steps_that_touch_an_unlabelled_frame():
    """A frame without label cuts the video in two."""
    torch.manual_seed(0)
    logits = torch.randn(1, 3, 9)
    mask = torch.ones(1, 1, 9)
    mask[..., 4] = 0
    expected = slow_tmse(logits, mask)
    assert TruncatedMSELoss()(logits, mask).item() == pytest.approx(expected)


@pytest.mark.parametrize('form', ['reference', 'printed'])
def test_smoothness_ignores_padding(form):
    """Frames past a video's end must not change its loss."""
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 8)
    mask = torch.ones(2, 1, 8)
    padded = F.pad(logits, (0, 4), value=9.0)
    loss = TruncatedMSELoss(form)
    torch.testing.assert_close(loss(padded, F.pad(mask, (0, 4))), loss(logits, mask))


def test_losses_without_a_labelled_frame_are_zero():
    """Neither NaN nor a gradient, so that such a video does no harm."""
    logits = torch.randn(4, 1, 3, 6, requires_grad=True)
    head = SegmentationHead(4, 3, 4, **HEAD)
    losses = head.loss(logits, torch.full((1, 6), -1))
    assert losses['loss_cls'].item() == 0
    assert losses['loss_smooth'].item() == 0
    sum(losses.values()).backward()
    assert not logits.grad.any()


def test_loss_names_a_label_beyond_the_classes():
    """The remedy is the number of classes of the model."""
    head = SegmentationHead(4, 3, 1, **HEAD)
    with pytest.raises(ValueError, match=r'A label is 5, .*0 to 2; set model.num_cl'):
        head.loss(torch.randn(1, 1, 3, 2), torch.tensor([[0, 5]]))


def test_smoothness_form_at_fault_is_named():
    """There are two forms."""
    with pytest.raises(ValueError, match="form='paper'"):
        TruncatedMSELoss('paper')


@pytest.fixture
def on_ranks(monkeypatch):
    """Run a function of a rank on each of several, with what their counts add up to."""

    def run(function, world_size):
        counts = []
        sums = None

        def all_reduce(count):
            counts[-1].append(int(count))
            if sums is not None:
                count.fill_(sums[len(counts[-1]) - 1])

        monkeypatch.setattr(means, 'get_world_size', lambda: world_size)
        monkeypatch.setattr(means, 'all_reduce', all_reduce)
        for rank in range(world_size):
            counts.append([])
            function(rank)
        sums = [sum(of_ranks) for of_ranks in zip(*counts, strict=True)]
        counts.clear()
        results = []
        for rank in range(world_size):
            counts.append([])
            results.append(function(rank))
        return results

    return run


def test_mean_over_ranks_by_hand(on_ranks):
    """Frames of 6 and 1 with sums of 12 and 9: the mean of the parts is 21 / 7."""
    totals, counts = torch.tensor([12.0, 9.0]), [6, 1]
    parts = on_ranks(lambda r: means.mean_over_ranks(totals[r], counts[r]), 2)
    assert [float(part) for part in parts] == pytest.approx([24 / 7, 18 / 7])


def test_mean_over_ranks_keeps_the_count_that_it_is_given(on_ranks):
    """Callers may use theirs again."""
    count = torch.tensor(3)
    on_ranks(lambda r: means.mean_over_ranks(torch.tensor(1.0), count), 2)
    assert count == 3


@pytest.mark.parametrize('form', ['reference', 'printed'])
@pytest.mark.parametrize('unlabelled', [[], [1], [0, 1, 2]])
def test_losses_of_ranks_have_the_gradient_of_one_process(on_ranks, form, unlabelled):
    """Videos of 9, 4 and 1 frames, a rank each; some without any label."""
    torch.manual_seed(0)
    smooth = {'type': 'TruncatedMSELoss', 'form': form, 'loss_weight': 0.15}
    head = SegmentationHead(4, 3, 2, **{**HEAD, 'loss_smooth': smooth})
    logits = torch.randn(2, 3, 3, 9, dtype=torch.float64, requires_grad=True)
    labels = torch.full((3, 9), -1)
    for n, length in enumerate([9, 4, 1]):
        if n not in unlabelled:
            labels[n, :length] = torch.arange(length) % 3

    def gradient(rows):
        losses = head.loss(logits[:, rows], labels[rows])
        return torch.autograd.grad(sum(losses.values()), logits)[0]

    expected = gradient(slice(None))
    of_ranks = on_ranks(lambda rank: gradient(slice(rank, rank + 1)), 3)
    torch.testing.assert_close(sum(of_ranks) / 3, expected)
    assert bool(expected.any()) is (len(unlabelled) < 3)


def test_risk_loss_of_ranks_has_the_gradient_of_one_process(on_ranks):
    """Three frames on one rank and one on another."""
    pred = torch.tensor([[1.0, 3.0, 4.0], [5.0, 0.0, 0.0]], requires_grad=True)
    head, lengths, videos = RiskHead(6), [3, 1], []
    for length in lengths:
        video = ActionDataSample(metainfo={'frame_dir': 'a'})
        video.set_field(torch.full((length,), 2.0), 'gt_risk', dtype=torch.Tensor)
        videos.append(video)

    def gradient(rows):
        loss = head.loss(pred[rows], lengths[rows], videos[rows])['loss_risk']
        return torch.autograd.grad(loss, pred)[0]

    expected = gradient(slice(None))
    of_ranks = on_ranks(lambda rank: gradient(slice(rank, rank + 1)), 2)
    torch.testing.assert_close(sum(of_ranks) / 2, expected)
