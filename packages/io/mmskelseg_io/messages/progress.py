"""Progress of long work: a bar on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from tqdm import tqdm

# Seconds between updates, longer in log files, which keep every update.
_PAUSE, _PAUSE_IN_FILES = 0.1, 30.0
# Work of fewer seconds needs no bar: of many short videos, each would leave one.
_SHORT = 1.0


@contextmanager
def progress_bar(
    what: str, total: int, show: bool = True
) -> Iterator[Callable[[int], object]]:
    """Yield a function to call with the number of steps done since the last call.

    ``what`` is the title, such as ``Making features``.
    """
    if not show:
        yield lambda steps: None
        return
    # In a notebook, standard error is no terminal.
    in_notebook = 'ipykernel' in sys.modules
    # `tqdm.auto` chooses by itself, but imports asyncio, which takes its time.
    bar_of = import_module('tqdm.auto').tqdm if in_notebook else tqdm
    is_drawn = sys.stderr.isatty() or in_notebook
    pause = _PAUSE if is_drawn else _PAUSE_IN_FILES
    often = {'mininterval': pause, 'maxinterval': pause, 'delay': _SHORT}
    with bar_of(desc=what, total=total, **often) as bar:
        yield bar.update
