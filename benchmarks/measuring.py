"""Measurement of the time and memory of calls, and a description of the machine."""

import argparse
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mmskelseg_io.messages.errors import UserError


def prepare(args: argparse.Namespace) -> None:
    """Set the number of threads, and the device if none was chosen."""
    if args.device is None:
        args.device = 'cuda' if torch.cuda.is_available() else 'cpu'
    elif args.device == 'cuda' and not torch.cuda.is_available():
        raise UserError(
            f'--device cuda: torch {torch.__version__} finds no GPU; use --device cpu.'
        )
    torch.set_num_threads(args.threads)


def read_config(path: str, args: argparse.Namespace) -> Config:
    """Return a config with the settings of the command line, and enter its scope."""
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmskelseg'))
    return cfg


def now() -> float:
    """Return wall-clock time, after waiting for a GPU."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def pick_clock(args: argparse.Namespace) -> Callable[[], float]:
    """Return a clock: CPU time for a single thread on a CPU, else wall-clock time."""
    return time.process_time if (args.threads, args.device) == (1, 'cpu') else now


def median_seconds(
    functions: Mapping[str, Callable[[], object]],
    repeats: int,
    clock: Callable[[], float] = now,
) -> dict[str, float]:
    """Return the median time of each call, in turns; the first round does not count."""
    times = [
        {name: seconds(call, 1, clock, warm=False) for name, call in functions.items()}
        for _ in range(1 + repeats)
    ]
    return combined(times[1:], statistics.median)


def seconds(
    function: Callable[[], object],
    repeats: int,
    clock: Callable[[], float] = now,
    warm: bool = True,
) -> float:
    """Return the median time of a call; with ``warm``, the first one does not count."""
    times = []
    for _ in range(warm + repeats):
        begin = clock()
        function()
        times.append(clock() - begin)
    return statistics.median(times[warm:])


def combined(
    items: list[dict[str, float]], function: Callable[[list[float]], float]
) -> dict[str, float]:
    return {key: function([item[key] for item in items]) for key in items[0]}


def peak_memory(function: Callable[[], object]) -> int:
    """Return the peak of bytes that Python and NumPy allocated."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@contextmanager
def peak_private_memory() -> Iterator[Callable[[], int]]:
    """Yield a function that returns the peak of private memory in bytes, 0 if unknown.

    It is the memory that ``ulimit -d`` counts. The system does not record its peak, so
    a thread samples it a hundred times per second.
    """
    status = Path('/proc/self/status')
    seen, ended = [0], Event()

    def watch() -> None:
        done = not status.is_file()
        while not done:
            done = ended.wait(0.01)
            seen.append(1024 * int(status.read_text().split('VmData:')[1].split()[0]))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: max(seen)
    finally:
        ended.set()
        watcher.join()


def peak_gflops(
    dtype: torch.dtype, device: str, clock: Callable[[], float] = now
) -> float:
    """Return the GFLOP/s of a product of square matrices."""
    size = 2048
    a, b = torch.rand(2, size, size, device=device).to(dtype)
    return 2 * size**3 / seconds(lambda: a @ b, 5, clock) / 1e9


def count_gflops(function: Callable[[], object]) -> float:
    """Return the GFLOPs of convolutions, matrix products and attention in a call."""
    # Attention as matrix products, since the counter lacks the fused one of CPUs.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops() / 1e9


def machine(args: argparse.Namespace) -> str:
    """Describe the machine: GPU or CPU, number of threads, and version of torch."""
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if 'model name' in line]
    name = names[0] if names else platform.processor() or platform.machine()
    if args.device == 'cuda':
        name = torch.cuda.get_device_name()
    return f'{name}, {args.threads} thread(s), torch {torch.__version__}'
