"""Run folders: a training and its test, each executed once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmskelseg.engine.jobs import Test, Train
from mmskelseg.engine.results import TestScores
from mmskelseg_behaviour.functional.report import Report
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.locks import lock as lock_file
from mmskelseg_io.files.typed import read_typed
from mmskelseg_io.files.work_folders import find_latest_checkpoint
from mmskelseg_io.jobs.processes import Ended, execute
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.settings import Setting

PREDICTIONS = 'predictions.pkl'


@dataclass(frozen=True)
class RunFolder:
    """A training and the test of its last epoch, which write into a folder.

    The folder gets ``run_settings.json``, the settings that determine the scores;
    ``run.log``, the output of both jobs; ``predictions.pkl``, the predictions of
    the test; and ``metrics.json``, which the test writes last, when the run is done.

    Args:
        path: The folder.
        settings: The settings that determine the scores, flat and in types of JSON.
        train: The training, which is resumed if there is a checkpoint. It must not
            write ``metrics.json``. None for a run that is only read.
        test: The test, which gets the last checkpoint; None if there is nothing to
            test.
    """

    path: Path
    settings: Mapping[str, Setting] = field(default_factory=dict)
    train: Train | None = None
    test: Test | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the last epoch has been tested."""
        return (self.path / 'metrics.json').is_file()

    @property
    def log(self) -> Path:
        """The file with the output of both jobs."""
        return self.path / 'run.log'

    @property
    def predictions(self) -> Path:
        """The file with the predictions of the test."""
        return self.path / PREDICTIONS

    @property
    def epochs(self) -> int:
        """The number of epochs that would be kept if the training was stopped."""
        last = find_latest_checkpoint(self.path)
        return int(Path(last).stem.removeprefix('epoch_')) if last else 0

    def scores(self) -> TestScores:
        """Return the content of ``metrics.json``."""
        return TestScores.read(self.path / 'metrics.json')

    def report(self) -> Report:
        """Return ``metrics`` and ``per_video`` of the test, without prefix."""
        found = self.scores()
        return {'metrics': found.metrics, 'per_video': found.per_video}

    def check(self) -> None:
        """Raise a UserError if the folder contains a run with other settings.

        A run that ended before its first checkpoint does not count.
        """
        last = self.path / 'last_checkpoint'
        if not (self.is_finished or last.is_file() or any(self.path.glob('*.pth'))):
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

    def execute(self) -> Ended:
        """Train and test in this process; the result is that of the last job.

        The lock on ``run.lock`` lasts as long as any process of the run.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / 'run.lock').open('ab') as lock:
            if not lock_file(lock):
                return Ended(failure='another process is running it')
            try:
                self.check()
            except UserError as error:
                return Ended(failure=str(error))
            atomic_write_text(
                self.path / 'run_settings.json', json.dumps({**self.settings}, indent=2)
            )
            assert self.train is not None, 'since it is more than read'
            trained = execute(self.train, self.log)
            if self.test is None or trained.result is None:
                return trained
            last = trained.result.checkpoint
            if last is None:
                return Ended(failure='the training left no checkpoint')
            return execute(replace(self.test, checkpoints=[last]), self.log)


def changed_settings(file: Path, now: Mapping[str, object]) -> list[str]:
    """Return which settings differ from those in a file, in words."""
    then = read_typed(file, dict[str, Any], 'mmskelseg', 'delete the folder')
    return [
        f'{key} was {then.get(key)!r} and is now {now.get(key)!r}'
        for key in {**then, **now}
        if then.get(key) != now.get(key)
    ]
