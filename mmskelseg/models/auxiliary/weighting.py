"""Weighting of a network's losses."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmskelseg.models.auxiliary.part import AuxiliaryPart
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError


@MODELS.register_module()
class UncertaintyWeighting(AuxiliaryPart):
    """Weighting of each loss by a learned variance: ``exp(-s) * loss + s / 2``.

    The log-variances s start at 0 and are trained. The literature does not include them
    in the number of parameters of a model.

    Args:
        losses: Names of the losses that are weighted; others are unchanged.

    Note:
        The code of MTL multiplies each loss by a learned weight instead. The gradient
        of such a weight is its loss, so that it only decreases, down to the limit of
        0.5 in that code. Here, s / 2 counteracts that.

    Source: Kendall et al., "Multi-Task Learning Using Uncertainty to Weigh Losses"
    (CVPR 2018), Eq. 10; the factor 1/2 before a squared error is absorbed by its s.
    """

    name = 'loss_weighting'

    def __init__(self, losses: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(losses)
        self.log_variances = nn.Parameter(torch.zeros(len(self.names)))

    def weigh(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return all losses, with those that are named weighted.

        Raises:
            UserError: If there is no loss of a name.
        """
        weighed = dict(losses)
        for name, s in zip(self.names, self.log_variances, strict=True):
            if name not in losses:
                raise UserError(
                    f'UncertaintyWeighting: there is no loss {name!r}, but '
                    f'{", ".join(losses)}; name these in its `losses`.'
                )
            weighed[name] = torch.exp(-s) * losses[name] + s / 2
        return weighed
