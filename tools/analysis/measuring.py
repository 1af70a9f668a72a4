"""Time and memory of a call, for the commands of benchmark.py."""

import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Return the median processor time of one call."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return statistics.median(times)


def peak_memory(function: Callable[[], object]) -> int:
    """Return the most bytes that Python and NumPy allocated at a time."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@contextmanager
def peak_private_memory() -> Iterator[Callable[[], int]]:
    """Yield what returns the most private bytes within a block, 0 where unknown.

    It is what ``ulimit -d`` counts, which the system keeps no peak of: a thread looks
    a hundred times a second.
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


def clock_seconds(
    functions: Sequence[Callable[[], object]], repeats: int
) -> list[float]:
    """Return the median clock time of each call; the functions take turns."""
    times: list[list[float]] = [[] for _ in functions]
    for repeat in range(repeats + 1):
        for function, measured in zip(functions, times, strict=True):
            begin = time.perf_counter()
            function()
            if repeat > 0:
                measured.append(time.perf_counter() - begin)
    return [statistics.median(measured) for measured in times]


def peak_gflops(dtype: Any, size: int = 2048) -> float:
    """Return how many GFLOP a second a product of square matrices reaches."""
    import torch

    a, b = torch.rand(2, size, size).to(dtype)
    (seconds,) = clock_seconds([lambda: a @ b], 5)
    return 2 * size**3 / seconds / 1e9


def processor() -> str:
    """Return the processor's name."""
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if 'model name' in line]
    return names[0] if names else platform.processor() or platform.machine()
