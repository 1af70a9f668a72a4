"""Processes that execute jobs, started as macOS and Windows start them."""

import multiprocessing
import os
import pickle
import signal
import time

import pytest

from mmskelseg.engine.jobs import Test, Train
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg_io.jobs import processes
from mmskelseg_io.jobs.processes import Ended, ended, execute, worker_processes
from tests.small_jobs import Act, Say
from tests.tool_server import IS_POSSIBLE, preloaded_context


@pytest.mark.slow
def test_spawned_process_executes_jobs_one_after_another(tmp_path, monkeypatch):
    """It has nothing of this one but what is pickled, and sends what jobs report."""
    # Tests that fork workers replace it.
    monkeypatch.setattr(processes, 'get_context', multiprocessing.get_context)
    log, events = tmp_path / 'log', Noted()
    with worker_processes(1, events) as submit:
        jobs = [Say(texts=['good', 'day']), Say(texts=['!'], fault='take1: is empty.')]
        calls = [submit(execute, job, log) for job in jobs]
        assert [ended(call) for call in calls] == [
            Ended('good day'), Ended(failure='take1: is empty.'),
        ]  # fmt: skip
    assert events == [('good', 0, 2, None), ('day', 1, 2, None), ('!', 0, 1, None)]
    assert log.read_text().splitlines() == [
        '[1/2] good', '[2/2] day', '[1/1] !', 'error: take1: is empty.',
    ]  # fmt: skip


class Noted(list):
    """What a job has reported."""

    def progress(self, part, done, total, seconds_left):
        self.append((part, done, total, seconds_left))

    def note(self, text):
        self.append(text)

    warning = note


@pytest.fixture
def forked(monkeypatch):
    """Have processes find everything imported, where that is possible."""
    if IS_POSSIBLE:
        monkeypatch.setattr(processes, 'get_context', lambda _: preloaded_context())


def test_process_that_is_killed_is_a_failure(forked):
    with worker_processes(1) as submit:
        assert 'killed' in ended(submit(signal.raise_signal, 9)).failure


def test_events_of_a_process_that_is_killed_arrive(forked, tmp_path):
    """Whatever their texts; what it sends last may be cut off."""
    texts = ['ä\n"', 'x' * 100_000]
    code = f"""
import os
for text in {texts!r}:
    events.note(text)
events.warning('last')
os.kill(os.getpid(), 9)
"""
    events = Noted()
    with worker_processes(1, events) as submit:
        reason = ended(submit(execute, Act(code=code), tmp_path / 'log')).failure
    assert 'killed' in reason
    assert events == [*texts, 'last']


def test_several_processes_have_a_thread_each_and_this_one_as_many_as_before(
    forked, monkeypatch
):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    with worker_processes(2) as submit:
        assert submit(os.getenv, 'OMP_NUM_THREADS').result() == '1'
    assert 'OMP_NUM_THREADS' not in os.environ


def test_process_gets_time_to_stop(forked, tmp_path):
    """It unwinds, so that nothing is left half written."""
    job, log = Say(texts=['one'], seconds=60, last=tmp_path / 'last'), tmp_path / 'log'
    with worker_processes(1, patience=20) as submit:
        submit(execute, job, log)
        end = time.monotonic() + 30
        while (
            not (tmp_path / 'log').exists()
            or 'one' not in (tmp_path / 'log').read_text()
        ):
            assert time.monotonic() < end
            time.sleep(0.02)
        begin = time.monotonic()
    assert time.monotonic() - begin < 15
    assert (tmp_path / 'last').exists()


@pytest.mark.parametrize(
    ('code', 'reason', 'text'),
    [
        ('raise FileNotFoundError(2, "no", "a.pkl")', 'a.pkl: no.', 'error: a.pkl: no'),
        ('raise SystemExit("error: b.pkl.")', 'b.pkl.', 'error: b.pkl.'),
        ('raise SystemExit(3)', 'exit status 3', ''),
        ('raise SystemExit', '', ''),
        ('1 / 0', 'ZeroDivisionError: division by zero', 'Traceback'),
        ('print("good")', '', 'good\n'),
    ],
)
def test_failure_has_a_reason_that_is_logged(forked, tmp_path, code, reason, text):
    log = tmp_path / 'log'
    log.write_text('before\n')
    with worker_processes(1) as submit:
        assert ended(submit(execute, Act(code=code), log)) == Ended(failure=reason)
    assert log.read_text().startswith('before\n')
    assert text in log.read_text()


def test_run_is_what_another_process_can_be_given(tmp_path):
    train, test = Train(config='a', seed=1), Test(config='a', cfg_options={'b': [1]})
    run = RunFolder(tmp_path, {'fold': 1}, train, test)
    assert pickle.loads(pickle.dumps(run)) == run


def test_restart_fails_what_runs_and_takes_more():
    with worker_processes(1) as submit:
        calls = [submit(time.sleep, 60) for _ in range(3)]
        submit.restart()
        assert all('killed' in ended(call).failure for call in calls)
        assert submit(abs, -3).result() == 3
