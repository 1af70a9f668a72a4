"""The losses of MS-TCN++ and of the paper (Eq. 3 to 7), over valid frames alone.

In a distributed run they are means over the frames of all processes.
"""

from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import UserError


@MODELS.register_module()
class FrameCrossEntropyLoss(nn.Module):
    """Cross-entropy averaged over the labelled frames of a batch (Eq. 3).

    With class weights w it is a weighted mean, as PyTorch's is: the sum over frames of
    ``-w_y log p_y``, divided by the sum of ``w_y``. With smoothing over b frames, the
    target of a frame is no longer its class y alone, but the mean of the classes of
    the 2 b + 1 frames around it, those without a label left out; so it changes within
    b frames of a boundary only. On either side of a boundary between long segments,
    the other class has ``b / (2 b + 1)`` of the target, which falls by
    ``1 / (2 b + 1)`` a frame.

    Args:
        loss_weight: Factor of the loss.
        class_weight: A weight for each class, K; None for equal ones.
        boundary_smoothing: How many frames to each side share their classes, b.

    Raises:
        ValueError: If the smoothing is negative, or, at the first batch, if there are
            not as many weights as classes.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        loss_weight: float = 1.0,
        *,
        class_weight: Sequence[float] | None = None,
        boundary_smoothing: int = 0,
    ) -> None:
        super().__init__()
        if boundary_smoothing < 0:
            raise UserError(
                f'boundary_smoothing={boundary_smoothing}, but must be a number of '
                'frames, 0 for none.'
            )
        self.loss_weight = loss_weight
        self.boundary_smoothing = boundary_smoothing
        weight = None if class_weight is None else torch.tensor(class_weight).float()
        self.register_buffer('class_weight', weight, persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss, 0 where no frame is labelled.

        Args:
            logits: Shape (N, K, T).
            labels: Shape (N, T), int64, -1 for frames that do not count.
        """
        if self.class_weight is None and not self.boundary_smoothing:
            total = F.cross_entropy(logits, labels, ignore_index=-1, reduction='sum')
            return mean_over_ranks(self.loss_weight * total, (labels >= 0).sum())
        targets = self._targets(logits, labels)
        total = -(targets * F.log_softmax(logits, dim=1)).sum()
        return mean_over_ranks(self.loss_weight * total, targets.sum())

    def _targets(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the weight of each class in each frame, shape (N, K, T)."""
        classes = logits.shape[1]
        valid = (labels >= 0)[:, None].to(logits)
        targets = F.one_hot(labels.clamp(min=0), classes).transpose(1, 2) * valid
        if self.boundary_smoothing:
            width = self.boundary_smoothing
            # Frames beyond the ends count as frames without a label do.
            near = F.avg_pool1d(targets, 2 * width + 1, 1, width)
            total = near.sum(dim=1, keepdim=True)
            targets = near / torch.where(valid > 0, total, 1) * valid
        if self.class_weight is None:
            return targets
        if len(self.class_weight) != classes:
            raise UserError(
                f'class_weight has {len(self.class_weight)} numbers, but the model '
                f'{classes} classes; give one for each class, in the order of '
                "`classes` in the data set's annotation file."
            )
        return targets * self.class_weight[:, None].to(targets)


@MODELS.register_module()
class TruncatedMSELoss(nn.Module):
    """The truncated squared step of log-probabilities, which punishes flicker.

    Two readings of it are in use, and they are not the same:

    ========== =============================== ================================
    form       ``reference`` (code of MS-TCN)  ``printed`` (Eq. 4 to 6)
    ========== =============================== ================================
    steps      over at most tau = 4            over at most tau = 16
    mean over  steps and classes               frames and classes
    gradient   to the later frame              to both frames
    ========== =============================== ================================

    With ``similarity``, each step is multiplied by how alike the features of its two
    frames are, so that probabilities may change where the features do (GS-TMSE).

    Args:
        form: ``reference`` or ``printed``.
        tau: Bound of a step of the log-probability; None for that of the form.
        similarity: Deviation sigma of the Gaussian similarity, in units of the
            features that the model reads; None to weigh all steps alike.
        loss_weight: Factor of the loss; alpha in Eq. 7.

    Raises:
        ValueError: If there is no such form, or the similarity is not positive.

    Note:
        The code of ASRF has the distance of the features where a Gaussian has its
        square.

    Source: Farha and Gall, "MS-TCN" (CVPR 2019), Sec. 3.3. The paper's "tau = 16" is
    the bound of the square in that code. The similarity: Ishikawa et al. (ASRF, WACV
    2021).
    """

    def __init__(
        self,
        form: str = 'reference',
        *,
        tau: float | None = None,
        similarity: float | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if form not in ('reference', 'printed'):
            raise UserError(f"form={form!r} is not 'reference' or 'printed'.")
        if similarity is not None and similarity <= 0:
            raise UserError(
                f'similarity={similarity}, but must be a positive deviation, or None.'
            )
        self.form = form
        self.tau = {'reference': 4.0, 'printed': 16.0}[form] if tau is None else tau
        self.similarity = similarity
        self.loss_weight = loss_weight

    def similarities(self, inputs: Sequence[Tensor], like: Tensor) -> Tensor | None:
        """Return the weight of each step, shape (N, 1, T - 1), or None without.

        It is ``exp(-d / (2 sigma^2))``, with d the squared distance of two frames in
        the features of all modalities.

        Args:
            inputs: Features of each modality, shape (N, C, T) or (N, C, T, V).
            like: A tensor of the type and place that the weights shall have.
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
                do.
            similarities: The weight of each step, (N, 1, T - 1), if they differ. The
                mean is over all steps as without them.
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


@MODELS.register_module()
class UncertaintyWeighting(nn.Module):
    """Weighs losses by a learned variance each: ``exp(-s) * loss + s / 2``.

    The log-variances s, which start at 0, are parameters of the training; they are
    not in a model's count of parameters in the literature.

    Args:
        losses: Names of the losses that are weighed; others stay as they are.

    Note:
        The code of MTL multiplies each loss by a learned weight instead, which has no
        lower bound of its own: the gradient of a weight is its loss, so that it only
        falls, to the 0.5 at which that code stops it. Here s / 2 pulls the other way.

    Source: Kendall et al., "Multi-Task Learning Using Uncertainty to Weigh Losses"
    (CVPR 2018), Eq. 10, with the 1/2 before a squared error left to its s.
    """

    def __init__(self, losses: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(losses)
        self.log_variances = nn.Parameter(torch.zeros(len(self.names)))

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return all losses, those named weighed."""
        weighed = dict(losses)
        for name, s in zip(self.names, self.log_variances, strict=True):
            if name not in losses:
                raise UserError(
                    f'UncertaintyWeighting: there is no loss {name!r}, but '
                    f'{", ".join(losses)}; name these in its `losses`.'
                )
            weighed[name] = torch.exp(-s) * losses[name] + s / 2
        return weighed


def mean_over_ranks(total: Tensor, count: Tensor | int) -> Tensor:
    """Return this rank's part of a mean over all frames, 0 where there is no frame.

    Distributed training takes the mean of the ranks' gradients, while their videos
    differ in length. With W ranks a part is ``W * total / count of all``, so that the
    mean of the parts is the mean over all frames, as one process computes it. All
    ranks must call it equally often, also one without a frame. The count may be a sum
    of weights.
    """
    if isinstance(count, int):
        count = torch.full((), count, device=total.device)
    world_size = get_world_size()
    if world_size > 1:
        count = count.clone()
        all_reduce(count)
        total = total * world_size
    return total / torch.where(count > 0, count, 1)
