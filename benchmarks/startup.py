"""Imports and --help in fresh processes.

Times `import torch`, what `import mmskelseg` takes beyond it, and --help of the tools,
each in fresh processes: the first, which may read files from the disk, and the median
of --repeats more. Times are of the clock.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mmskelseg.utils.tables import text_table

TOOLS = Path(__file__).resolve().parents[1] / 'tools'
HELP = (
    'train.py',
    'test.py',
    'extract_features.py',
    'cross_validate.py',
    'analysis/benchmark.py',
)
IMPORTS = """\
import time
begin = time.perf_counter()
import torch
torch_is_there = time.perf_counter()
import mmskelseg
print(torch_is_there - begin, time.perf_counter() - torch_is_there)
"""


def run(args: argparse.Namespace) -> None:
    """Print a line for each import and tool."""
    rows = [['fresh processes, clock time', 'first', 'median']]
    imports = [import_seconds() for _ in range(1 + args.repeats)]
    torch, ours = zip(*imports, strict=True)
    rows.append(row('import torch', torch))
    rows.append(row('import mmskelseg, beyond torch', ours))
    for tool in HELP:
        repeated = [help_seconds(tool) for _ in range(1 + args.repeats)]
        rows.append(row(f'{tool} --help', repeated))
    print(*text_table(rows), sep='\n')


def import_seconds() -> tuple[float, float]:
    """Return how long torch takes to import, and mmskelseg after it."""
    done = subprocess.run(
        [sys.executable, '-c', IMPORTS], check=True, stdout=subprocess.PIPE, text=True
    )
    torch, ours = map(float, done.stdout.split())
    return torch, ours


def help_seconds(tool: str) -> float:
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, str(TOOLS / tool), '--help'],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begin


def row(name: str, times: Sequence[float]) -> list[str]:
    first, *rest = times
    return [name, f'{first:.2f} s', f'{statistics.median(rest):.2f} s']
