"""How much each of several tasks counts in a loss."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import UserError


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
        """Return all losses, those named weighed.

        Raises:
            ValueError: If one of them is not there.
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
