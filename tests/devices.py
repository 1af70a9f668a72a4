"""Stand-ins for GPUs, of which the machine that runs the tests may have none."""

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

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


# The operators of torch.use_deterministic_algorithms that raise an error on GPUs. Those
# with a condition have a function of their arguments.
_ANY = lambda *args: True  # noqa: E731
_NOT_DETERMINISTIC = {
    **dict.fromkeys(
        (
            '_adaptive_avg_pool2d_backward', '_adaptive_avg_pool3d_backward',
            '_ctc_loss_backward', 'adaptive_max_pool2d_backward',
            'avg_pool3d_backward', 'grid_sampler_2d_backward', 'histc',
            'reflection_pad1d_backward', 'reflection_pad2d_backward',
            'upsample_bicubic2d_backward', 'upsample_bilinear2d_backward',
            'upsample_linear1d_backward',
        ),
        _ANY,
    ),
    'bincount': lambda x, weights=None, *_: weights is not None,
    'cumsum': lambda x, *_: x.is_floating_point(),
    'nll_loss2d_forward': lambda x, target, weight, reduction, *_: reduction != 0,
}  # fmt: skip


class Operators(TorchDispatchMode):
    """Lists the operators on a device that have no deterministic kernel for GPUs.

    And the types of their results.
    """

    def __init__(self, device):
        super().__init__()
        self.device = device
        self.not_deterministic = set()
        self.types = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        is_wrong = _NOT_DETERMINISTIC.get(name, lambda *_: False)
        if is_wrong(*args) and args[0].device.type == self.device:
            self.not_deterministic.add(name)
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.device.type == self.device:
            self.types.add(result.dtype)
        return result
