"""How far long work is: a bar on the error output, or told to whoever asks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from mmengine.utils import ProgressBar

Listener = Callable[[str, int, int], None]
_listener: ContextVar[Listener | None] = ContextVar('listener', default=None)


@contextmanager
def progress_told_to(listener: Listener) -> Iterator[None]:
    """Tell progress to a function in place of bars, within this thread and block.

    Args:
        listener: Called with what is done, the steps that are done, and all steps.

    >>> with progress_told_to(print), counted_steps('Reading', 8) as count:
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
def counted_steps(
    what: str, total: int, show: bool = True
) -> Iterator[Callable[[int], None]]:
    """Yield what is called with the number of steps that were done since the last call.

    Args:
        what: What is done, such as ``Making features``.
        total: How many steps there are.
        show: Whether anybody is to see it.
    """
    listener = _listener.get()
    if not show:
        yield lambda steps: None
    elif listener is None:
        bar = ProgressBar(total, file=sys.stderr)
        try:
            yield bar.update
        finally:
            bar.file.write('\n')
    else:
        done = 0

        def count(steps: int) -> None:
            nonlocal done
            done += steps
            listener(what, done, total)

        count(0)
        yield count
