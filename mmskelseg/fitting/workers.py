"""Processes that import PyTorch once, and execute one run after another."""

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Any, TypeAlias

from mmskelseg.engine.run_folder import RunFolder, failure_of

#: Submits a call of a function to a process.
Submit: TypeAlias = Callable[..., Future]
#: Runs a command, given its words, and returns its exit status.
Main: TypeAlias = Callable[[Sequence[str]], int | None]
# What runs commands in this process.
_main: list[Main] = []


@contextmanager
def worker_processes(count: int, main: Main) -> Iterator[Submit]:
    """Yield a function that submits calls to processes, which end with the block.

    They get one thread each, if there are several, and end as well if this program is
    killed. In them, ``main`` runs the commands of :func:`call_command`.
    """
    if count > 1:
        os.environ.setdefault('OMP_NUM_THREADS', '1')
    pool = ProcessPoolExecutor(
        count, get_context('spawn'), initializer=_begin, initargs=(main,)
    )
    try:
        yield pool.submit
    finally:
        # A run that is stopped goes on from its last checkpoint.
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(cancel_futures=True)


def execute(run: RunFolder) -> str:
    """Execute a run in this process; return the reason of a failure, '' if none."""
    # Its commands begin with `python -m mmskelseg`.
    return run.execute(lambda command, log, _: call_command(command[3:], log))


def call_command(words: Sequence[str], log: Path) -> str:
    """Run `mmskelseg WORDS` in this process, and append its output to a file.

    Returns the reason of a failure; '' if there is none.
    """
    return logged(log, _main[0], list(words))


def logged(log: Path, call: Callable[..., str | int | None], *given: object) -> str:
    """Call a function in this process, and append its output to a file.

    What it returns is its exit status. Returns the reason of a failure; '' if there is
    none.
    """
    with log.open('ab') as file:
        begin = file.seek(0, os.SEEK_END)
        sys.stdout.flush()
        sys.stderr.flush()
        # Loggers hold on to the streams that they find, so these stay the same.
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            status = call(*given)
        except SystemExit as stop:
            status = stop.code
        except Exception:
            traceback.print_exc()
            status = 1
        if isinstance(status, str):
            # What the interpreter would do.
            sys.stderr.write(f'{status}\n')
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
    return failure_of(status, log, begin) if status else ''


def reason_of(future: Future) -> Any:
    """Return what a call returns, such as the reason of a failure.

    There is one as well if its process was killed.
    """
    try:
        return future.result()
    except BrokenProcessPool:
        return 'its process was killed, perhaps since memory ran out'


def _begin(main: Main) -> None:
    """Leave Ctrl+C to the program that started this process, and end with it."""
    signal(SIGINT, SIG_IGN)
    _main.append(main)
    parent = parent_process()
    assert parent is not None, 'since `worker_processes` started this one'

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
