"""Threads and memory of a training on a CPU."""

import ctypes
import os
import sys

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmskelseg.registry import HOOKS
from mmskelseg_io.messages.options import Count


@HOOKS.register_module()
class CPUThreadsHook(Hook):
    """A hook that sets the number of threads of a training on a CPU.

    Small temporal models gain little from a second thread. If other programs use the
    cores as well, threads wait for each other, and steps take several times as long.
    The environment variable ``OMP_NUM_THREADS`` overrides this hook.

    On Linux, memory that a step frees is kept for the next one. Otherwise, the system
    clears thousands of pages in each step.

    Args:
        threads: The number of threads.
    """

    def __init__(self, threads: Count = 1) -> None:
        self.threads = threads
        self._before: int | None = None

    def before_train(self, runner: Runner) -> None:
        """Set the number of threads, and keep memory."""
        on_cpu = next(runner.model.parameters()).device.type == 'cpu'
        if on_cpu:
            _keep_memory()
        if on_cpu and 'OMP_NUM_THREADS' not in os.environ:
            self._before = torch.get_num_threads()
            torch.set_num_threads(self.threads)

    def after_train(self, runner: Runner) -> None:
        """Restore the number of threads."""
        if self._before is not None:
            torch.set_num_threads(self._before)
            self._before = None


def _keep_memory() -> None:
    """Let glibc keep freed memory, and return tensors of up to 32 MB to it."""
    if not sys.platform.startswith('linux'):
        return
    # Other libraries have no such function.
    set_option = getattr(ctypes.CDLL(None), 'mallopt', None)
    if set_option is not None:
        trim_threshold, mmap_threshold = -1, -3
        set_option(trim_threshold, 1 << 30)
        set_option(mmap_threshold, 1 << 25)
