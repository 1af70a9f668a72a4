"""Devices that a model can run on."""

import torch

from mmskelseg.runtime.messages.errors import UserError, shown


def check_device(name: str) -> None:
    """Raise a UserError if torch does not know the device or it is not available.

    >>> check_device('cpu')
    """
    try:
        # The copy fails if the device is known but not available.
        torch.empty(0, device=name).to('cpu')
    except (RuntimeError, AssertionError, NotImplementedError, ImportError, TypeError):
        count = torch.cuda.device_count()
        there = ['cpu', *(f'cuda:{i}' for i in range(count))]
        raise UserError(
            f'device {shown(name)}: not available here; choose {" or ".join(there)}.'
        ) from None
