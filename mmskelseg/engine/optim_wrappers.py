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
    """Mixed precision with bfloat16, on a GPU or a CPU.

    Parameters stay in single precision. bfloat16 has the same range as single
    precision, so that gradients need no scaling. MMEngine's ``AmpOptimWrapper`` only
    supports GPUs.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run the forward pass of a step in mixed precision."""
        with super().optim_context(model), torch.autocast(get_device(), torch.bfloat16):
            yield
