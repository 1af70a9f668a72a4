"""Training from timestamps: labels of one or a few frames of each segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from mmengine.logging import MessageHub
from torch import Tensor

from mmskelseg.models.auxiliary.part import AuxiliaryPart, NetworkOutput, Targets
from mmskelseg.models.layers.padding import to_device
from mmskelseg.models.layers.tiers import within_tiers
from mmskelseg.models.losses import mean_over_ranks
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.options import Factor, Fraction
from mmskelseg_io.structures.segments import segment_table

# Number of boundaries that are tried at once, which limits memory in long gaps.
_TRIED = 1024


@MODELS.register_module()
class TimestampSupervision(AuxiliaryPart):
    """Completion of labels in training if each segment has only a few labelled frames.

    During the warm-up, only the labelled frames are classified. Afterwards, each step
    completes the labels with the features of the model at that step: between labelled
    frames of two classes, it finds the boundary that makes the features on either side
    most similar. Throughout the training, a further loss demands that the probability
    of a class decreases monotonically from its labelled frame towards the next ones.

    Every segment must have a labelled frame. Videos that are labelled completely are
    trained as usual, and videos without any label have no effect. Partly labelled
    videos do not qualify: whatever lies between two labelled frames is assigned to one
    of the two.

    Args:
        warmup: Fraction of the training steps before labels are completed, 0 to 1.
        confidence: Weight of the loss that demands monotonic probabilities.

    Note:
        The loss is averaged over the steps of a batch, not of each video. The paper's
        code uses a smoothness loss of the form ``reference``, whose gradient only goes
        to the later of two frames. Since boundaries follow the model here, this moves
        them to later frames from step to step, which matters for short segments; use
        the form ``printed``, whose gradient goes to both frames.

    Source: Li et al., "Temporal Action Segmentation from Timestamp Supervision" (CVPR
    2021), Sec. 3, with its weight of the confidence loss. Its warm-up is 30 of 50
    epochs at a constant learning rate; with one that decays, little is learned after
    so long a warm-up.
    """

    name = 'timestamps'
    reads = 'last'

    def __init__(self, *, warmup: Fraction = 0.2, confidence: Factor = 0.075) -> None:
        super().__init__()
        self.warmup = warmup
        self.confidence = confidence

    def complete(self, output: NetworkOutput, targets: Targets) -> Targets:
        """Return the targets with labels that are complete after the warm-up.

        They follow from the input of the classifier of the last stage. Padding stays
        -1.
        """
        features, mask = output.stages[-1].features, output.mask
        if mask is None:
            mask = features.new_ones(len(features), 1, features.shape[2])
        targets = replace(targets, smoothed=mask)
        if _progress() < self.warmup:
            return targets
        completed = targets.labels.clone()
        # Sums over frames on a GPU differ from run to run, and each boundary would wait
        # for it.
        videos = features.detach().cpu()
        rows = zip(completed, videos, targets.lengths, strict=True)
        for row, video, length in rows:
            for tier in row.view(-1, row.shape[-1]):
                tier[:length] = complete_labels(video[:, :length].T, tier[:length])
        return replace(targets, labels=completed)

    def loss(self, found: NetworkOutput, targets: Targets) -> dict[str, Tensor]:
        """Return the loss that demands monotonic probabilities, summed over stages.

        It is the mean increase of the log-probability of a class per frame, on the way
        from its labelled frame to the next labelled frames on both sides.
        """
        return {
            f'{prefix}loss_confidence': self._of_logits(logits, targets)
            for prefix, logits in found.logits.items()
        }

    def _of_logits(self, logits: Tensor, targets: Targets) -> Tensor:
        """Return the loss of logits (S, N, K, T)."""
        tiers = targets.tiers or [logits.shape[2]]
        sides = torch.stack([_sides(row, tiers) for row in targets.given], dim=1)
        before, after = to_device(sides, logits.device)
        steps = within_tiers(torch.log_softmax, logits, tiers, 2).diff(dim=3)
        # A class must rise before its labelled frame and fall after it.
        wrong = (-steps).clamp(min=0) * before + steps.clamp(min=0) * after
        count = before.sum() + after.sum()
        return mean_over_ranks(self.confidence * wrong.sum(), count)


def complete_labels(features: Tensor, labels: Tensor) -> Tensor:
    """Return the complete labels (T,) of a video.

    Between labelled frames a and b of two classes, the boundary minimises the sum of
    the Euclidean distances of the frames from a to b to the mean features of their
    side. It is computed twice. The forward pass goes from the first boundary to the
    last and extends the mean of the left side back to the previous boundary; the
    backward pass extends that of the right side up to the next boundary. The result is
    the average of both, rounded down.

    Args:
        features: Shape (T, C), on the host.
        labels: Shape (T,), -1 for frames without a label. If no frame has a label, they
            are returned unchanged.

    >>> features = torch.tensor([[0.0], [0], [0], [5], [5], [5]])
    >>> complete_labels(features, torch.tensor([-1, 2, -1, -1, 1, -1])).tolist()
    [2, 2, 2, 1, 1, 1]
    """
    stamps = _stamps(labels)
    if not stamps:
        return labels
    features = features.double()
    sums = torch.cat([features.new_zeros(1, features.shape[1]), features.cumsum(dim=0)])
    pairs = list(pairwise(stamps))
    forward, backward = [0], [len(labels)]
    for (_, a, _), (b, _, _) in pairs:
        forward.append(_boundary(features, sums, forward[-1], a, b, b + 1))
    for (_, a, _), (b, _, _) in reversed(pairs):
        backward.append(_boundary(features, sums, a, a, b, backward[-1]))
    middles = [(x + y) // 2 for x, y in zip(forward[1:], backward[:0:-1], strict=True)]
    ends = [*middles, len(labels)]
    completed = torch.empty_like(labels)
    for begin, end, (_, _, k) in zip([0, *middles], ends, stamps, strict=True):
        completed[begin:end] = k
    return completed


def _boundary(
    features: Tensor, sums: Tensor, first: int, a: int, b: int, last: int
) -> int:
    """Return the boundary between frames a and b: the first frame of the right side.

    Args:
        features: Shape (T, C).
        sums: Cumulative sums of the features before each frame, shape (T + 1, C).
        first: First frame of the mean of the left side.
        a: Last labelled frame of the left side.
        b: First labelled frame of the right side.
        last: End of the mean of the right side, exclusive.
    """
    frames, costs = features[a : b + 1], []
    for tried in torch.arange(a + 1, b + 1).split(_TRIED):
        left = (sums[tried] - sums[first]) / (tried - first)[:, None]
        right = (sums[last] - sums[tried]) / (last - tried)[:, None]
        # Row j is a boundary, and column i is the frame a + i.
        shift = int(tried[0]) - a - 1
        costs.append(
            torch.cdist(left, frames).tril(shift).sum(dim=1)
            + torch.cdist(right, frames).triu(shift + 1).sum(dim=1)
        )
    return a + 1 + int(torch.cat(costs).argmin())


def _stamps(labels: Tensor) -> list[tuple[int, int, int]]:
    """Return the first and last labelled frame and the class of each segment.

    Labelled frames of the same class belong to one segment if none of another class
    lies between them.
    """
    stamps: list[tuple[int, int, int]] = []
    for start, end, k in segment_table(labels.numpy()).tolist():
        if stamps and stamps[-1][2] == k:
            stamps[-1] = (stamps[-1][0], end - 1, k)
        else:
            stamps.append((start, end - 1, k))
    return stamps


def _sides(labels: Tensor, tiers: Sequence[int]) -> Tensor:
    """Return where each class has to rise and to fall, (2, K, T - 1).

    Labels are (T,), or (G, T) of G tiers.
    """
    parts = []
    for row, size in zip(labels.view(-1, labels.shape[-1]), tiers, strict=True):
        sides = torch.zeros(2, size, len(row) - 1)
        for (_, a, earlier), (b, _, later) in pairwise(_stamps(row)):
            sides[0, later, a:b] = 1
            sides[1, earlier, a:b] = 1
        parts.append(sides)
    return torch.cat(parts, dim=1)


def _progress() -> float:
    """Return the fraction of the training steps so far, or 1 outside of a training."""
    hub = MessageHub.get_current_instance()
    # Both are set by MMEngine's RuntimeInfoHook.
    done, steps = (hub.get_info(key) for key in ('iter', 'max_iters'))
    return 1.0 if done is None or not steps else done / steps
