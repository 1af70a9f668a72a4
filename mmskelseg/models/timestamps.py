"""Training from timestamps: labels of one frame, or of a few, in each segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from mmengine.logging import MessageHub
from torch import Tensor, nn

from mmskelseg.models.layers import to_device
from mmskelseg.models.losses import mean_over_ranks
from mmskelseg.registry import MODELS
from mmskelseg.structures.segments import segment_table
from mmskelseg.utils.errors import UserError

# Boundaries that are tried at once, which bounds memory in long gaps.
_TRIED = 1024


@MODELS.register_module()
class TimestampSupervision(nn.Module):
    """Completes labels of which each segment of a video has one frame, or a few.

    For a first part of the training, the warm-up, the labelled frames alone are
    classified. From then on each step finds, between two labelled frames of different
    classes, the boundary for which the features on either side are most alike, and
    frames get the label of their side. A further loss demands, in either part, that the
    probability of a class falls steadily on the way from its labelled frame to the next
    ones.

    Every segment must have a labelled frame: unlike in videos that are labelled in
    part, nothing else may lie between two of them. Videos that are labelled as a whole
    are trained as always, and so are those without any label, from which nothing is
    learned.

    Args:
        warmup: Part of the training's steps that is the warm-up, 0 to 1.
        confidence: Factor of the loss that demands falling probabilities.

    Raises:
        UserError: If one of them is out of range.

    Note:
        The loss is a mean over all videos of a batch, not of each video's mean. A
        smoothness loss of the form ``reference``, which is that of the paper's code,
        pulls each frame to the one before alone. Where boundaries follow the model,
        they move later from step to step, by frames that count in short segments; the
        form ``printed`` pulls to both sides and leaves them where they are.

    Source: Li et al., "Temporal Action Segmentation from Timestamp Supervision" (CVPR
    2021), Sec. 3; the defaults are theirs: 30 of 50 epochs, and 0.075.
    """

    def __init__(self, *, warmup: float = 0.6, confidence: float = 0.075) -> None:
        super().__init__()
        if not 0 <= warmup <= 1:
            raise UserError(
                f'TimestampSupervision: warmup is {warmup}, but must be a part of the '
                'training from 0 to 1.'
            )
        if confidence < 0:
            raise UserError(
                f'TimestampSupervision: confidence is {confidence}, but must be a '
                'factor from 0.'
            )
        self.warmup = warmup
        self.confidence = confidence

    def complete(
        self, features: Tensor, labels: Tensor, lengths: Sequence[int]
    ) -> Tensor:
        """Return labels (N, T), completed if the warm-up is over.

        Args:
            features: What the last stage's classifier reads, shape (N, C, T).
            labels: Shape (N, T), int64, -1 for frames without a label; on the host.
            lengths: Frames of each video, N; those after them stay -1.
        """
        if _progress() < self.warmup:
            return labels
        completed = labels.clone()
        for row, video, length in zip(
            completed, features.detach(), lengths, strict=True
        ):
            row[:length] = complete_labels(video[:, :length].T, row[:length])
        return completed

    def loss(self, logits: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """Return the loss that demands falling probabilities, summed over the stages.

        It is the mean of how much the logarithm of a class's probability rises, per
        step away from its labelled frame, up to the next labelled ones.

        Args:
            logits: Shape (S, N, K, T).
            labels: Shape (N, T), int64, -1 for frames without a label; on the host.
        """
        before, after = (
            to_device(torch.stack(sides), logits.device)
            for sides in zip(
                *(_sides(row, logits.shape[2]) for row in labels), strict=True
            )
        )
        steps = logits.log_softmax(dim=2).diff(dim=3)
        # A class rises up to its labelled frame, and falls from it.
        wrong = (-steps).clamp(min=0) * before + steps.clamp(min=0) * after
        count = before.sum() + after.sum()
        return {
            'loss_confidence': mean_over_ranks(self.confidence * wrong.sum(), count)
        }


def complete_labels(features: Tensor, labels: Tensor) -> Tensor:
    """Return the labels (T,) of a video whose segments each have labelled frames.

    The boundary between the labelled frames a and b of two classes is the first frame
    of the second one, at which the sum of the Euclidean distances is smallest, of the
    frames from a to b to the mean of the frames of their side. It is found twice: from
    the first boundary to the last, where the mean before it begins at the boundary
    before, and from the last to the first, where the mean after it ends at the boundary
    after. The middle of both is taken, rounded down.

    Args:
        features: Shape (T, C).
        labels: Shape (T,), -1 for frames without a label. Without any label they stay
            as they are.

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
    """Return the first frame after a, b at most, that belongs to the side of b.

    Args:
        features: Shape (T, C).
        sums: Of the features of all frames before each, shape (T + 1, C).
        first: From where the frames of the side of a have their mean.
        a: A frame of one side.
        b: A later frame of the other.
        last: Up to where the frames of the side of b have their mean, exclusive.
    """
    frames, costs = features[a : b + 1], []
    for tried in torch.arange(a + 1, b + 1, device=features.device).split(_TRIED):
        left = (sums[tried] - sums[first]) / (tried - first)[:, None]
        right = (sums[last] - sums[tried]) / (last - tried)[:, None]
        # Row j is a boundary, column i the frame a + i, which is left of it or not.
        shift = int(tried[0]) - a - 1
        costs.append(
            torch.cdist(left, frames).tril(shift).sum(dim=1)
            + torch.cdist(right, frames).triu(shift + 1).sum(dim=1)
        )
    return a + 1 + int(torch.cat(costs).argmin())


def _stamps(labels: Tensor) -> list[tuple[int, int, int]]:
    """Return the first and last labelled frame, and the class, of each segment.

    Labelled frames of one class are of one segment, unless another class lies between.
    """
    stamps: list[tuple[int, int, int]] = []
    for start, end, k in segment_table(labels.numpy()).tolist():
        if stamps and stamps[-1][2] == k:
            stamps[-1] = (stamps[-1][0], end - 1, k)
        else:
            stamps.append((start, end - 1, k))
    return stamps


def _sides(labels: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Return on which steps, (K, T - 1), a class has to rise, and on which to fall."""
    sides = torch.zeros(2, num_classes, len(labels) - 1)
    for (_, a, earlier), (b, _, later) in pairwise(_stamps(labels)):
        sides[0, later, a:b] = 1
        sides[1, earlier, a:b] = 1
    return sides[0], sides[1]


def _progress() -> float:
    """Return the part of the training's steps that are done, 1 outside of one."""
    hub = MessageHub.get_current_instance()
    # MMEngine's hook of runtime information keeps both.
    done, steps = (hub.get_info(key) for key in ('iter', 'max_iters'))
    return 1.0 if done is None or not steps else done / steps
