"""Moving averages of the weights of a training."""

import torch
from mmengine.model import MomentumAnnealingEMA
from torch import Tensor, nn

from mmskelseg.registry import MODELS
from mmskelseg_io.messages.options import Count, Fraction


@MODELS.register_module()
class AnnealedAverage(MomentumAnnealingEMA):
    """``MomentumAnnealingEMA`` of weights and buffers, in a quarter of its time.

    After step n, the weights of that step count ``max(momentum, gamma / (gamma + n))``.

    Args:
        model: The model that is trained.
        momentum: The weight of the last step, once there have been many.
        gamma: How many steps the average leaves out in the beginning.
    """

    def __init__(
        self, model: nn.Module, *, momentum: Fraction = 0.01, gamma: Count = 9
    ) -> None:
        super().__init__(model, momentum, gamma, update_buffers=True)
        self._both: tuple[list[Tensor], list[Tensor]] | None = None

    def update_parameters(self, model: nn.Module) -> None:
        """Update the average with the weights of a step."""
        if self._both is not None:
            weight = max(self.momentum, self.gamma / (self.gamma + self.steps.item()))
            torch._foreach_lerp_(*self._both, weight)
            self.steps += 1
            return
        super().update_parameters(model)
        own, state = self.avg_parameters, model.state_dict()
        names = [name for name, value in own.items() if value.is_floating_point()]
        self._both = [own[name] for name in names], [state[name] for name in names]
