"""Processes that import what they need once, and execute one job after another."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from signal import SIG_IGN, SIGINT, SIGTERM, signal
from time import sleep
from typing import Any, Generic, TypeAlias

from mmskelseg_io.jobs.events import Events, PrintedEvents, SentEvents, report_line
from mmskelseg_io.jobs.job import Job, Result
from mmskelseg_io.jobs.stopping import stoppable
from mmskelseg_io.messages.errors import explanation, shown

#: Submits a call of a function to a process.
Submit: TypeAlias = Callable[..., Future]
# Where the events of jobs in this process go.
_pipes: list[Connection] = []


@contextmanager
def worker_processes(
    count: int, events: Events | None = None, patience: float = 0.0
) -> Iterator[Workers]:
    """Yield a function that submits calls to processes, which end with the block.

    They get one thread each, if there are several, and end as well if this program is
    killed.

    Args:
        count: Number of processes.
        events: Where the events of jobs go beside their logs, from another thread. All
            have arrived after the block.
        patience: Seconds that they get at the end to stop what they are doing.
    """
    with (
        nullcontext() if count == 1 else _one_thread_each(),
        nullcontext() if events is None else _received(events) as pipe,
    ):
        workers = Workers(count, pipe, patience)
        try:
            yield workers
        finally:
            # A run that is stopped goes on from its last checkpoint.
            workers.stop()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start in a block have one thread, unless the user says."""
    name = 'OMP_NUM_THREADS'
    is_set = name in os.environ
    # Libraries read it when they are imported, before a process could be told.
    os.environ.setdefault(name, '1')
    try:
        yield
    finally:
        if not is_set:
            del os.environ[name]


class Workers:
    """Some processes, to which calls are submitted by calling this."""

    def __init__(self, count: int, pipe: Connection | None, patience: float) -> None:
        self._given = count, pipe, patience
        self._start()

    def _start(self) -> None:
        count, pipe, patience = self._given
        context = get_context('spawn')
        # Each process lasts until this end is closed, also by the end of this program.
        alive, self._alive = context.Pipe(duplex=False)
        given = alive, self._alive, pipe, patience
        self._pool = ProcessPoolExecutor(count, context, _begin, given)

    def __call__(self, call: Callable, *given: Any) -> Future:
        """Submit a call of a function."""
        return self._pool.submit(call, *given)

    def stop(self) -> None:
        """End the processes, so that all calls fail."""
        self._alive.close()
        self._pool.shutdown(cancel_futures=True)

    def restart(self) -> None:
        """End the processes, so that all calls fail; others take their place."""
        pool, alive = self._pool, self._alive
        self._start()
        alive.close()
        pool.shutdown(wait=False)


@contextmanager
def _received(events: Events) -> Iterator[Connection]:
    """Yield a pipe for processes that end in the block; its lines become events."""
    reader, writer = get_context('spawn').Pipe(duplex=False)

    def read() -> None:
        while True:
            try:
                line = reader.recv_bytes()
            # A process that was killed may leave a part of a line.
            except (EOFError, OSError):
                return
            report_line(line, events)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield writer
    finally:
        # Nobody has it now, so the reader finds its end.
        writer.close()
        thread.join()
        reader.close()


@dataclass(frozen=True)
class Ended(Generic[Result]):
    """How a call ended: with its result, or with the reason of its failure."""

    result: Result | None = None
    failure: str = ''


def execute(job: Job[Result], log: Path) -> Ended[Result]:
    """Execute a job in this process, and append its output to a file."""
    events: Events = PrintedEvents()
    if _pipes:
        events = SentEvents(_pipes[0].send_bytes)
    return logged(log, _stoppably, job, events)


def _stoppably(job: Job[Result], events: Events) -> Result:
    with stoppable(job.kept):
        return job.start(events)


def logged(log: Path, call: Callable[..., Result], *given: object) -> Ended[Result]:
    """Call a function in this process, and append its output to a file.

    The file states the reason of a failure as well.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    # Loggers hold on to the streams that they find, so these stay the same.
    kept = os.dup(1), os.dup(2)
    with log.open('ab') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        return _ended(call, *given)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, stream in enumerate(kept, start=1):
            os.dup2(stream, number)
            os.close(stream)


def _ended(call: Callable[..., Result], *given: object) -> Ended[Result]:
    try:
        return Ended(call(*given))
    except SystemExit as stop:
        if isinstance(stop.code, str):
            sys.stderr.write(f'{stop.code}\n')
            return Ended(failure=stop.code.removeprefix('error: '))
        return Ended(failure=f'exit status {stop.code}' if stop.code else '')
    except Exception as error:
        sentence = explanation(error)
        if sentence is None:
            traceback.print_exc()
            return Ended(failure=f'{type(error).__name__}: {shown(error)}')
        sys.stderr.write(f'error: {sentence}\n')
        return Ended(failure=sentence)


def ended(future: Future) -> Ended:
    """Return how a call in another process ended, which may have been killed."""
    try:
        return future.result()
    except BrokenProcessPool:
        return Ended(failure='its process was killed, perhaps since memory ran out')


def _begin(
    alive: Connection, other: Connection, pipe: Connection | None, patience: float
) -> None:
    """Leave Ctrl+C to the program that started this process, and end with it."""
    # Only the program has the other end of the pipe.
    other.close()
    signal(SIGINT, SIG_IGN)
    _pipes[:] = [] if pipe is None else [pipe]

    def watch() -> None:
        # Nothing is ever sent.
        wait([alive])
        if patience:
            os.kill(os.getpid(), SIGTERM)
            sleep(patience)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
