"""What runs in the background: estimating poses, training and predicting."""

import threading
import traceback
from collections.abc import Callable, Generator
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Literal, TypeAlias

from mmskelseg_io.jobs.job import Job
from mmskelseg_io.jobs.processes import Ended, ended, execute, worker_processes
from mmskelseg_io.messages.errors import UserError, explanation, shown

Kind = Literal['videos', 'poses', 'preview', 'fit', 'predict']
State = Literal['idle', 'running', 'done', 'stopped', 'failed']
#: Yields jobs, and gets the result of each, None if it failed.
Jobs: TypeAlias = Generator[tuple[Kind, Job], Any, None]
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
        noted: Takes what a job has to tell, such as where the result of a part is.
    """

    log: Path
    kind: Kind | None = None
    state: State = 'idle'
    text: str = ''
    done: float | None = None
    seconds_left: float | None = None
    error: str | None = None
    noted: Callable[[str], object] = field(default=str, repr=False)
    _began: float = field(default=0.0, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start(self, jobs: Jobs) -> None:
        """Run jobs without waiting.

        Each is asked for when the one before it has ended, by sending its result. What
        follows the last one is left out if one has failed or was stopped.

        Raises:
            UserError: If others are still running.
        """
        with self._lock:
            self.check_idle()
            self.kind, self.state, self.error = None, 'running', None
            self.text, self.done, self.seconds_left = 'Starting', None, None
            self._thread = threading.Thread(target=self._run, args=[jobs], daemon=True)
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

    def _run(self, jobs: Jobs) -> None:
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            # A new file, since a link in its place may lead to another one.
            self.log.unlink(missing_ok=True)
            self.log.open('x').close()
            self._run_all(jobs)
            self._end('done', 'Done', 1.0)
        except Exception as error:
            sentence = explanation(error)
            if sentence is None:
                # The terminal of the server shows where it happened.
                traceback.print_exception(error)
                sentence = f'unexpected: {shown(error)}'
            self._end('failed', 'Failed', self.done, sentence)

    def _run_all(self, jobs: Jobs) -> None:
        """Run jobs until all have ended, one has failed, or they are stopped."""
        failures, result = [], None
        while True:
            try:
                kind, job = jobs.send(result)
            except StopIteration:
                break
            self.kind, self.text, self._began = kind, 'Starting', monotonic()
            self.done = self.seconds_left = None
            one = self._ended(job) if self.state == 'running' else None
            if one is None or self.state != 'running':
                return
            result, failure = one.result, one.failure
            # One video that cannot be converted is no obstacle for others, nor is a
            # preview for the model.
            if failure and kind != 'preview':
                # What was not foreseen is no sentence.
                see = '' if failure.endswith('.') else f' (see {self.log})'
                failures.append(failure + see)
                if kind != 'videos':
                    break
        if failures:
            raise UserError(' '.join(failures))

    def _ended(self, job: Job) -> Ended:
        """Run a job, and return how it ended, if it was not stopped."""
        with worker_processes(1, self, _PATIENCE) as submit:
            call = submit(execute, job, self.log)
            while self.state == 'running' and not call.done():
                wait([call], _PAUSE)
            return ended(call) if call.done() else Ended()

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
        """Hand a text on, which the log has anyway."""
        self.noted(text)

    def warning(self, text: str) -> None:
        """Leave a warning to the log."""
