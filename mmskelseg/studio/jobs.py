"""What runs in the background: estimating poses, training and predicting."""

import os
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from mmskelseg.runtime.messages.errors import UserError, explanation, shown

Kind = Literal['videos', 'poses', 'fit', 'predict']
State = Literal['idle', 'running', 'done', 'stopped', 'failed']
#: A command, and what is run in the background when it has succeeded.
Command = tuple[Kind, Sequence[str]]
# What `mmskelseg fit` prints after each training.
_FIT = re.compile(r'(\d+):(\d\d):(\d\d) passed, about (\d+):(\d\d):(\d\d) left +(.*)')
# What it prints before the first.
_PLAN = re.compile(r'Trainings.* take about (?:(\d+) h ?)?(?:(\d+) min)?(?:(\d+) s)?')
_TRAINING = re.compile(r'.*, (fold|half|final)\d*: ')
_PARTS = {
    'fold': 'Testing on held-out recordings',
    'half': 'Measuring what more labels bring',
    'final': 'The model is trained; testing goes on',
}
# What `mmskelseg poses` prints before each video, and the studio's own programs.
_COUNT = re.compile(r'\[(\d+)/(\d+)\] (.*)')
# What a program prints is read at once, and as UTF-8.
_ENVIRONMENT = {'PYTHONUNBUFFERED': '1', 'PYTHONIOENCODING': 'utf-8'}
# Lines of the log that an error shows.
_LAST = 5
# Seconds that a stopped process gets to end by itself.
_PATIENCE = 20


@dataclass
class Job:
    """The job of a studio: some commands, one after another, in other processes.

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
    _process: subprocess.Popen | None = field(default=None, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start(self, commands: Iterable[Command], finish: Callable[[], None]) -> None:
        """Run commands, and then a function, without waiting.

        Each command is asked for when the one before it has ended.

        Raises:
            UserError: If others are still running.
        """
        with self._lock:
            self.check_idle()
            self.kind, self.state, self.error = None, 'running', None
            self.text, self.done, self.seconds_left = 'Starting', None, None
            given = commands, finish
            self._thread = threading.Thread(target=self._run, args=given, daemon=True)
            self._thread.start()

    def check_idle(self) -> None:
        """Raise a UserError if commands are still running."""
        if self._thread is not None and self._thread.is_alive():
            raise UserError('Something is still running; stop it, or wait.')

    def stop(self) -> None:
        """Stop what is running; finished parts are kept."""
        with self._lock:
            if self.state != 'running':
                return
            self.state, self.text = 'stopped', 'Stopped'
            process, thread = self._process, self._thread
        _stop(process)
        if thread is not None:
            thread.join(_PATIENCE)

    def as_dict(self) -> dict[str, object]:
        """Return what the page shows."""
        names = ('kind', 'state', 'text', 'done', 'seconds_left', 'error')
        return {name: getattr(self, name) for name in names}

    def _run(self, commands: Iterable[Command], finish: Callable[[], None]) -> None:
        try:
            if failure := self._failure_of(commands):
                raise UserError(failure)
            if self.state == 'running':
                finish()
            self._end('done', 'Done', 1.0)
        except Exception as error:
            sentence = explanation(error)
            if sentence is None:
                # The terminal of the server shows where it happened.
                traceback.print_exception(error)
                sentence = f'unexpected: {shown(error)}'
            # It may still run if its output could not be written.
            _stop(self._process)
            self._end('failed', 'Failed', self.done, sentence)

    def _failure_of(self, commands: Iterable[Command]) -> str:
        """Run commands until one fails or the job is stopped; return why it failed."""
        failures = []
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # A new file, since a link in its place may lead to another one.
        self.log.unlink(missing_ok=True)
        with self.log.open('x', encoding='utf-8') as log:
            for kind, words in commands:
                lines: list[str] = []
                self.kind, self.text = kind, 'Starting'
                self.done = self.seconds_left = None
                for line in self._lines(words):
                    log.write(f'{line}\n')
                    log.flush()
                    lines = [*lines, line][-_LAST:]
                    self._follow(line)
                if self.state != 'running':
                    return ''
                assert self._process is not None
                if self._process.wait():
                    errors = [one for one in lines if one.startswith('error: ')]
                    last = errors or [f'The log is {self.log}: ', *lines]
                    failures.append(' '.join(last).removeprefix('error: '))
                    # One video that cannot be converted is no obstacle for others.
                    if kind != 'videos':
                        break
        return ' '.join(failures)

    def _end(
        self, state: State, text: str, done: float | None, error: str | None = None
    ) -> None:
        """Note how the job has ended, unless it was stopped before."""
        with self._lock:
            if self.state == 'running':
                self.state, self.text, self.done = state, text, done
                self.error = error

    def _lines(self, words: Sequence[str]) -> Iterator[str]:
        with self._lock:
            if self.state != 'running':
                return
            start = partial(subprocess.Popen, words)
            # Ctrl+C in the terminal is for the server, which then stops it.
            if sys.platform == 'win32':
                start = partial(
                    start, creationflags=subprocess.CREATE_NEW_PROCESS_GROUP
                )
            else:
                start = partial(start, start_new_session=True)
            self._process = start(
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding='utf-8',
                errors='replace',
                env={**os.environ, **_ENVIRONMENT},
            )
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                # A progress bar ends each of its states by a carriage return.
                if text := line.rstrip('\n').rpartition('\r')[2]:
                    yield text

    def _follow(self, line: str) -> None:
        """Take the progress from a line."""
        if found := _FIT.match(line):
            h, m, s, hours, minutes, seconds = map(int, found.groups()[:6])
            passed = 3600 * h + 60 * m + s
            self.seconds_left = 3600 * hours + 60 * minutes + seconds
            self.done = passed / max(passed + self.seconds_left, 1)
            self.text = found[7]
            if part := _TRAINING.match(found[7]):
                self.text = _PARTS[part[1]]
        elif found := _PLAN.match(line):
            h, m, s = (int(part or 0) for part in found.groups())
            self.seconds_left = 3600 * h + 60 * m + s
        elif found := _COUNT.match(line):
            self.done = (int(found[1]) - 1) / max(int(found[2]), 1)
            self.text = found[3]
        elif line.endswith('...'):
            self.text = line


def _stop(process: subprocess.Popen | None) -> None:
    """End a process, if it runs, together with those that it started."""
    if process is None or process.poll() is not None:
        return
    if sys.platform == 'win32':
        # There, a program cannot be asked, and does not end its own processes.
        words = ['taskkill', '/F', '/T', '/PID', str(process.pid)]
        subprocess.run(words, check=False, capture_output=True)
    else:
        process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def program(*words: str) -> list[str]:
    """Return the command line of `mmskelseg` with some words."""
    return [sys.executable, '-m', 'mmskelseg', *words]


def own_program(name: str, *words: str | Path) -> list[str]:
    """Return the command line of a program of the studio."""
    return [sys.executable, '-m', f'mmskelseg.studio.{name}', *map(str, words)]
