"""One training with its test in a folder of its own, which is done once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mmskelseg.evaluation.functional.report import Report
from mmskelseg.fileio.atomic import atomic_write_text
from mmskelseg.fileio.checkpoints import find_latest_checkpoint
from mmskelseg.interchange.parsing import check_shape, read_json
from mmskelseg.utils.errors import UserError

PREDICTIONS = 'predictions.pkl'


@dataclass(frozen=True)
class RunFolder:
    """A training and the test of its last epoch, as commands that write into a folder.

    ``run_settings.json`` there keeps what the scores depend on, ``run.log`` the output
    of both commands; ``predictions.pkl`` what the test dumps; ``metrics.json``, which
    it writes after that, says that all is done.

    Args:
        path: The folder.
        settings: What the scores depend on, ready for JSON, in one level.
        train: Command that trains, or goes on with a training that was stopped. It
            writes no ``metrics.json``.
        test: Command that tests, when the checkpoint is appended.
    """

    path: Path
    settings: dict[str, Any]
    train: Sequence[str]
    test: Sequence[str]

    @property
    def is_finished(self) -> bool:
        """Whether the last epoch has been tested."""
        return (self.path / 'metrics.json').is_file()

    @property
    def log(self) -> Path:
        """The file with the output of both commands."""
        return self.path / 'run.log'

    @property
    def predictions(self) -> Path:
        """The file that the test dumps its predictions into."""
        return self.path / PREDICTIONS

    def scores(self) -> dict[str, Any]:
        """Return the content of ``metrics.json``."""
        file = self.path / 'metrics.json'
        content = read_json(file, 'mmskelseg')
        shape = {'per_video': {...: dict}}
        check_shape(content, shape, str(file), 'delete it to test again')
        return content

    def report(self) -> Report:
        """Return ``metrics`` and ``per_video`` of the test, names without prefix."""
        content = self.scores()
        return {
            'metrics': {
                key.rpartition('/')[2]: value
                for key, value in content.items()
                if '/' in key and not key.endswith('_std')
            },
            'per_video': content['per_video'],
        }

    @property
    def _has_trained(self) -> bool:
        """Whether there is a checkpoint, or the test that follows the last one."""
        last = self.path / 'last_checkpoint'
        return self.is_finished or last.is_file() or any(self.path.glob('*.pth'))

    def check(self) -> None:
        """Raise a UserError if the folder holds a run of other settings.

        A run that ended before its first checkpoint has left nothing to mix up.
        """
        if not self._has_trained:
            return
        file = self.path / 'run_settings.json'
        if file.is_file():
            then = read_json(file, 'mmskelseg')
            then = then if isinstance(then, dict) else {}
            changed = [
                f'{key} was {then.get(key)!r} and is now {self.settings.get(key)!r}'
                for key in {**then, **self.settings}
                if then.get(key) != self.settings.get(key)
            ]
        else:
            changed = ['they are not known']
        if changed:
            raise UserError(
                f'{self.path}: holds a run of other settings: {"; ".join(changed[:3])}'
                f'{"; ..." if len(changed) > 3 else ""}. Name another folder to work '
                'in, or remove this one to run it again.'
            )

    def execute(self) -> str:
        """Train and test; return why that failed, or nothing.

        The lock on ``run.lock`` lasts as long as a process of the run, even if the
        program that started it is gone; on Windows it lasts as long as that program.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / 'run.lock').open('ab') as lock:
            if not _lock(lock):
                return 'another process is at work on it'
            try:
                self.check()
            except UserError as error:
                return str(error)
            atomic_write_text(
                self.path / 'run_settings.json', json.dumps(self.settings, indent=2)
            )
            failure = _call(self.train, self.log, lock)
            if not failure:
                last = find_latest_checkpoint(self.path)
                if last is None:
                    return 'the training left no checkpoint'
                failure = _call([*self.test, last], self.log, lock)
        return failure


def _lock(file: BinaryIO) -> bool:
    """Lock a file until it is closed, without waiting; return False if it is locked."""
    try:
        if sys.platform == 'win32':
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _call(command: Sequence[str], path: Path, lock: BinaryIO) -> str:
    """Run a command to its end; return why it failed, or nothing.

    It writes into the log ``path``, and ends with this program if that is stopped.
    """
    with path.open('ab') as log:
        begin = log.seek(0, os.SEEK_END)
        options: dict[str, Any] = {
            'start_new_session': True,
            'pass_fds': [lock.fileno()],
        }
        if sys.platform == 'win32':
            options = {'creationflags': subprocess.CREATE_NEW_PROCESS_GROUP}
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, **options
        )
        try:
            # On Windows no signal is handled while a process waits without an end.
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1 if sys.platform == 'win32' else None)
        finally:
            if process.poll() is None:
                _kill_tree(process.pid)
                process.wait()
    if process.returncode == 0:
        return ''
    reason = _last_words(path.read_bytes()[begin:].decode('utf-8', 'replace'))
    return f'exit status {process.returncode}' + (f': {reason}' if reason else '')


def _kill_tree(pid: int) -> None:
    """End a process that ``_call`` started, with the workers that load its data."""
    if sys.platform == 'win32':
        subprocess.run(['taskkill', '/F', '/T', '/PID', str(pid)], check=False)
    else:
        os.killpg(pid, signal.SIGKILL)


def _last_words(output: str) -> str:
    """Return the last ``error: ...`` line of an output, or its last line.

    >>> _last_words('loading\\nerror: a.pkl: is missing.\\nStopped\\n')
    'a.pkl: is missing.'
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith('error: ')]
    return (errors or lines or [''])[-1].removeprefix('error: ')
