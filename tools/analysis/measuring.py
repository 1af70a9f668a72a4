"""Time and memory of a call, for the commands of benchmark.py."""

import statistics
import time
import tracemalloc
from collections.abc import Callable


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
