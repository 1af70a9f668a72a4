"""Run folders: a training and its test, each executed once."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from mmskelseg.evaluation.functional.report import Report
from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.files.locks import lock as lock_file
from mmskelseg.runtime.files.parsing import check_shape, read_json
from mmskelseg.runtime.files.work_folders import find_latest_checkpoint
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.settings import Setting

PREDICTIONS = 'predictions.pkl'
#: Runs a command, appends its output to a file, and returns the reason of a failure;
#: the open file is a lock, which lasts as long as the command.
Caller: TypeAlias = Callable[[Sequence[str], Path, BinaryIO], str]


@dataclass(frozen=True)
class RunFolder:
    """A training and the test of its last epoch, as commands that write into a folder.

    The folder gets ``run_settings.json``, the settings that determine the scores;
    ``run.log``, the output of both commands; ``predictions.pkl``, the predictions of
    the test; and ``metrics.json``, which the test writes last, when the run is done.

    Args:
        path: The folder.
        settings: The settings that determine the scores, flat and in types of JSON.
        train: Command that starts or resumes the training. It must not write
            ``metrics.json``.
        test: Command that tests a checkpoint, which is appended to it; empty if there
            is nothing to test.
    """

    path: Path
    settings: Mapping[str, Setting]
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
        """The file with the predictions of the test."""
        return self.path / PREDICTIONS

    @property
    def steps(self) -> int:
        """The number of steps so far, as MMEngine logs them, about every twentieth."""
        lines = [
            file.read_bytes().splitlines()[-1:]
            for file in self.path.glob('*/vis_data/scalars.json')
        ]
        # A line may be half written.
        found = [re.search(rb'"step": (\d+)}', line) for last in lines for line in last]
        return max((int(one[1]) for one in found if one), default=0)

    def scores(self) -> dict[str, Any]:
        """Return the content of ``metrics.json``."""
        file = self.path / 'metrics.json'
        content = read_json(file, 'mmskelseg')
        remedy = 'delete it to test again'
        check_shape(content, {}, str(file), remedy)
        scores = {key: float for key in content if '/' in key}
        shape = {'per_video': {...: {...: float}}, 'classes?': [str], **scores}
        check_shape(content, shape, str(file), remedy)
        return content

    def report(self) -> Report:
        """Return ``metrics`` and ``per_video`` of the test, without prefix."""
        content = self.scores()
        return {
            'metrics': {
                key.partition('/')[2]: value
                for key, value in content.items()
                if '/' in key and not key.endswith('_std')
            },
            'per_video': content['per_video'],
        }

    @property
    def _has_trained(self) -> bool:
        """Whether there is a checkpoint, or the result of the test."""
        last = self.path / 'last_checkpoint'
        return self.is_finished or last.is_file() or any(self.path.glob('*.pth'))

    def check(self) -> None:
        """Raise a UserError if the folder contains a run with other settings.

        A run that ended before its first checkpoint does not count.
        """
        if not self._has_trained:
            return
        file = self.path / 'run_settings.json'
        if file.is_file():
            changed = changed_settings(file, self.settings)
        else:
            changed = ['they are unknown']
        if changed:
            raise UserError(
                f'{self.path}: contains a run with other settings: '
                f'{"; ".join(changed[:3])}{"; ..." if len(changed) > 3 else ""}. Name '
                'another folder, or remove this one to run it again.'
            )

    def execute(self, call: Caller | None = None) -> str:
        """Train and test, and return the reason of a failure; '' if there is none.

        ``call`` runs a command, as :func:`run_process` does, which is the default.

        The lock on ``run.lock`` lasts as long as any process of the run, even if the
        program that started it has ended; on Windows, it ends with that program.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / 'run.lock').open('ab') as lock:
            if not lock_file(lock):
                return 'another process is running it'
            try:
                self.check()
            except UserError as error:
                return str(error)
            atomic_write_text(
                self.path / 'run_settings.json', json.dumps({**self.settings}, indent=2)
            )
            call = call or run_process
            failure = call(self.train, self.log, lock)
            if not failure:
                last = find_latest_checkpoint(self.path)
                if last is None:
                    return 'the training left no checkpoint'
                if self.test:
                    failure = call([*self.test, last], self.log, lock)
        return failure


def changed_settings(file: Path, now: Mapping[str, object]) -> list[str]:
    """Return which settings differ from those in a file, in words."""
    then = read_json(file, 'mmskelseg')
    then = then if isinstance(then, dict) else {}
    return [
        f'{key} was {then.get(key)!r} and is now {now.get(key)!r}'
        for key in {**then, **now}
        if then.get(key) != now.get(key)
    ]


def run_process(command: Sequence[str], path: Path, lock: BinaryIO) -> str:
    """Run a command, and return the reason of its failure; '' if there is none.

    Its output is appended to the log ``path``. It is killed if this program is stopped.
    """
    with path.open('ab') as log:
        begin = log.seek(0, os.SEEK_END)
        start = partial(subprocess.Popen, command, stdout=log, stderr=subprocess.STDOUT)
        if sys.platform == 'win32':
            process = start(creationflags=subprocess.CREATE_NEW_PROCESS_GROUP)
        else:
            process = start(start_new_session=True, pass_fds=[lock.fileno()])
        try:
            # On Windows, waiting without a timeout would block signals.
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1 if sys.platform == 'win32' else None)
        finally:
            if process.poll() is None:
                _kill_tree(process.pid)
                process.wait()
    if process.returncode == 0:
        return ''
    return failure_of(process.returncode, path, begin)


def failure_of(status: int, path: Path, begin: int) -> str:
    """Return the reason of a failure, which a log has from some byte on."""
    reason = _last_words(path.read_bytes()[begin:].decode('utf-8', 'replace'))
    return f'exit status {status}' + (f': {reason}' if reason else '')


def _kill_tree(pid: int) -> None:
    """Kill a process of ``run_process``, together with its data loaders."""
    if sys.platform == 'win32':
        subprocess.run(['taskkill', '/F', '/T', '/PID', str(pid)], check=False)
    else:
        os.killpg(pid, signal.SIGKILL)


def _last_words(output: str) -> str:
    """Return the last ``error: ...`` line of an output, or else its last line.

    >>> _last_words('loading\\nerror: a.pkl: is missing.\\nStopped\\n')
    'a.pkl: is missing.'
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith('error: ')]
    return (errors or lines or [''])[-1].removeprefix('error: ')
