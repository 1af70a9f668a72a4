"""Stand-ins for GPUs, of which the machine that runs the tests may have none."""

import torch
from torch.overrides import TorchFunctionMode

#: A GPU that no machine has: whatever touches it fails.
NOWHERE = 'cuda:99'


class FromMeta(TorchFunctionMode):
    """Lets values come to the CPU from the device ``meta``, which has none: zeros.

    PyTorch refuses operations that mix this device with another.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.Tensor.cpu and args[0].is_meta:
            return torch.zeros_like(args[0], device='cpu')
        return func(*args, **(kwargs or {}))
