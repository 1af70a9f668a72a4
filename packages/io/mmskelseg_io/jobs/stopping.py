"""Orderly exits of programs that a user or the system stops."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TerminatedError(KeyboardInterrupt):
    """SIGTERM was received; it unwinds the program as Ctrl+C does."""


@contextmanager
def stoppable(kept: str) -> Iterator[None]:
    """End the program with a sentence on Ctrl+C (status 130) or SIGTERM (143).

    It ends with ``kept``: which files remain, and how to continue.
    """
    process = os.getpid()

    def terminate(number: int, frame: FrameType | None) -> None:
        # A process that was forked from this one ends silently.
        if os.getpid() != process:
            os._exit(128 + number)
        raise TerminatedError

    is_main = threading.current_thread() is threading.main_thread()
    # A handler that is already set, such as by a cluster's job, is left alone.
    is_free = is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    try:
        # It may arrive at once.
        if is_free:
            signal.signal(signal.SIGTERM, terminate)
        yield
    except KeyboardInterrupt as stop:
        if os.environ.get('SKELSEG_TRACEBACK'):
            raise
        number = 15 if isinstance(stop, TerminatedError) else signal.SIGINT
        sys.stderr.write(f'\nStopped: {kept}\n')
        sys.exit(128 + number)
    finally:
        if is_free:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
