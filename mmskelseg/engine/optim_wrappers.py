"""Optimizer wrapper for mixed precision."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper
from torch import nn

from mmskelseg.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Multiplies in bfloat16, on a GPU or a CPU; parameters stay in single precision.

    Numbers of this type reach as far as single precision's, so that gradients need no
    scale. MMEngine's ``AmpOptimWrapper`` is for GPUs alone.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run the forward pass of a step in mixed precision."""
        with super().optim_context(model), torch.autocast(get_device(), torch.bfloat16):
            yield
