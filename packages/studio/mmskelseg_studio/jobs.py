"""What runs in the background: estimating poses, training and predicting."""

import threading
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Literal

from mmskelseg_io.jobs.job import Job
from mmskelseg_io.jobs.processes import ended, execute, worker_processes
from mmskelseg_io.messages.errors import UserError, explanation, shown

Kind = Literal['videos', 'poses', 'preview', 'fit', 'predict']
State = Literal['idle', 'running', 'done', 'stopped', 'failed']
# Seconds between looks at whether the job was stopped.
_PAUSE = 0.1
# Seconds that a stopped process gets to end by itself.
_PATIENCE = 20


@dataclass
class Background:
    """The background of a studio, which runs jobs in a process, one after another.

    It takes their events.

    Attributes:
        log: The file that their output goes to.
        kind: What is done; None if nothing was.
        text: What it is about now.
        done: The part that is done, 0 to 1, if that is known.
        seconds_left: About how long it will take, if that is known.
    """

    log: Path
    kind: Kind | None = None
    state: State = 'idle'
    text: str = ''
    done: float | None = None
    seconds_left: float | None = None
    error: str | None = None
    _began: float = field(default=0.0, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start(
        self, jobs: Iterable[tuple[Kind, Job]], finish: Callable[[], None]
    ) -> None:
        """Run jobs, and then a function, without waiting.

        Each job is asked for when the one before it has ended.

        Raises:
            UserError: If others are still running.
        """
        with self._lock:
            self.check_idle()
            self.kind, self.state, self.error = None, 'running', None
            self.text, self.done, self.seconds_left = 'Starting', None, None
            given = jobs, finish
            self._thread = threading.Thread(target=self._run, args=given, daemon=True)
            self._thread.start()

    def check_idle(self) -> None:
        """Raise a UserError if jobs are still running."""
        if self._thread is not None and self._thread.is_alive():
            raise UserError('Something is still running; stop it, or wait.')

    def stop(self) -> None:
        """Stop what is running; finished parts are kept."""
        with self._lock:
            if self.state != 'running':
                return
            self.state, self.text = 'stopped', 'Stopped'
            thread = self._thread
        if thread is not None:
            thread.join(2 * _PATIENCE)

    def as_dict(self) -> dict[str, object]:
        """Return what the page shows."""
        names = ('kind', 'state', 'text', 'done', 'seconds_left', 'error')
        return {name: getattr(self, name) for name in names}

    def _run(
        self, jobs: Iterable[tuple[Kind, Job]], finish: Callable[[], None]
    ) -> None:
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            # A new file, since a link in its place may lead to another one.
            self.log.unlink(missing_ok=True)
            self.log.open('x').close()
            failures = []
            for kind, job in jobs:
                if self.state != 'running':
                    return
                self.kind, self.text, self._began = kind, 'Starting', monotonic()
                self.done = self.seconds_left = None
                failure = self._failure_of(job)
                if failure and kind != 'preview':
                    failures.append(failure)
                # One video that cannot be converted is no obstacle for others, nor is
                # a preview for the model.
                if failure and kind not in ('videos', 'preview'):
                    break
            if failures:
                raise UserError(' '.join(failures))
            if self.state == 'running':
                finish()
            self._end('done', 'Done', 1.0)
        except Exception as error:
            sentence = explanation(error)
            if sentence is None:
                # The terminal of the server shows where it happened.
                traceback.print_exception(error)
                sentence = f'unexpected: {shown(error)}'
            self._end('failed', 'Failed', self.done, sentence)

    def _failure_of(self, job: Job) -> str:
        """Run a job until it ends or is stopped; return why it failed, '' if not."""
        with worker_processes(1, self, _PATIENCE) as submit:
            call = submit(execute, job, self.log)
            while self.state == 'running' and not call.done():
                wait([call], _PAUSE)
            failure = ended(call).failure if call.done() else ''
        # What was not foreseen is no sentence.
        return failure if failure[-1:] in ('', '.') else f'{failure} (see {self.log})'

    def _end(
        self, state: State, text: str, done: float | None, error: str | None = None
    ) -> None:
        """Note how the background has ended, unless it was stopped before."""
        with self._lock:
            if self.state == 'running':
                self.state, self.text, self.done = state, text, done
                self.error = error

    def progress(
        self, part: str, done: int, total: int | None, seconds_left: float | None = None
    ) -> None:
        """Take the progress of the job that runs."""
        with self._lock:
            if self.state != 'running':
                return
            self.text, self.seconds_left = part, seconds_left
            if seconds_left is not None:
                passed = monotonic() - self._began
                self.done = passed / max(passed + seconds_left, 1)
            elif total:
                self.done = done / total

    def note(self, text: str) -> None:
        """Leave a text to the log."""

    def warning(self, text: str) -> None:
        """Leave a warning to the log."""
