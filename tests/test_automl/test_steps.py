"""What is trained, and what is said of it."""

import json
import threading
import time
from dataclasses import replace
from math import inf
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmskelseg.automl import progress as progress_module
from mmskelseg.automl.model_folder import ModelFolder
from mmskelseg.automl.planning import COMPARING, TRAINING, FitPlan
from mmskelseg.automl.progress import Progress
from mmskelseg.automl.steps import Trainings, finished, half_trial, ranked
from mmskelseg.automl.trials import Trial
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.jobs.processes import Ended
from tests.errors import assert_names


def trial(f1):
    return SimpleNamespace(candidate='pose2d', f1=f1)


@pytest.mark.parametrize(
    ('length', 'halves', 'short', 'why'),
    [
        (0.3, 3, [], '30 %'),
        (1.0, 2, [80.0], 'too few'),
        (1.0, 3, [6.1], 'F1@10 of 6 in place of 60'),
        (1.0, 3, [44.0], 'F1@10 of 44'),
        (1.0, 3, [46.0], None),
        (0.5, 3, [60.0], None),
    ],
)
def test_short_trainings_predict_only_if_they_have_learned(length, halves, short, why):
    """Half of the labels are trained if that of all reaches three quarters of 60."""
    made = object()
    data = SimpleNamespace(
        folds=['fold1', 'fold2', 'fold3'], halves=['half1', 'half2', 'half3'][:halves]
    )
    setup = SimpleNamespace(data=data, trial=lambda candidate, length, half: made)
    plan = FitPlan(['pose2d'], {}, 1, length, length, {'pose2d': 9.0}, 1.0, 15)
    found, reason = half_trial(setup, plan, trial(60.0), *map(trial, short))
    if why is None:
        assert (found, reason) == (made, '')
    else:
        assert found is None
        assert_names(reason, why)


def setup_of(path, *folds):
    data = SimpleNamespace(folds=[*folds])
    return SimpleNamespace(data=data, folder=ModelFolder(path))


def test_a_comparison_that_is_late_stops(tmp_path, monkeypatch, capsys):
    """What has ended counts; what has not is left out, also of the plan."""
    monkeypatch.setattr(progress_module, '_PAUSE', 0.01)
    plan = FitPlan(['a', 'b'], {}, 1, 1.0, 1.0, {'a': 9.0, 'b': 9.0}, 0.0, 15)
    setup = setup_of(tmp_path, 'fold1')

    def short(name):
        run = SimpleNamespace(
            path=tmp_path / name / 'x', log='', epochs=0, settings={'fold': 'fold1'},
            test=None, is_finished=False, check=lambda: None,
        )  # fmt: skip
        candidate = SimpleNamespace(name=name, only_compared=False)
        choice = SimpleNamespace(plan=SimpleNamespace(epochs=9))
        return SimpleNamespace(
            candidate=candidate, length=0.2, choice=choice, runs=[run], score=1
        )

    trials, stopped = [short('a'), short('b')], threading.Event()

    def execute_all(runs):
        runs[0].is_finished = True
        yield runs[0], Ended()
        assert stopped.wait(20)
        yield runs[1], Ended(failure='its process was killed')

    progress = Progress(PrintedEvents(), plan.times(1, 1))
    # Full trainings of half the length take 9 s.
    deadline = time.monotonic() + 9.5
    plan_of_half = replace(plan, full=0.5)
    trainings = Trainings(setup, plan, progress, 1, execute_all, deadline, stopped.set)
    trainings.run(COMPARING, trials, later=plan_of_half.after_comparing(1, 1))
    done = finished(trainings, trials)
    assert [one.candidate.name for one in done] == ['a']
    assert trainings.plan.compared == ['a']
    assert json.loads(setup.folder.plan.read_text())['left_out'].keys() == {'b'}
    assert 'Left out: b, since' in capsys.readouterr().out


def test_first_model_is_trained_before_all_else_and_named(tmp_path, capsys):
    plan = FitPlan(['a'], {}, 1, 1.0, 1.0, {'a': 400.0}, 0.0, 15)

    def made(name, length):
        run = SimpleNamespace(
            path=tmp_path / name / name / 'seed_0', epochs=0, settings={'fold': name},
            test=None, is_finished=False, check=lambda: None,
        )  # fmt: skip
        choice = SimpleNamespace(plan=SimpleNamespace(epochs=9))
        candidate = SimpleNamespace(name='a')
        return SimpleNamespace(
            candidate=candidate, length=length, choice=choice, runs=[run]
        )

    order = []

    def execute_all(runs):
        order.extend(run.settings['fold'] for run in runs)
        yield from ((run, Ended()) for run in runs)

    progress = Progress(PrintedEvents(), plan.times(0, 1))
    setup = setup_of(tmp_path)
    trainings = Trainings(setup, plan, progress, 1, execute_all, inf)
    trainings.run(TRAINING, [made('final', 1.0), made('first', plan.first)])
    assert order == ['first', 'final']
    assert str(tmp_path / 'first' / 'first' / 'seed_0') in capsys.readouterr().out


def test_what_is_only_compared_is_never_chosen():
    def scored(name, score, only_compared):
        candidate = SimpleNamespace(name=name, only_compared=only_compared, seconds=9)
        return Trial(candidate, 1, None, Path(), ()), score

    trials = [scored('a', 60, False), scored('b', 90, True), scored('c', 80, False)]
    for trial, score in trials:
        vars(trial)['f1_of_videos'] = {f'video {i}': score + i for i in range(9)}
    persons = {f'video {i}': str(i) for i in range(9)}
    found = ranked([trial for trial, _ in trials], persons)
    assert [one.name for one in found] == ['c', 'a']


@pytest.mark.parametrize(
    ('seconds', 'full'),
    [
        # Three trainings of 9 s, and two on half of the labels of 1.8 s
        (inf, 1.0),
        (31.0, 1.0),
        # 3 * 5.4 + 3.6
        (20.0, 0.6),
        (-5.0, 0.01),
    ],
)
def test_a_fit_that_is_late_trains_less(tmp_path, capsys, seconds, full):
    plan = FitPlan(['a', 'b'], {}, 1, 1.0, 1.0, {'a': 9.0, 'b': 9.0}, 0.0, 15)
    setup = setup_of(tmp_path, 'fold1', 'fold2')
    progress = Progress(PrintedEvents(), plan.times(2, 1))
    deadline = time.monotonic() + seconds
    trainings = Trainings(setup, plan, progress, 1, lambda runs: iter(()), deadline)
    found = trainings.keep_time()
    assert trainings.plan == found
    assert (found.full, found.length) == (full, 1.0)
    assert setup.folder.plan.is_file() == (full < 1)
    if full < 1:
        assert json.loads(setup.folder.plan.read_text())['full'] == full
        assert_names(capsys.readouterr().out, f'{100 * full:.0f} %')
