"""Measures the time and memory of mmskelseg; see `benchmarks/`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == '__main__':
    if not (ROOT / 'benchmarks').is_dir():
        sys.exit(
            'error: benchmarks are not installed with the package; run them in a clone '
            'of the repository.'
        )
    sys.path.insert(0, str(ROOT))
    from benchmarks.__main__ import main

    main()
