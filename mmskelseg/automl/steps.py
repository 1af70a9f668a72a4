"""The steps of a fit: compare, train the best in full, calibrate, finish."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from mmskelseg.automl.held_out import HeldOut, predictions_of
from mmskelseg.automl.planning import (
    COMPARING,
    FINALISTS,
    FINISHING,
    LABELS,
    LONG,
    PART,
    TRAINING,
    Candidate,
    FitPlan,
    after,
    wall,
)
from mmskelseg.automl.progress import Progress, every_pause
from mmskelseg.automl.trials import Setup, Trial, best_of, finish
from mmskelseg.engine.cross_validation import save
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg_behaviour.scores import score_texts
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.jobs.processes import Ended, Submit, ended, logged
from mmskelseg_io.messages.errors import UserError

#: Executes runs, and yields each with how it ended.
Execute = Callable[[list[RunFolder]], Iterator[tuple[RunFolder, Ended]]]
# The name of the trial that makes the first model.
_FIRST = 'first'
# What more time brought on the sets of benchmarks/studies/fit.md.
_GAIN = 'On other data, the full training had 0 to 20 points of F1@10 more.'
# The label curve needs short trainings that reach this share of the score of full ones.
_ENOUGH = 0.75


@dataclass(frozen=True)
class Outcome:
    """What a fit has found.

    Attributes:
        plan: What was trained.
        compared: The candidates, the default first.
        short: Short trials of the candidates; none if they are too short to tell.
        finalists: Full trials of the best.
        chosen: The best of these; None if there are no folds.
        half: A short trial of it on half of the labels, if there is one.
        no_half: Why there is none.
        held_out: Its predictions of videos that it was not trained on.
    """

    plan: FitPlan
    compared: Sequence[Candidate]
    short: Sequence[Trial]
    finalists: Sequence[Trial]
    chosen: Trial | None = None
    half: Trial | None = None
    no_half: str = ''
    held_out: HeldOut | None = None


@dataclass
class Trainings:
    """Executes the trainings of trials, and says what they have found.

    Attributes:
        deadline: When all should be finished, by ``time.monotonic``; infinite if the
            plan must not change.
    """

    setup: Setup
    plan: FitPlan
    progress: Progress
    processes: int
    execute_all: Execute
    deadline: float
    stop: Callable[[], object] = lambda: None

    def run(self, stage: str, trials: Sequence[Trial], later: float = -inf) -> None:
        """Execute those that are not finished: the first model, then the longest.

        They are stopped if there is no time left for what is planned to take so many
        seconds ``later``.

        Raises:
            UserError: If a training fails; the message names its log.
        """
        pairs = [(run, trial) for trial in trials for run in trial.runs]
        pending = {pair[0].path: pair for pair in pairs if not pair[0].is_finished}

        def rank(pair: tuple[RunFolder, Trial]) -> tuple[bool, float]:
            return not _is_first(pair[0]), -self._cost(pair[1])

        order = [run for run, _ in sorted(pending.values(), key=rank)]
        for run in order:
            run.check()

        def seconds() -> float:
            # A copy, since another thread calls this.
            left = [*pending.values()]
            costs = [self._cost(trial, run.epochs) for run, trial in left]
            return wall(costs, self.processes)

        def count() -> tuple[int, int]:
            return len(order) - len(pending), len(order)

        is_late = False

        def watch() -> None:
            nonlocal is_late
            if not is_late and not self.has_time(later):
                is_late = True
                self.stop()

        failures = []
        with (
            self.progress.stage(stage, seconds, count),
            every_pause(watch),
        ):
            for run, outcome in self.execute_all(order):
                failure = outcome.failure.removesuffix('.')
                if failure and is_late:
                    continue
                if failure:
                    failures.append(f'{failure} (see {run.log})')
                del pending[run.path]
                self.progress.finished(_described(run, outcome))
        if failures:
            raise UserError(
                f'Trainings failed, {len(failures)} of {len(order)}: {failures[0]}. '
                'The same command repeats only these.'
            )

    @property
    def given(self) -> tuple[int, int]:
        """The numbers of folds and of processes."""
        return len(self.setup.data.folds), self.processes

    def change(self, plan: FitPlan, why: str) -> None:
        """Go on with another plan, also if the fit is stopped, and say why."""
        self.plan, self.progress.times = plan, plan.times(*self.given)
        plan.write(self.setup.folder.plan)
        self.progress.events.note(why)

    def has_time(self, seconds: float) -> bool:
        """Return whether there is time for what is planned to take some seconds."""
        now = time.monotonic()
        return now + self.progress.pace(now) * seconds <= self.deadline

    def keep_time(self) -> FitPlan:
        """Shorten the full trainings if these would end too late; return the plan."""
        now = time.monotonic()
        seconds = (self.deadline - now) / self.progress.pace(now)
        plan = self.plan.shortened(*self.given, seconds)
        if plan != self.plan:
            self.change(
                plan,
                'It takes longer than foretold, so full trainings run for '
                f'{100 * plan.full:.0f} % of their length.',
            )
        return plan

    def _cost(self, trial: Trial, epochs: int = 0) -> float:
        """Return the seconds that a training takes after some epochs."""
        whole = self.plan.cost(trial.candidate.name, trial.length)
        return whole * (1 - epochs / trial.choice.plan.epochs)


def execute_steps(
    compared: Sequence[Candidate], trainings: Trainings, submit: Submit
) -> Outcome:
    """Compare candidates, train the best, and write the final model.

    Finished runs are not repeated, and others continue from their last checkpoint.

    Raises:
        UserError: If a run fails; the message names its log.
    """
    setup, plan, default = trainings.setup, trainings.plan, compared[0]
    first = [setup.whole(default, plan.first, _FIRST)] if plan.first else []
    if not setup.data.folds:
        final = setup.whole(default, plan.full)
        trainings.run(TRAINING, [*first, final])
        _finish(trainings, final, 1.0, submit)
        return Outcome(plan, compared, (), ())
    short: list[Trial] = []
    ranking = list(compared)
    if len(compared) > 1 or plan.is_long:
        short = [setup.trial(one, PART * plan.length) for one in compared]
    if len(short) > 1:
        # For full trainings that say something.
        least = replace(plan, full=min(plan.full, LONG))
        later = least.after_comparing(*trainings.given)
        trainings.run(COMPARING, [*first, *short], later)
        first = []
        short = finished(trainings, short)
        compared = [trial.candidate for trial in short] or [default]
        ranking = ranked(short, setup.data.persons) if short else compared
    plan = trainings.keep_time()
    finalists = [setup.trial(one, plan.full) for one in ranking[: plan.finalists]]
    chosen = finalists[0]
    if len(finalists) > 1:
        trainings.run(FINALISTS, finalists)
        chosen = best_of(finalists, setup.data.persons)
    own = [trial for trial in short if trial.candidate is chosen.candidate]
    final = setup.whole(chosen.candidate, plan.full)
    trainings.run(TRAINING, [*first, chosen, *own, final])
    half, why = half_trial(setup, plan, chosen, *own)
    if half and not trainings.has_time(after(TRAINING, trainings.progress.times)):
        half, why = None, 'the time was over'
    if half:
        trainings.run(LABELS, [half])
    for trial in (*short, *finalists):
        save(list(trial.runs), trial.config, {}, trial.config.parent)
    predicted = [predictions_of(run.predictions) for run in chosen.runs]
    held_out = HeldOut(predicted, setup.data.metainfo)
    _finish(trainings, final, held_out.temperature, submit)
    return Outcome(plan, compared, short, finalists, chosen, half, why, held_out)


def finished(trainings: Trainings, short: Sequence[Trial]) -> list[Trial]:
    """Return the trials that have ended, and leave the others out of the plan.

    The default stays in the plan, and is trained if nothing else is.
    """
    done = [trial for trial in short if all(run.is_finished for run in trial.runs)]
    if not all(trial.candidate.only_compared for trial in done):
        gone = [t.candidate.name for t in short if t not in done]
    else:
        done, gone = [], [t.candidate.name for t in short[1:]]
    if len(done) < len(short):
        why = 'the comparison was stopped, since the time was short'
        plan = trainings.plan.without(gone, why)
        trainings.change(plan, f'Left out: {", ".join(gone)}, since {why}.')
    return done


def ranked(short: Sequence[Trial], persons: Mapping[str, str]) -> list[Candidate]:
    """Return the candidates that may be the final model, the best first."""
    own = [trial for trial in short if not trial.candidate.only_compared]
    best = best_of(own, persons)
    own.sort(key=lambda trial: (trial is not best, -trial.score))
    return [trial.candidate for trial in own]


def half_trial(
    setup: Setup, plan: FitPlan, chosen: Trial, *short: Trial
) -> tuple[Trial | None, str]:
    """Return the short trial on half of the labels, or why there is none.

    ``short`` is that on all labels, if trainings are long enough.
    """
    if not plan.is_long:
        return None, (
            f'trainings ran for {100 * plan.length:.0f} % of their full length, which '
            f'tells too little below {100 * LONG:.0f} %'
        )
    # With two persons in all, there is one in each training.
    if len(setup.data.halves) < len(setup.data.folds):
        return None, 'there are too few to leave out half of them'
    if not short:
        return None, 'there was no time for short trainings'
    (whole,) = short
    if whole.f1 < _ENOUGH * chosen.f1:
        found = f'F1@10 of {whole.f1:.0f} in place of {chosen.f1:.0f}'
        return None, f'the short trainings reached too little ({found})'
    return setup.trial(chosen.candidate, PART * plan.length, half=True), ''


def _finish(
    trainings: Trainings, final: Trial, temperature: float, submit: Submit
) -> None:
    """Write, test and export the final model in a process that imports PyTorch."""
    setup = trainings.setup
    begin, log = time.monotonic(), setup.folder.runs / 'final.log'

    def left() -> float:
        return max(trainings.plan.finish - (time.monotonic() - begin), 0.0)

    with trainings.progress.stage(FINISHING, left):
        cfg = final.choice.write(setup.folder.config, temperature)
        made = setup.folder, cfg, final.runs[0].path, setup.data.has_test
        call = submit(logged, log, finish, *made, PrintedEvents())
        failure = ended(call).failure
    if failure:
        reason = failure.removesuffix('.')
        raise UserError(f'The final model failed: {reason}; see {log}.')


def _is_first(run: RunFolder) -> bool:
    """Return whether a run makes the first model."""
    return run.settings['fold'] == _FIRST


def _described(run: RunFolder, outcome: Ended) -> str:
    """Return a run and its score in words."""
    if _is_first(run) and not outcome.failure:
        use = f'A first model, which all commands take until the fit ends: {run.path}'
        return f'{use}. {_GAIN}'
    name = f'{run.path.parts[-3]}, {run.settings["fold"]}'
    if outcome.failure:
        return f'{name}: FAILED'
    if outcome.result is None or run.test is None:
        return f'{name}: trained'
    return f'{name}: {", ".join(score_texts(outcome.result.metrics))}'
