"""`mmskelseg` with trainings of a few steps, also in the processes that it starts."""

import sys

from mmskelseg.commands import main
from mmskelseg.engine import planning

if __name__ == '__main__':
    planning._STEPS = (16, 16)
    if sys.argv[1] == 'fit':
        import tests.preloaded  # noqa: F401, so that workers are forks
        from mmskelseg.fitting import fit

        # Few steps are slow for their number.
        fit.paces = lambda _, __, ___, todo: {one.kind: 1.0 for one in todo}
    if sys.argv[1] == 'studio':
        from mmskelseg.studio import studio

        studio.program = lambda *words: [sys.executable, __file__, *words]
    sys.exit(main())
