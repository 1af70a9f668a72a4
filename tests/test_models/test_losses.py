import math

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch.nn import functional as F

from mmskelseg.models import (
    BoundaryHead,
    FrameCrossEntropyLoss,
    RiskHead,
    SegmentationHead,
    TruncatedMSELoss,
)
from mmskelseg.models import losses as means
from mmskelseg.models.auxiliary.part import Targets
from tests.errors import raises_naming

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
    head = SegmentationHead(4, 3, 1, **HEAD)
    with raises_naming(ValueError, ' 5,', '0 to 2', 'model.num_classes'):
        head.loss(torch.randn(1, 1, 3, 2), torch.tensor([[0, 5]]))


def test_mean_over_ranks_by_hand(on_ranks):
    """Frames of 6 and 1 with sums of 12 and 9: the mean of the parts is 21 / 7."""
    totals, counts = torch.tensor([12.0, 9.0]), [6, 1]
    parts = on_ranks(lambda r: means.mean_over_ranks(totals[r], counts[r]), 2)
    assert [float(part) for part in parts] == pytest.approx([24 / 7, 18 / 7])


def test_mean_over_ranks_takes_weights(on_ranks):
    """Weights of 0.25 and 0.5 with sums of 1 and 2: the mean of the parts is 4."""
    totals, counts = torch.tensor([1.0, 2.0]), torch.tensor([0.25, 0.5])
    parts = on_ranks(lambda r: means.mean_over_ranks(totals[r], counts[r]), 2)
    assert [float(part) for part in parts] == pytest.approx([2 / 0.75, 4 / 0.75])


def test_mean_over_ranks_keeps_the_count_that_it_is_given(on_ranks):
    count = torch.tensor(3)
    on_ranks(lambda r: means.mean_over_ranks(torch.tensor(1.0), count), 2)
    assert count == 3


HEADS = {
    **{
        form: SegmentationHead(
            4, 3, 2, **{**HEAD, 'loss_smooth': {**HEAD['loss_smooth'], 'form': form}}
        )
        for form in ('reference', 'printed')
    },
    'boundaries': BoundaryHead(4, positive_weight=None),
    'boundaries of one weight': BoundaryHead(4, positive_weight=5.0),
}


@pytest.mark.parametrize('head', HEADS.values(), ids=HEADS)
@pytest.mark.parametrize('unlabelled', [[], [1], [0, 1, 2]])
def test_losses_of_ranks_have_the_gradient_of_one_process(on_ranks, head, unlabelled):
    """Videos of 9, 4 and 1 frames, a rank each; some without any label."""
    torch.manual_seed(0)
    is_part = isinstance(head, BoundaryHead)
    classes = 1 if is_part else 3
    logits = torch.randn(2, 3, classes, 9, dtype=torch.float64, requires_grad=True)
    labels = torch.full((3, 9), -1)
    for n, length in enumerate([9, 4, 1]):
        if n not in unlabelled:
            labels[n, :length] = torch.arange(length) // 2 % 3

    def gradient(rows):
        given = labels[rows]
        given = Targets(labels=given, given=given) if is_part else given
        losses = head.loss(logits[:, rows], given)
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
        none = torch.full(pred[rows].shape, -1)
        given = {'lengths': lengths[rows], 'samples': videos[rows]}
        targets = Targets(labels=none, given=none, **given)
        loss = head.loss(pred[rows], targets)['loss_risk']
        return torch.autograd.grad(loss, pred)[0]

    expected = gradient(slice(None))
    of_ranks = on_ranks(lambda rank: gradient(slice(rank, rank + 1)), 2)
    torch.testing.assert_close(sum(of_ranks) / 2, expected)


@pytest.mark.parametrize('options', [{'class_weight': [1, 1, 1]}, {}])
def test_cross_entropy_with_equal_weights_is_the_plain_one(options):
    """And without options it is PyTorch's to the bit."""
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 9)
    labels = torch.randint(-1, 3, (2, 9))
    expected = F.cross_entropy(logits, labels, ignore_index=-1)
    loss = FrameCrossEntropyLoss(**options)(logits, labels)
    torch.testing.assert_close(loss, expected)
    plain = F.cross_entropy(logits, labels, ignore_index=-1, reduction='sum')
    count = (labels >= 0).sum()
    assert torch.equal(FrameCrossEntropyLoss()(logits, labels), plain / count)


def test_class_weights_give_the_weighted_mean():
    """As PyTorch's, also where the weights of a batch add up to less than 1."""
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4)
    labels = torch.tensor([[0, 1, 2, -1], [0, 0, -1, -1]])
    weight = [0.1, 0.2, 0.05]
    loss = FrameCrossEntropyLoss(0.5, class_weight=weight)(logits, labels)
    expected = F.cross_entropy(
        logits, labels, weight=torch.tensor(weight), ignore_index=-1
    )
    torch.testing.assert_close(loss, 0.5 * expected)


def test_class_weights_by_hand():
    """Two frames of even odds and one of three to one, of classes 0, 0 and 1."""
    logits = torch.tensor([[[0.0, 0.0, 0.0], [0.0, 0.0, math.log(3)]]])
    loss = FrameCrossEntropyLoss(class_weight=[1, 4])(logits, torch.tensor([[0, 0, 1]]))
    expected = (2 * math.log(2) + 4 * math.log(4 / 3)) / (1 + 1 + 4)
    assert loss.item() == pytest.approx(expected)


def smoothed(labels, width, classes=3):
    """Return the target of each frame, counted one at a time."""
    targets = torch.zeros(classes, len(labels))
    for t, label in enumerate(labels):
        near = [k for k in labels[max(t - width, 0) : t + width + 1] if k >= 0]
        for k in near if label >= 0 else ():
            targets[k, t] += 1 / len(near)
    return targets


@pytest.mark.parametrize('width', [1, 2, 4, 20])
@pytest.mark.parametrize(
    'labels', [[0] * 5 + [1] * 5, [0, 0, 1, 2, 2, 2], [0, 0, -1, -1, 1, 2, -1], [2]]
)
def test_smoothed_targets_are_means_of_near_labels(labels, width):
    """At the ends of a video and beside frames without a label too."""
    torch.manual_seed(0)
    logits = torch.randn(1, 3, len(labels))
    loss = FrameCrossEntropyLoss(boundary_smoothing=width)
    targets = smoothed(labels, width)
    total = -(targets * logits[0].log_softmax(dim=0)).sum()
    expected = total / sum(label >= 0 for label in labels)
    torch.testing.assert_close(loss(logits, torch.tensor([labels])), expected)
    weight = [1.0, 2.0, 0.5]
    loss = FrameCrossEntropyLoss(class_weight=weight, boundary_smoothing=width)
    targets = targets * torch.tensor(weight)[:, None]
    expected = -(targets * logits[0].log_softmax(dim=0)).sum() / targets.sum()
    torch.testing.assert_close(loss(logits, torch.tensor([labels])), expected)


def test_smoothing_by_hand():
    """Over two frames, the shares of the other class are 1/5 and 2/5.

    At even odds, the gradient of a frame is 1/2 minus its target.
    """
    logits = torch.zeros(1, 2, 10, requires_grad=True)
    loss = FrameCrossEntropyLoss(boundary_smoothing=2)
    (10 * loss(logits, torch.tensor([[0] * 5 + [1] * 5]))).backward()
    shares = torch.tensor([0, 0, 0, 1 / 5, 2 / 5, 3 / 5, 4 / 5, 1, 1, 1])
    expected = torch.stack([1 - shares, shares])
    torch.testing.assert_close(0.5 - logits.grad[0], expected)


@pytest.mark.parametrize(
    'options',
    [
        {'boundary_smoothing': 2},
        {'class_weight': [0.5, 2.0, 0.1]},
        {'class_weight': [0.5, 2.0, 0.1], 'boundary_smoothing': 2},
        {'segment_balance': 0.5},
        {'segment_balance': 0.5, 'class_weight': [0.5, 2.0, 0.1]},
    ],
)
def test_weighted_and_smoothed_losses_ignore_padding_and_ranks(on_ranks, options):
    """Also a rank without a labelled frame."""
    torch.manual_seed(0)
    loss = FrameCrossEntropyLoss(**options)
    logits = torch.randn(3, 3, 9, dtype=torch.float64, requires_grad=True)
    labels = torch.full((3, 9), -1)
    labels[0], labels[1, :4] = torch.arange(9) // 3, torch.tensor([2, 2, 0, 0])

    def gradient(rows, padding=0):
        padded = F.pad(logits, (0, padding), value=7)[rows]
        value = loss(padded, F.pad(labels, (0, padding), value=-1)[rows])
        return torch.autograd.grad(value, logits)[0]

    expected = gradient(slice(None))
    torch.testing.assert_close(gradient(slice(None), 5), expected)
    of_ranks = on_ranks(lambda rank: gradient(slice(rank, rank + 1)), 3)
    torch.testing.assert_close(sum(of_ranks) / 3, expected)
    assert expected[:2].any()
    assert not expected[2].any()


def test_balance_of_segments_by_hand():
    """Segments of 4 frames and of 1, of even odds and of three to one.

    Half-balanced, a frame of the first has half of the weight of the second's; fully
    balanced, a quarter. A video ends its segment, and so does a frame without a label.
    """
    logits = torch.zeros(2, 2, 5)
    logits[0, 1, 4] = math.log(3)
    labels = torch.tensor([[0, 0, 0, 0, 1], [1, -1, 1, 1, 1]])
    even, sure = math.log(2), math.log(4 / 3)
    for balance, first, second, third in (
        (0.0, 4, 1, 4),
        (0.5, 2, 1, 1 + 3**0.5),
        (1.0, 1, 1, 2),
    ):
        loss = FrameCrossEntropyLoss(segment_balance=balance)(logits, labels)
        total = first * even + second * sure + third * even
        assert loss.item() == pytest.approx(total / (first + second + third))


def test_balance_of_segments_follows_the_likeliest_class():
    """Where observers differ, shares of 2/3 and 1 of class 0 are one segment."""
    torch.manual_seed(0)
    logits = torch.randn(1, 2, 3)
    targets = torch.tensor([[[2 / 3, 1, 0], [1 / 3, 0, 1]]])
    found = FrameCrossEntropyLoss(segment_balance=1.0)(logits, targets)
    errors = -(targets * logits.log_softmax(dim=1)).sum(dim=1)[0]
    expected = (errors[:2].mean() + errors[2]) / 2
    torch.testing.assert_close(found, expected)


def test_shares_of_observers_by_hand():
    """Votes of 2 to 1, all for class 1, none for a label, and none without one.

    The probabilities are 1/4 and 3/4.
    """
    logits = torch.tensor([[0.0], [math.log(3)]]).expand(1, 1, 2, 4)
    labels = torch.tensor([[0, 1, 0, -1]])
    votes = torch.tensor([[[2.0, 0, 0, 0], [1, 3, 0, 0]]])
    head = SegmentationHead(4, 2, 1, loss_cls=HEAD['loss_cls'])
    found = head.loss(logits, labels, votes=votes)['loss_cls']
    first = 2 / 3 * math.log(4) + 1 / 3 * math.log(4 / 3)
    expected = (first + math.log(4 / 3) + math.log(4)) / 3
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize('is_smoothed', [False, True])
def test_a_level_vote_counts_as_a_frame(is_smoothed):
    """Its label is -1; its neighbours share its halves like their own classes."""
    loss_cls = {**HEAD['loss_cls'], 'boundary_smoothing': int(is_smoothed)}
    head = SegmentationHead(4, 2, 1, **{**HEAD, 'loss_cls': loss_cls})
    torch.manual_seed(0)
    logits = torch.randn(1, 1, 2, 3)
    votes = torch.tensor([[[2.0, 1, 0], [0, 1, 2]]])
    found = head.loss(logits, torch.tensor([[0, -1, 1]]), votes=votes)
    targets = torch.tensor([[1, 0.5, 0], [0, 0.5, 1]])
    if is_smoothed:
        targets = torch.tensor([[0.75, 0.5, 0.25], [0.25, 0.5, 0.75]])
    expected = -(targets * logits[0, 0].log_softmax(dim=0)).sum() / 3
    torch.testing.assert_close(found['loss_cls'], expected)
    smooth = 0.15 * slow_tmse(logits[0], torch.ones(1, 1, 3))
    assert found['loss_smooth'].item() == pytest.approx(smooth)


def test_class_weights_at_fault_are_named():
    with raises_naming(ValueError, 'class_weight', ' 2 ', ' 3 ', '`classes`'):
        FrameCrossEntropyLoss(class_weight=[1, 2])(
            torch.zeros(1, 3, 2), torch.tensor([[0, 1]])
        )
    with raises_naming(ValueError, 'class_weight=[0, 0]'):
        FrameCrossEntropyLoss(class_weight=[0, 0])


def test_similarity_by_hand():
    """Squared distances of 0, 1 + 4 and 8 of two modalities, one with joints."""
    plain = torch.tensor([[[0.0, 0.0, 1.0, 3.0]]])
    joints = torch.zeros(1, 1, 4, 2)
    joints[0, 0, 2:, 1] = 2.0
    joints[0, 0, 3, 0] = 2.0
    loss = TruncatedMSELoss(similarity=2.0)
    weights = loss.similarities([plain, joints], torch.zeros(1))
    expected = torch.tensor([[[1.0, math.exp(-5 / 8), math.exp(-8 / 8)]]])
    torch.testing.assert_close(weights, expected)


def test_similarity_weighs_steps():
    """The mean is still over all steps; half of a weight is half of the loss."""
    torch.manual_seed(0)
    logits, mask = torch.randn(2, 3, 8), torch.ones(2, 1, 8)
    mask[1, :, 5:] = 0
    loss = TruncatedMSELoss(similarity=1.0)
    half = torch.full((2, 1, 7), 0.5)
    torch.testing.assert_close(loss(logits, mask, half), loss(logits, mask) / 2)
    one = torch.zeros(2, 1, 7)
    one[1, 0, 3] = 1
    step = (
        logits.log_softmax(dim=1)[1, :, 4] - logits.log_softmax(dim=1)[1, :, 3]
    ) ** 2
    torch.testing.assert_close(loss(logits, mask, one), step.sum() / (3 * (7 + 4)))


@pytest.mark.parametrize('form', ['reference', 'printed'])
def test_similarity_of_features_that_do_not_change_is_the_plain_loss(form):
    """Every step has weight 1 then; far apart it has 0."""
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 2, 3, 8), torch.randint(3, (2, 8))
    losses = []
    for similarity in (None, 1.0):
        smooth = {'type': 'TruncatedMSELoss', 'form': form, 'similarity': similarity}
        head = SegmentationHead(4, 3, 2, **{**HEAD, 'loss_smooth': smooth})
        constant = torch.randn(2, 5, 1).expand(-1, -1, 8).half()
        losses.append(head.loss(logits, labels, [constant])['loss_smooth'])
    torch.testing.assert_close(*losses)
    steps = 100 * torch.arange(8.0).expand(2, 5, 8)
    assert head.loss(logits, labels, [steps])['loss_smooth'] == 0
    assert losses[0] > 0
