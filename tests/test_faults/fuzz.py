"""Tries malformed files and options for some minutes; what `make fuzz` runs.

    python -m tests.test_faults.fuzz --minutes 60 --seed 0

Each round runs the tests of this folder with a seed of its own and with more examples
than the suite does. It prints the seed of each round, stops after a round with a
finding, and says how to run that one again.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from mmskelseg.runtime.cli.command_line import positive, seed, whole_from

EXAMPLES = 200
HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--minutes', type=positive, default=60)
    parser.add_argument('--seed', type=seed, default=0, help='of the first round')
    parser.add_argument('--examples', type=whole_from(1), default=EXAMPLES)
    args = parser.parse_args()
    end = time.monotonic() + 60 * args.minutes
    number = args.seed
    while time.monotonic() < end:
        print(f'round of seed {number}', flush=True)
        words = ['-m', 'pytest', '-q', '-m', 'not slow', f'--hypothesis-seed={number}']
        status = subprocess.run(
            [sys.executable, *words, str(HERE)],
            env={**os.environ, 'SKELSEG_FUZZ_EXAMPLES': str(args.examples)},
            check=False,
        ).returncode
        if status:
            print(
                f'A finding, by SKELSEG_FUZZ_EXAMPLES={args.examples} python '
                f'{" ".join(words)} {HERE}; make it a case of its own.'
            )
            return 1
        number += 1
    print(
        f'No finding in {number - args.seed} rounds, seeds {args.seed} to {number - 1}.'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
