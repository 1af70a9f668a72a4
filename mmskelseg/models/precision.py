"""Detection of number formats that the hardware computes fast."""

import re
from pathlib import Path

import torch

# The names of these CPU features on Linux: AVX-512 and AMX of x86, and that of ARM.
_FLAGS = r'\b(avx512_bf16|amx_bf16|bf16)\b'


def has_bfloat16(device: str) -> bool:
    """Return whether ``cpu`` (on Linux only, else False) or a GPU has bfloat16."""
    if device.startswith('cuda'):
        return torch.cuda.get_device_capability(device) >= (8, 0)
    info = Path('/proc/cpuinfo')
    if device != 'cpu' or not info.is_file():
        return False
    return re.search(_FLAGS, info.read_text()) is not None
