"""Ends of programs that a user or the system stops."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TerminatedError(KeyboardInterrupt):
    """SIGTERM, which is to undo what a program has begun as Ctrl+C does."""


@contextmanager
def stoppable(kept: str) -> Iterator[None]:
    """End the program with a sentence at Ctrl+C (status 130) or SIGTERM (143).

    Args:
        kept: What is left, and how to go on.
    """
    process = os.getpid()

    def terminate(number: int, frame: FrameType | None) -> None:
        # A process that was forked from this one has nothing to say.
        if os.getpid() != process:
            os._exit(128 + number)
        raise TerminatedError

    is_main = threading.current_thread() is threading.main_thread()
    # Who has chosen otherwise, such as a job of a cluster, knows why.
    is_free = is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if is_free:
        signal.signal(signal.SIGTERM, terminate)
    try:
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
