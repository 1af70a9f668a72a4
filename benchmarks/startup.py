"""Imports and --help in fresh processes.

Times `import torch`, the additional time of `import mmskelseg`, and --help of the
tools, each in fresh processes: the first run, which may have to read files from disk,
and the median of --repeats more. Wall-clock time is measured.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from mmskelseg_io.messages.tables import text_table

TOOLS = Path(__file__).resolve().parents[1] / 'tools'
HELP = [
    *('train.py', 'test.py', 'extract_features.py', 'cross_validate.py'),
    'analysis/benchmark.py',
]
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
    imports = [python('-c', IMPORTS).split() for _ in range(1 + args.repeats)]
    torch, ours = ([float(x) for x in times] for times in zip(*imports, strict=True))
    times = {'import torch': torch, 'import mmskelseg, beyond torch': ours}
    for tool in HELP:
        times[f'{tool} --help'] = [help_seconds(tool) for _ in range(1 + args.repeats)]
    rows = [['fresh processes, clock time', 'first', 'median']]
    for name, (first, *rest) in times.items():
        rows.append([name, f'{first:.2f} s', f'{statistics.median(rest):.2f} s'])
    print(*text_table(rows), sep='\n')


def python(*arguments: str) -> str:
    return subprocess.check_output([sys.executable, *arguments], text=True)


def help_seconds(tool: str) -> float:
    begin = time.perf_counter()
    python(str(TOOLS / tool), '--help')
    return time.perf_counter() - begin
