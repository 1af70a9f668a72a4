"""One training with its test in a folder of its own, which is done once."""

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from mmskelseg.fileio.atomic import atomic_write


@dataclass(frozen=True)
class RunFolder:
    """A training and the test of its last epoch, as commands that write into a folder.

    ``run_settings.json`` there keeps what the scores depend on, ``run.log`` the output
    of both commands; ``metrics.json``, which the test writes, says that all is done.

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

    def report(self) -> dict[str, Any]:
        """Return ``metrics`` and ``per_video`` of the test, names without prefix.

        Raises:
            ValueError: If the file of the test is broken, naming it.
        """
        file = self.path / 'metrics.json'
        try:
            content = json.loads(file.read_text())
        except json.JSONDecodeError as error:
            raise ValueError(
                f'{file}: is broken ({error}); delete it to test again.'
            ) from None
        return {
            'metrics': {
                key.rpartition('/')[2]: value
                for key, value in content.items()
                if '/' in key and not key.endswith('_std')
            },
            'per_video': content['per_video'],
        }

    def check(self) -> None:
        """Check that the folder holds no run of other settings.

        Raises:
            ValueError: Naming the folder and the settings that differ.
        """
        file = self.path / 'run_settings.json'
        if file.is_file():
            then = json.loads(file.read_text())
            changed = [
                f'{key} was {then.get(key)!r} and is now {self.settings.get(key)!r}'
                for key in {**then, **self.settings}
                if then.get(key) != self.settings.get(key)
            ]
        else:
            started = self.is_finished or (self.path / 'last_checkpoint').is_file()
            changed = ['they are not known'] if started else []
        if changed:
            raise ValueError(
                f'{self.path}: holds a run of other settings: {"; ".join(changed[:3])}'
                f'{"; ..." if len(changed) > 3 else ""}. Name another folder to work '
                'in, or remove this one to run it again.'
            )

    def execute(self) -> str:
        """Train and test; return why that failed, or nothing.

        The log file is also a lock, which lasts as long as a process of the run, even
        if the program that started it is gone.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self.log.open('a') as log:
            try:
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return 'another process is at work on it'
            try:
                self.check()
            except ValueError as error:
                return str(error)
            with atomic_write(self.path / 'run_settings.json') as file:
                file.write(json.dumps(self.settings, indent=2).encode())
            status = _call(self.train, log)
            if status == 0:
                last = (self.path / 'last_checkpoint').read_text().strip()
                status = _call([*self.test, last], log)
        return f'exit status {status}' if status else ''


def flat_settings(value: Any, name: str = '') -> Iterator[tuple[str, Any]]:
    """Yield nested dicts and lists as dotted names with values that JSON has.

    >>> dict(flat_settings({'lr': 0.1, 'loss': [{'type': 'CE'}]}))
    {'lr': 0.1, 'loss.0.type': 'CE'}
    """
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            yield from flat_settings(child, f'{name}.{key}' if name else str(key))
    else:
        yield name, value if isinstance(value, int | float | None) else str(value)


def _call(command: Sequence[str], log: TextIO) -> int:
    """Run a command to its end; it ends with this program if that is stopped."""
    process = subprocess.Popen(
        command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            # With the workers that load its data.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
