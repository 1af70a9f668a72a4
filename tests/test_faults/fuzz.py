"""Tries malformed files and options for some minutes; what `make fuzz` runs.

    python -m tests.test_faults.fuzz --minutes 60 --seed 0
    python -m tests.test_faults.fuzz --programs 100000 --mutations 20000 --seed 0
    python -m tests.test_faults.fuzz --repeat work_dirs/fuzz/program-zip.0.17.pth

Random programs of the language of pickles and changes of real files are read in child
processes. Each round of minutes runs the tests of this folder as well, with more
examples than the suite. A program follows from the seed and a number, a change from
these and the valid files. What ends badly is kept in a folder, and the run goes on.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from mmskelseg_io.jobs.command_line import positive, seed, whole_from
from tests.test_faults.children import FORK, Input, Kind, outcomes
from tests.test_faults.hostile_files import PROGRAMS, mutations, write_valid_files

EXAMPLES = 200
# Of each round: programs, and changes of each kind of file.
PROGRAMS_OF_ROUND = 10_000
MUTATIONS_OF_ROUND = 1000
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--minutes', type=positive, default=60)
    add('--seed', type=seed, default=0, help='of the first round')
    add('--examples', type=whole_from(1), default=EXAMPLES, help='of the tests')
    add('--programs', type=whole_from(0), help='so many, instead of some minutes')
    add('--mutations', type=whole_from(0), help='so many of each kind of file')
    add('--first', type=whole_from(0), default=0, help='number of the first input')
    add('--kinds', nargs='+', help='only these kinds of inputs')
    add('--processes', type=whole_from(1), default=1, help='that read at once')
    add('--findings', type=Path, default=ROOT / 'work_dirs/fuzz', help='a folder')
    add('--repeat', type=Path, metavar='FILE', help='read a finding again')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='mmskelseg-fuzz-') as folder:
        kinds = PROGRAMS | mutations(Path(folder))
        # In a child, since a process with threads of ONNX Runtime is not to be forked.
        if args.repeat or args.mutations != 0:
            maker = FORK.Process(target=_write_valid_files, args=(Path(folder),))
            maker.start()
            maker.join()
            assert maker.exitcode == 0, 'cannot make valid files'
        if args.repeat:
            return _repeat(kinds, args.repeat)
        run = Run(kinds, args)
        if args.programs is None and args.mutations is None:
            run.for_minutes()
        else:
            run.inputs(args.seed, args.programs or 0, args.mutations or 0, args.first)
    return run.result()


def _write_valid_files(folder: Path) -> None:
    with Path(os.devnull).open('w') as null:
        os.dup2(null.fileno(), 1)
        write_valid_files(folder)


def _repeat(kinds: Mapping[str, Kind], path: Path) -> int:
    """Read a file that a run has kept, and say how that ends."""
    kind = path.name.partition('.')[0]
    item = Input(kind, path.name, path.resolve().read_bytes)
    with tempfile.TemporaryDirectory(prefix='mmskelseg-fuzz-') as folder:
        ((_, outcome),) = outcomes(kinds, [item], Path(folder))
    print(f'{path}: {outcome.word} {outcome.reason}')
    return int(outcome.word == 'finding')


class Run:
    """A run and its figures."""

    def __init__(self, kinds: Mapping[str, Kind], args: argparse.Namespace) -> None:
        self.kinds = kinds
        self.args = args
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.slowest: dict[str, float] = defaultdict(float)
        self.begin = time.monotonic()

    def for_minutes(self) -> None:
        """Run rounds until the time is over."""
        number = self.args.seed
        end = self.begin + 60 * self.args.minutes
        while time.monotonic() < end:
            print(f'round of seed {number}', flush=True)
            self.tests(number)
            self.inputs(number, PROGRAMS_OF_ROUND, MUTATIONS_OF_ROUND, end=end)
            number += 1

    def tests(self, number: int) -> None:
        """Run the tests of this folder with a seed."""
        words = ['-m', 'pytest', '-q', '-m', 'not slow', f'--hypothesis-seed={number}']
        status = subprocess.run(
            [sys.executable, *words, str(HERE)],
            env={**os.environ, 'SKELSEG_FUZZ_EXAMPLES': str(self.args.examples)},
            check=False,
        ).returncode
        self.counts['tests']['finding' if status else 'value'] += 1
        if status:
            ended = signal.Signals(-status).name if status < 0 else f'status {status}'
            print(
                f'FINDING ({ended}): SKELSEG_FUZZ_EXAMPLES={self.args.examples} python '
                f'{" ".join(words)} {HERE}; make it a case of its own.',
                flush=True,
            )

    def inputs(
        self,
        number: int,
        programs: int,
        changes: int,
        first: int = 0,
        end: float = float('inf'),
    ) -> None:
        """Read so many inputs of a seed, or fewer if the time is over."""
        items = self._inputs(number, programs, changes, first)
        args = self.args
        for item, outcome in outcomes(self.kinds, items, args.findings, args.processes):
            self.counts[item.kind][outcome.word] += 1
            self.slowest[item.kind] = max(self.slowest[item.kind], outcome.seconds)
            if outcome.word == 'finding':
                print(f'FINDING {item.name}: {outcome.reason}', flush=True)
            if time.monotonic() > end:
                break

    def _inputs(
        self, number: int, programs: int, changes: int, first: int
    ) -> Iterator[Input]:
        chosen = [x for x in self.kinds if not self.args.kinds or x in self.args.kinds]
        # A program is made once for all its readers.
        groups = [[name for name in chosen if name in PROGRAMS]]
        groups += [[name] for name in chosen if name not in PROGRAMS]
        for group in groups:
            count = programs if group is groups[0] else changes
            for k in range(first, first + count):
                for name in group:
                    kind = self.kinds[name]
                    item = f'{name}.{number}.{k}{kind.suffix}'
                    yield Input(name, item, partial(kind.make, number, k))

    def result(self) -> int:
        """Print the figures, and return whether anything was found."""
        total: Counter[str] = Counter()
        for name, counts in self.counts.items():
            total += counts
            print(_line(name, counts), f'slowest {self.slowest[name]:.2f} s')
        print(_line('all', total), f'{time.monotonic() - self.begin:.0f} s')
        if total['finding']:
            print(f'Repeat with --repeat {self.args.findings}/NAME')
        return int(total['finding'] > 0)


def _line(name: str, counts: Counter[str]) -> str:
    return (
        f'{name:20} {counts.total():7} inputs: {counts["value"]} values, '
        f'{counts["error"]} errors, {counts["finding"]} findings,'
    )


if __name__ == '__main__':
    sys.exit(main())
