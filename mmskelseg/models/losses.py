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

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss, 0 where no frame is labelled.

        Args:
            logits: Shape (N, K, T).
            labels: Shape (N, T), int64, -1 for frames that do not count.
        """
        total = F.cross_entropy(logits, labels, ignore_index=-1, reduction='sum')
        return mean_over_ranks(self.loss_weight * total, (labels >= 0).sum())


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

    Args:
        form: ``reference`` or ``printed``.
        tau: Bound of a step of the log-probability; None for that of the form.
        loss_weight: Factor of the loss; alpha in Eq. 7.

    Raises:
        ValueError: If there is no such form.

    Source: Farha and Gall, "MS-TCN" (CVPR 2019), Sec. 3.3. The paper's "tau = 16" is
    the bound of the square in that code.
    """

    def __init__(
        self,
        form: str = 'reference',
        *,
        tau: float | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if form not in ('reference', 'printed'):
            raise UserError(f"form={form!r} is not 'reference' or 'printed'.")
        self.form = form
        self.tau = {'reference': 4.0, 'printed': 16.0}[form] if tau is None else tau
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Return the loss, 0 where no two neighbouring frames are valid.

        Args:
            logits: Shape (N, K, T).
            mask: Which frames count, shape (N, 1, T); a step counts if both its frames
                do.
        """
        log_prob = F.log_softmax(logits, dim=1)
        previous = log_prob[:, :, :-1]
        if self.form == 'reference':
            previous = previous.detach()
        valid = mask > 0
        both = valid[:, :, 1:] & valid[:, :, :-1]
        steps = (log_prob[:, :, 1:] - previous).abs().clamp(max=self.tau) ** 2
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
    ranks must call it equally often, also one without a frame.
    """
    if isinstance(count, int):
        count = torch.full((), count, device=total.device)
    world_size = get_world_size()
    if world_size > 1:
        count = count.clone()
        all_reduce(count)
        total = total * world_size
    return total / count.clamp(min=1)
