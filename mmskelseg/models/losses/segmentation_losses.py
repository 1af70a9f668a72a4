"""The losses of MS-TCN++ and of the paper (Eq. 3 to 7), over valid frames alone.

In a distributed run they are means over the frames of all processes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.models.losses.mean_over_ranks import mean_over_ranks
from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import UserError


@MODELS.register_module()
class FrameCrossEntropyLoss(nn.Module):
    """Cross-entropy averaged over the labelled frames of a batch (Eq. 3).

    Args:
        loss_weight: What the loss is multiplied by.
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
        loss_weight: What the loss is multiplied by; alpha in Eq. 7.

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
        steps = (log_prob[:, :, 1:] - previous).abs().clamp(max=self.tau) ** 2
        steps = torch.where(valid[:, :, 1:] & valid[:, :, :-1], steps, 0)
        if self.form == 'reference':
            count = (valid[:, :, 1:] & valid[:, :, :-1]).sum()
        else:
            count = valid.sum()
        return mean_over_ranks(self.loss_weight * steps.sum(), count * logits.shape[1])
