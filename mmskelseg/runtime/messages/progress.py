"""Progress of long work: a bar on standard error, or calls of a listener."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tqdm.asyncio import tqdm_asyncio
from tqdm.auto import tqdm

Listener = Callable[[str, int, int], None]
_listener: ContextVar[Listener | None] = ContextVar('listener', default=None)
# Seconds between updates, longer in log files, which keep every update.
_PAUSE, _PAUSE_IN_FILES = 0.1, 30.0


@contextmanager
def progress_listener(listener: Listener) -> Iterator[None]:
    """Report progress to a function instead of bars, in this thread, for a block.

    It gets the title, the steps done so far, and the total.

    >>> with progress_listener(print), progress_bar('Reading', 8) as count:
    ...     count(5)
    ...     count(3)
    Reading 0 8
    Reading 5 8
    Reading 8 8
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def progress_bar(
    what: str, total: int, show: bool = True
) -> Iterator[Callable[[int], object]]:
    """Yield a function to call with the number of steps done since the last call.

    ``what`` is the title, such as ``Making features``.
    """
    listener = _listener.get()
    if not show:
        yield lambda steps: None
    elif listener is None:
        # In a notebook, standard error is not a terminal, but `tqdm` is another class.
        is_drawn = sys.stderr.isatty() or tqdm is not tqdm_asyncio
        pause = _PAUSE if is_drawn else _PAUSE_IN_FILES
        with tqdm(desc=what, total=total, mininterval=pause, maxinterval=pause) as bar:
            yield bar.update
    else:
        done = 0

        def count(steps: int) -> None:
            nonlocal done
            done += steps
            listener(what, done, total)

        count(0)
        yield count
