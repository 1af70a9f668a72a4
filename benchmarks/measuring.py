"""Time and memory of a call, and what it runs on."""

import argparse
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import torch

from mmskelseg.utils.errors import UserError


def prepare(args: argparse.Namespace) -> None:
    """Set the threads, and the device where none was chosen.

    Raises:
        UserError: If there is no GPU to run on.
    """
    if args.device is None:
        args.device = 'cuda' if torch.cuda.is_available() else 'cpu'
    elif args.device == 'cuda' and not torch.cuda.is_available():
        raise UserError(
            f'--device cuda: torch {torch.__version__} finds no GPU; use --device cpu.'
        )
    torch.set_num_threads(args.threads)


def now() -> float:
    """Return the time of the clock, after what a GPU has been given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def pick_clock(args: argparse.Namespace) -> Callable[[], float]:
    """Return the processor's time, if one thread does it all, else that of the clock.

    Other programs on the machine change the processor's time little.
    """
    return time.process_time if (args.threads, args.device) == (1, 'cpu') else now


def median_seconds(
    functions: Sequence[Callable[[], object]],
    repeats: int,
    clock: Callable[[], float] = now,
    warm: bool = True,
) -> list[float]:
    """Return the median time of a call of each; the functions take turns.

    With ``warm`` there is a first call, which does not count.
    """
    times: list[list[float]] = [[] for _ in functions]
    for repeat in range(-int(warm), repeats):
        for function, measured in zip(functions, times, strict=True):
            begin = clock()
            function()
            if repeat >= 0:
                measured.append(clock() - begin)
    return [statistics.median(measured) for measured in times]


def peak_memory(function: Callable[[], object]) -> int:
    """Return the most bytes that Python and NumPy allocated at a time."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@contextmanager
def peak_private_memory() -> Iterator[Callable[[], int]]:
    """Yield a function that returns the most private bytes in a block, 0 if unknown.

    They are those that ``ulimit -d`` counts. The system keeps no peak of them, so that
    a thread looks a hundred times a second.
    """
    status = Path('/proc/self/status')
    seen, ended = [0], Event()

    def look() -> None:
        lines = status.read_text().splitlines() if status.is_file() else []
        seen.extend(1024 * int(x.split()[1]) for x in lines if x.startswith('VmData'))

    def watch() -> None:
        while not ended.wait(0.01):
            look()

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: max(seen)
    finally:
        ended.set()
        watcher.join()
        look()


def peak_gflops(dtype: torch.dtype, device: str) -> float:
    """Return how many GFLOP a second a product of square matrices reaches."""
    size = 2048
    a, b = torch.rand(2, size, size, device=device).to(dtype)
    (seconds,) = median_seconds([lambda: a @ b], 5)
    return 2 * size**3 / seconds / 1e9


def machine(args: argparse.Namespace) -> str:
    """Return the name of the GPU or the processor, threads and version."""
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if 'model name' in line]
    name = names[0] if names else platform.processor() or platform.machine()
    if args.device == 'cuda':
        name = torch.cuda.get_device_name()
    return f'{name}, {args.threads} thread(s), torch {torch.__version__}'
