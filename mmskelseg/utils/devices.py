"""Devices that a model can run on."""

import torch

from mmskelseg.utils.errors import UserError, shown


def check_device(name: str) -> None:
    """Raise a UserError if torch knows no such device, or if it is not here.

    >>> check_device('cpu')
    """
    try:
        # Whether it is here as well.
        torch.empty(0, device=name).to('cpu')
    except (RuntimeError, AssertionError, NotImplementedError, ImportError, TypeError):
        count = torch.cuda.device_count()
        there = ['cpu', *(f'cuda:{i}' for i in range(count))]
        raise UserError(
            f'device {shown(name)}: there is none here; choose {" or ".join(there)}.'
        ) from None
