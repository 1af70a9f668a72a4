"""Training from one labelled frame in each segment."""

import math
from itertools import pairwise

import torch

from mmskelseg.models import TimestampSupervision
from mmskelseg.models.auxiliary.part import NetworkOutput, StageOutput, Targets
from mmskelseg.models.auxiliary.timestamps import complete_labels
from tests.segmentors import HEAD, TCN, build_segmentor, labelled_samples


def slow_boundaries(features, stamps):
    """Return the boundaries as the paper defines them, frame by frame."""

    def cost(first, a, b, last, t):
        left, right = features[first:t].mean(0), features[t:last].mean(0)
        return sum((features[i] - left).norm() for i in range(a, t)) + sum(
            (features[i] - right).norm() for i in range(t, b + 1)
        )

    def best(first, a, b, last):
        tried = range(a + 1, b + 1)
        return min(tried, key=lambda t: cost(first, a, b, last, t))

    forward, backward = [0], [len(features)]
    for a, b in pairwise(stamps):
        forward.append(best(forward[-1], a, b, b + 1))
    for a, b in list(pairwise(stamps))[::-1]:
        backward.append(best(a, a, b, backward[-1]))
    pairs = zip(forward[1:], backward[1:][::-1], strict=True)
    return [(x + y) // 2 for x, y in pairs]


def test_boundary_is_where_the_features_change():
    """Frames 0 to 3 are alike and so are the others; stamps are far from the change."""
    features = torch.tensor([[0.0], [0.1], [0.0], [0.1], [4.0], [4.1], [4.0]])
    labels = torch.tensor([-1, 7, -1, -1, -1, -1, 3])
    assert complete_labels(features, labels).tolist() == [7, 7, 7, 7, 3, 3, 3]


def test_boundary_of_both_directions_by_hand():
    """The forward pass knows the frames before its stamp, the backward pass does not.

    Stamps at 1 and 3 over the values 4, 0, 3, 9. With frame 0, the side of the first
    stamp has the mean 2 at boundary 2, at the cost |0-2| + |3-6| + |9-6| = 8, and the
    mean 7/3 at boundary 3, at 7/3 + 2/3 + 0 = 3: forward, it is 3. Backward, the mean
    of the second side ends at the end of the video, where a frame of 3 follows: at
    boundary 2 it is 5, at the cost 0 + 2 + 4 = 6, and at 3 it is 6, at 3/2 + 3/2 + 3 =
    6. The first of equal ones is 2, and the middle of 3 and 2, rounded down, 2.
    """
    features = torch.tensor([[4.0], [0.0], [3.0], [9.0], [3.0]])
    labels = torch.tensor([-1, 0, -1, 1, -1])
    assert complete_labels(features, labels).tolist() == [0, 0, 1, 1, 1]


def test_boundaries_are_those_of_the_definition():
    torch.manual_seed(0)
    features = torch.randn(60, 4).cumsum(0)
    stamps = [5, 11, 12, 30, 55]
    labels = torch.full((60,), -1)
    labels[stamps] = torch.arange(5)
    cuts = slow_boundaries(features.double(), stamps)
    expected = torch.zeros(60, dtype=torch.long)
    for cut in cuts:
        expected[cut:] += 1
    assert complete_labels(features, labels).tolist() == expected.tolist()


def test_long_gaps_are_searched_in_parts(monkeypatch):
    torch.manual_seed(0)
    features = torch.randn(90, 3).cumsum(0)
    labels = torch.full((90,), -1)
    labels[3], labels[80] = 0, 1
    whole = complete_labels(features, labels)
    monkeypatch.setattr('mmskelseg.models.auxiliary.timestamps._TRIED', 7)
    assert torch.equal(complete_labels(features, labels), whole)


def test_labels_that_are_whole_stay():
    """And those that are not there stay away."""
    features = torch.randn(6, 2)
    for labels in ([0, 0, 1, 1, 1, 2], [-1] * 6):
        assert complete_labels(features, torch.tensor(labels)).tolist() == labels


def test_frames_of_one_class_are_one_segment():
    labels = torch.tensor([-1, 2, -1, -1, 2, -1])
    assert complete_labels(torch.randn(6, 2), labels).tolist() == [2] * 6


def test_warmup_leaves_labels_alone(at):
    """Padding stays without a label after it as well."""
    supervision = TimestampSupervision(warmup=0.5)
    labels = torch.tensor([[-1, 0, -1, 1, -1, -1]])
    features = torch.tensor([[[0.0, 0, 0, 9, 9, 9]]])
    at(4, 10)
    output = NetworkOutput(stages=[StageOutput(features)])
    targets = Targets(labels, labels, [5])
    assert supervision.complete(output, targets).labels is labels
    at(5, 10)
    completed = supervision.complete(output, targets)
    assert completed.labels.tolist() == [[0, 0, 0, 1, 1, -1]]
    assert completed.given is labels
    assert labels.tolist() == [[-1, 0, -1, 1, -1, -1]]


def confidence_loss(logits, labels, **options):
    """Return the loss of logits (S, N, K, T)."""
    output = NetworkOutput(stages=[StageOutput(None, {'pose': x}) for x in logits])
    supervision = TimestampSupervision(**options)
    return supervision.loss(output, Targets(labels, labels))['loss_confidence']


def test_confidence_loss_by_hand():
    """Two classes, stamps at frames 0 and 3: class 0 has to fall, class 1 to rise.

    log p of class 0 is log 1/2, log 1/2, log 3/4, log 1/4: it rises once, by log 3/2.
    Class 1 falls at the same step, from 1/2 to 1/4, by log 2. There are 2 x 3 steps.
    """
    p = torch.tensor([0.5, 0.5, 0.75, 0.25])
    logits = torch.stack([p, 1 - p]).log()[None, None]
    labels = torch.tensor([[0, -1, -1, 1]])
    loss = confidence_loss(logits, labels, confidence=2.0)
    expected = 2 * (math.log(1.5) + math.log(2)) / 6
    torch.testing.assert_close(loss, torch.tensor(expected))


def test_confidence_loss_counts_steps_between_labelled_frames_alone():
    """Not before the first, not after the last, and not in the padding."""
    torch.manual_seed(0)
    logits = torch.randn(2, 1, 3, 12)
    labels = torch.full((1, 12), -1)
    labels[0, 4], labels[0, 8] = 0, 1
    loss = confidence_loss(logits, labels)
    changed = logits.clone()
    changed[..., :4], changed[..., 9:] = 5, -3
    torch.testing.assert_close(confidence_loss(changed, labels), loss)
    alone = torch.full((1, 12), -1)
    alone[0, 4] = 0
    assert confidence_loss(logits, alone) == 0


def segmentor(members=1, form='reference', **timestamps):
    smooth = {**HEAD['loss_smooth'], 'form': form}
    return build_segmentor(
        {'pose': {**TCN, 'in_channels': 2, 'dropout': 0.5}},
        num_classes=3,
        head={**HEAD, 'loss_smooth': smooth},
        auxiliary=[{'type': 'TimestampSupervision', **timestamps}],
        members=members,
    )


def batch():
    """Return two videos, of which the second is padded, and their stamps."""
    torch.manual_seed(1)
    videos = labelled_samples((40, 25))
    for video, stamps in zip(videos, ([5, 20, 33], [4, 18]), strict=True):
        video.gt_label[:] = -1
        video.gt_label[stamps] = torch.arange(len(stamps))
    inputs = {'pose': torch.randn(2, 2, 40)}
    inputs['pose'][1, :, 25:] = 0
    return inputs, videos


def test_losses_of_a_segmentor(at):
    inputs, videos = batch()
    model = segmentor(warmup=0.5).eval()
    logits = model(inputs, videos)
    sparse = torch.full((2, 40), -1)
    for row, video in zip(sparse, videos, strict=True):
        row[: len(video.gt_label)] = video.gt_label
    head = model.branches['pose']['head']
    at(0, 10)
    warm = model(inputs, videos, mode='loss')
    plain = head.loss(logits, sparse)
    torch.testing.assert_close(warm['loss_cls'], plain['loss_cls'])
    assert plain['loss_smooth'] == 0
    assert warm['loss_smooth'] > 0
    assert warm['loss_confidence'] > 0
    at(9, 10)
    later = model(inputs, videos, mode='loss')
    torch.testing.assert_close(later['loss_smooth'], warm['loss_smooth'])
    assert not torch.equal(later['loss_cls'], warm['loss_cls'])


def test_gradients_reach_every_member(at):
    at(9, 10)
    model = segmentor(members=2)
    losses = model(*batch(), mode='loss')
    sum(losses.values()).backward()
    grads = [p.grad for p in model.parameters()]
    assert all(grad is not None and grad.isfinite().all() for grad in grads)


def videos_of_three_classes(count=8):
    """Return features that tell the classes, samples with timestamps, and labels."""
    torch.manual_seed(0)
    features, samples, labels = [], [], []
    for _ in range(count):
        steps = 1 + torch.randint(2, (8,))
        lengths = torch.randint(8, 25, (8,))
        lengths[-1] += 200 - lengths.sum()
        label = (steps.cumsum(0) % 3).repeat_interleave(lengths)
        stamps = torch.full_like(label, -1)
        for end, length in zip(lengths.cumsum(0), lengths, strict=True):
            frame = end - 1 - torch.randint(int(length), ())
            stamps[frame] = label[frame]
        (sample,) = labelled_samples((200,))
        samples.append(sample.set_gt_label(stamps))
        features.append(2 * torch.eye(3)[label].T[:2] + 0.5 * torch.randn(2, 200))
        labels.append(label)
    return {'pose': torch.stack(features)}, samples, torch.stack(labels)


def test_training_finds_the_segments_of_its_timestamps(at):
    """Of eight labelled frames a video, and boundaries stay where they are found."""
    inputs, samples, labels = videos_of_three_classes()
    model = segmentor(form='printed').train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(100):
        at(step, 100)
        losses = model(inputs, samples, mode='loss')
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    predicted = model.eval()(inputs, samples, mode='predict')
    found = torch.stack([sample.pred_label for sample in predicted])
    assert (found == labels).float().mean() > 0.95
