"""The losses of MS-TCN++ and of the paper (Eq. 3 to 7), over valid frames only.

In a distributed run they are means over the frames of all processes.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import CountOrZero, Factor, Fraction, Positive


@MODELS.register_module()
class FrameCrossEntropyLoss(nn.Module):
    """Cross-entropy averaged over the labelled frames of a batch (Eq. 3).

    With class weights w it is a weighted mean, as in PyTorch: the sum over frames of
    ``-w_y log p_y``, divided by the sum of ``w_y``. With a balance a, each frame of a
    segment of L frames has the weight ``L**-a``: all frames count the same at 0, all
    segments at 1.

    With smoothing over b frames, the target of a frame is not its class y alone, but
    the mean of the classes of the 2 b + 1 frames around it, except for those without a
    label; so it differs only within b frames of a boundary. On either side of a
    boundary between long segments, the other class has ``b / (2 b + 1)`` of the target,
    which falls by ``1 / (2 b + 1)`` per frame.

    Args:
        loss_weight: Factor of the loss.
        class_weight: A weight for each of the K classes; None for equal weights.
        boundary_smoothing: Number of frames on each side that share their classes, b.
        segment_balance: How much more the frames of short segments count, a. A segment
            is as long as a batch shows it, and of the likeliest class where observers
            differ.

    Raises:
        UserError: If all class weights are 0, or, at the first batch, if their number
            differs from that of the classes.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        loss_weight: Factor = 1.0,
        *,
        class_weight: Sequence[Factor] | None = None,
        boundary_smoothing: CountOrZero = 0,
        segment_balance: Fraction = 0.0,
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.boundary_smoothing = boundary_smoothing
        self.segment_balance = segment_balance
        weight = None if class_weight is None else torch.tensor(class_weight).float()
        if weight is not None and not weight.any():
            raise UserError(
                f'FrameCrossEntropyLoss: class_weight={class_weight}, but one must be '
                'above 0.'
            )
        self.register_buffer('class_weight', weight, persistent=False)

    def forward(
        self, logits: Tensor, labels: Tensor, rows: slice | Tensor = slice(None)
    ) -> Tensor:
        """Return the loss, 0 where no frame is labelled.

        Args:
            logits: Shape (N, K, T).
            labels: Shape (N, T), int64, -1 for frames that do not count; or the share
                of each class, (N, K, T), 0 for frames that do not count.
            rows: Which of the class weights are those of the K classes; (K, G) if each
                is a combination of G classes, whose weights are then averaged.
        """
        changes = self.boundary_smoothing or self.segment_balance
        if self.class_weight is None and not changes and labels.dim() == 2:
            # Not summed by PyTorch, whose sum is not deterministic on GPUs.
            errors = F.cross_entropy(logits, labels, ignore_index=-1, reduction='none')
            total = self.loss_weight * errors.sum()
            return mean_over_ranks(total, (labels >= 0).sum())
        targets = self._targets(logits, labels, rows)
        if self.segment_balance:
            classes = labels if labels.dim() == 2 else labels.argmax(dim=1)
            segments, lengths = segments_of(classes)
            weights = lengths.to(targets) ** -self.segment_balance
            targets = targets * weights[segments][:, None]
        errors = -(targets * F.log_softmax(logits, dim=1)).sum(dim=1)
        return mean_over_ranks(self.loss_weight * errors.sum(), targets.sum())

    def _targets(self, logits: Tensor, labels: Tensor, rows: slice | Tensor) -> Tensor:
        """Return the weight of each class in each frame, shape (N, K, T)."""
        classes = logits.shape[1]
        valid = counted(labels).to(logits)
        targets = labels if labels.dim() == 3 else _one_hot(labels, classes).to(logits)
        if self.boundary_smoothing:
            width = self.boundary_smoothing
            # Frames beyond the ends count like frames without a label.
            near = F.avg_pool1d(targets, 2 * width + 1, 1, width)
            total = near.sum(dim=1, keepdim=True)
            targets = near / torch.where(valid > 0, total, 1) * valid
        if self.class_weight is None:
            return targets
        weight = self.class_weight[rows]
        weight = weight.mean(dim=1) if weight.dim() == 2 else weight
        if len(weight) != classes:
            raise UserError(
                f'class_weight has {len(weight)} numbers, but the model has '
                f'{classes} classes; give one for each class, in the order of '
                "`classes` in the data set's annotation file."
            )
        return targets * weight[:, None].to(targets)


@MODELS.register_module()
class TruncatedMSELoss(nn.Module):
    """The truncated mean squared change of log-probabilities, which penalises flicker.

    Two versions are in use:

    ========== =============================== ================================
    form       ``reference`` (code of MS-TCN)  ``printed`` (Eq. 4 to 6)
    ========== =============================== ================================
    steps      truncated at tau = 4            truncated at tau = 16
    mean over  steps and classes               frames and classes
    gradient   to the later frame              to both frames
    ========== =============================== ================================

    With ``similarity``, each step is multiplied by the similarity of the features of
    its two frames, so that probabilities may change where the features do (GS-TMSE).

    Args:
        form: ``reference`` or ``printed``.
        tau: Largest step of the log-probability; None for the default of the form.
        similarity: Standard deviation sigma of the Gaussian similarity, in units of the
            input features; None to weight all steps equally.
        loss_weight: Factor of the loss; alpha in Eq. 7.

    Note:
        The code of ASRF uses the distance of the features where a Gaussian has its
        square.

    Source: Farha and Gall, "MS-TCN" (CVPR 2019), Sec. 3.3. The paper's "tau = 16" is
    the bound of the square in that code. The similarity: Ishikawa et al. (ASRF, WACV
    2021).
    """

    def __init__(
        self,
        form: Literal['reference', 'printed'] = 'reference',
        *,
        tau: Positive | None = None,
        similarity: Positive | None = None,
        loss_weight: Factor = 1.0,
    ) -> None:
        super().__init__()
        self.form = form
        self.tau = {'reference': 4.0, 'printed': 16.0}[form] if tau is None else tau
        self.similarity = similarity
        self.loss_weight = loss_weight

    def similarities(self, inputs: Sequence[Tensor], like: Tensor) -> Tensor | None:
        """Return the weight of each step, (N, 1, T - 1); None without ``similarity``.

        It is ``exp(-d / (2 sigma^2))``, where d is the squared distance between two
        frames in the features of all modalities.

        Args:
            inputs: Features of each modality, shape (N, C, T) or (N, C, T, V).
            like: A tensor that has the type and the device of the result.
        """
        if self.similarity is None:
            return None
        rows = [
            x.to(like, non_blocking=True).transpose(1, 2).flatten(2) for x in inputs
        ]
        squares = torch.stack([x.diff(dim=1).square().sum(dim=2) for x in rows])
        return torch.exp(-squares.sum(dim=0) / (2 * self.similarity**2))[:, None]

    def forward(
        self, logits: Tensor, mask: Tensor, similarities: Tensor | None = None
    ) -> Tensor:
        """Return the loss, 0 where no two neighbouring frames are valid.

        Args:
            logits: Shape (N, K, T).
            mask: Which frames count, shape (N, 1, T); a step counts if both its frames
                count.
            similarities: The weight of each step, (N, 1, T - 1), or None. The mean is
                over all steps in either case.
        """
        log_prob = F.log_softmax(logits, dim=1)
        previous = log_prob[:, :, :-1]
        if self.form == 'reference':
            previous = previous.detach()
        valid = mask > 0
        both = valid[:, :, 1:] & valid[:, :, :-1]
        steps = (log_prob[:, :, 1:] - previous).abs().clamp(max=self.tau) ** 2
        steps = steps if similarities is None else steps * similarities
        steps = torch.where(both, steps, 0)
        count = (both if self.form == 'reference' else valid).sum()
        return mean_over_ranks(self.loss_weight * steps.sum(), count * logits.shape[1])


def shares(labels: Tensor, votes: Tensor) -> Tensor:
    """Return the share of each class in the votes of observers, (N, K, T).

    It is the label (N, T) alone where nobody votes, and 0 where that is -1.

    >>> votes = torch.tensor([[[2.0, 0, 0], [1, 0, 0]]])
    >>> shares(torch.tensor([[0, 1, -1]]), 3 * votes)[0, 1].tolist()
    [0.3333333432674408, 1.0, 0.0]
    """
    total = votes.sum(dim=1, keepdim=True)
    alone = _one_hot(labels, votes.shape[1]).to(votes)
    return torch.where(total > 0, votes / total.clamp(min=1), alone)


def segments_of(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the number of each frame's segment, (N, T), and all lengths in frames.

    >>> segments, lengths = segments_of(torch.tensor([[4, 4, 2], [2, -1, -1]]))
    >>> segments.tolist(), lengths.tolist()
    ([[0, 0, 1], [2, 3, 3]], [2, 1, 1, 2])
    """
    begins = torch.ones_like(labels, dtype=torch.bool)
    begins[:, 1:] = labels[:, 1:] != labels[:, :-1]
    segments = begins.flatten().cumsum(0) - 1
    return segments.view(labels.shape), segments.bincount()


def counted(labels: Tensor) -> Tensor:
    """Return which frames count, (N, 1, T), of labels or shares of classes."""
    of_classes = labels if labels.dim() == 3 else labels[:, None] >= 0
    return of_classes.any(dim=1, keepdim=True)


def _one_hot(labels: Tensor, classes: int) -> Tensor:
    """Return 1 for the class of each frame, (N, K, T), and 0 for all others."""
    ids = torch.arange(classes, device=labels.device)
    return labels[:, None] == ids[:, None]


def mean_over_ranks(total: Tensor, count: Tensor | int) -> Tensor:
    """Return this rank's share of a mean over all frames, 0 if there are no frames.

    Distributed training averages the gradients of the ranks, whose videos differ in
    length. With W ranks a share is ``W * total / total count``, so that the mean of the
    shares is the mean over all frames, as computed by a single process. All ranks must
    call this equally often, even those without a frame. The count may be a sum of
    weights.
    """
    if isinstance(count, int):
        count = torch.full((), count, device=total.device)
    world_size = get_world_size()
    if world_size > 1:
        count = count.clone()
        all_reduce(count)
        total = total * world_size
    return total / torch.where(count > 0, count, 1)
