"""The `startup` command of benchmark.py: imports and --help in fresh processes."""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

DESCRIPTION = """\
Times `import torch`, what `import mmskelseg` takes beyond it, and --help of the tools,
each in fresh processes: the first, which may read files from the disk, and the median
of --repeats more. Times are of the clock.
"""
TOOLS = Path(__file__).resolve().parents[1]
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
TARGETS = 'targets: mmskelseg under 1.0 s beyond torch, train.py --help under 3 s'


def add_startup_command(commands: Any) -> None:
    """Add the command to those of benchmark.py."""
    command = commands.add_parser(
        'startup',
        help='imports and --help',
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument('--repeats', type=int, default=5, help='default: %(default)s')
    command.set_defaults(run=startup)


def startup(args: argparse.Namespace) -> None:
    """Print a line for each import and tool."""
    if args.repeats < 1:
        sys.exit('error: --repeats must be at least 1.')
    print(f'{"fresh processes, clock time":<36}{"first":>9}{"median":>9}')
    imports = [import_seconds() for _ in range(1 + args.repeats)]
    for name, times in zip(
        ('import torch', 'import mmskelseg, beyond torch'),
        zip(*imports, strict=True),
        strict=True,
    ):
        print_line(name, times)
    for tool in HELP:
        times = [help_seconds(tool) for _ in range(1 + args.repeats)]
        print_line(f'{tool} --help', times)
    print(TARGETS)


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


def print_line(name: str, times: tuple[float, ...] | list[float]) -> None:
    first, *rest = times
    print(f'{name:<36}{first:>7.2f} s{statistics.median(rest):>7.2f} s')
