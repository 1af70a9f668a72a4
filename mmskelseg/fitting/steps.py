"""The steps of a fit: compare, train the best in full, calibrate, finish."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from datetime import timedelta

from mmskelseg.engine.cross_validation import save
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg.fitting.held_out import HeldOut, predictions_of
from mmskelseg.fitting.model_folder import ModelFolder, Trial, best_of
from mmskelseg.fitting.schedule import PART, Candidate, Schedule
from mmskelseg.fitting.workers import Submit, execute, reason_of
from mmskelseg.runtime.messages.errors import UserError

#: Executes runs, and yields each with the reason of its failure, '' if there is none.
Execute = Callable[[list[RunFolder]], Iterator[tuple[RunFolder, str]]]


@dataclass(frozen=True)
class Outcome:
    """What a fit has found.

    Attributes:
        short: Short trials of all candidates; without a choice, only of the chosen.
        finalists: Full trials of the best.
        chosen: The best of these; None if there are no folds.
        half: A short trial of it on half of the labels; None if these are too few.
        held_out: Its predictions of videos that it was not trained on.
    """

    short: Sequence[Trial]
    finalists: Sequence[Trial]
    chosen: Trial | None = None
    half: Trial | None = None
    held_out: HeldOut | None = None


def in_processes(
    submit: Submit, runs: Sequence[RunFolder]
) -> Iterator[tuple[RunFolder, str]]:
    """Execute runs in processes of this machine, and yield them like ``Execute``."""
    futures = {submit(execute, run): run for run in runs}
    for future in as_completed(futures):
        yield futures[future], reason_of(future)


def execute_steps(
    folder: ModelFolder, schedule: Schedule, execute_all: Execute, submit: Submit
) -> Outcome:
    """Compare candidates, train the best, and write the final model.

    Finished runs are not repeated, and others continue from their last checkpoint.

    Raises:
        UserError: If a run fails; the message names its log.
    """
    trainings = _Trainings(schedule.seconds, execute_all)
    length, default = schedule.length, schedule.compared[0]
    if not folder.folds:
        trainings.run([(folder.final(default, length), length * default.seconds)])
        _finish(folder, default, length, 1.0, submit)
        return Outcome((), ())
    compared = [folder.trial(c, PART * length) for c in schedule.compared]
    ranking = list(compared)
    if len(compared) > 1:
        trainings.run(_runs(compared))
        best = best_of(compared, folder.persons)
        ranking.sort(key=lambda trial: (trial is not best, -trial.score))
    finalists = [
        folder.trial(trial.candidate, length) for trial in ranking[: schedule.finalists]
    ]
    runs, chosen = _runs(finalists), finalists[0]
    if len(finalists) > 1:
        trainings.run(runs)
        chosen = best_of(finalists, folder.persons)
    seconds = length * chosen.candidate.seconds
    runs.append((folder.final(chosen.candidate, length), seconds))
    short = next(t for t in compared if t.candidate is chosen.candidate)
    half = None
    # With two persons in all, there is one in each training.
    if len(folder.halves) == len(folder.folds):
        half = folder.trial(chosen.candidate, PART * length, half=True)
    trainings.run(runs + _runs([trial for trial in (short, half) if trial]))
    for trial in {id(t): t for t in (*compared, *finalists)}.values():
        if all(run.is_finished for run in trial.runs):
            save(list(trial.runs), trial.config, (), trial.config.parent)
    predicted = [predictions_of(run.predictions) for run in chosen.runs]
    held_out = HeldOut(predicted, folder.data['metainfo'])
    _finish(folder, chosen.candidate, length, held_out.temperature, submit)
    return Outcome(compared, finalists, chosen, half, held_out)


def _runs(trials: Sequence[Trial]) -> list[tuple[RunFolder, float]]:
    """Return the runs of trials, and the seconds that each takes."""
    return [
        (run, trial.length * trial.candidate.seconds)
        for trial in trials
        for run in trial.runs
    ]


def _finish(
    folder: ModelFolder,
    candidate: Candidate,
    length: float,
    temperature: float,
    submit: Submit,
) -> None:
    """Write, test and export the final model in a process that imports PyTorch."""
    print('Testing and exporting the final model ...', flush=True)
    failure = reason_of(submit(folder.finish, candidate, length, temperature))
    if failure:
        log = folder.path / 'runs' / 'final.log'
        reason = failure.removesuffix('.')
        raise UserError(f'The final model failed: {reason}; see {log}.')


class _Trainings:
    """Executes runs, and prints a line for each, with the time left for all.

    ``seconds`` is the time of all runs, in the units of each; only ratios matter.
    """

    def __init__(self, seconds: float, execute_all: Execute) -> None:
        self.seconds = seconds
        self.execute_all = execute_all
        self._begin = time.monotonic()
        self._before = self._done = 0.0

    def run(self, runs: Sequence[tuple[RunFolder, float]]) -> None:
        """Execute those that are not finished, the longest first."""
        costs = {run.path: seconds for run, seconds in runs}
        pending = {run.path: run for run, _ in runs if not run.is_finished}
        finished = sum(cost for path, cost in costs.items() if path not in pending)
        self._before += finished
        order = sorted(pending.values(), key=lambda run: -costs[run.path])
        for run in order:
            run.check()
        failures = []
        for run, failure in self.execute_all(order):
            if failure:
                failures.append(f'{failure.removesuffix(".")} (see {run.log})')
            self._done += costs[run.path]
            print(f'{self._times()}  {_described(run, failure)}', flush=True)
        if failures:
            raise UserError(
                f'Trainings failed, {len(failures)} of {len(order)}: {failures[0]}. '
                'The same command repeats only these.'
            )

    def _times(self) -> str:
        passed = time.monotonic() - self._begin
        rest = max(self.seconds - self._before - self._done, 0)
        left = timedelta(seconds=round(passed / self._done * rest))
        return f'{timedelta(seconds=round(passed))} passed, about {left} left'


def _described(run: RunFolder, failure: str) -> str:
    """Return a run and its score in words."""
    name = f'{run.path.parts[-3]}, {run.settings["fold"]}'
    if failure:
        return f'{name}: FAILED'
    if not run.test:
        return f'{name}: trained'
    scores = run.report()['metrics']
    return f'{name}: F1@10 {scores["f1@10"]:.1f}, F1@50 {scores["f1@50"]:.1f}'
