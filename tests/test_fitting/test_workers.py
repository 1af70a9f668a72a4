"""Processes that import everything once, started as macOS and Windows start them."""

import multiprocessing
import pickle

import pytest

from mmskelseg.commands import main
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg.fitting import workers
from mmskelseg.fitting.workers import call_command, reason_of, worker_processes


@pytest.mark.slow
def test_spawned_process_runs_commands_one_after_another(tmp_path, monkeypatch):
    """It has nothing of this one but what is pickled."""
    # Tests that fork workers replace it.
    monkeypatch.setattr(workers, 'get_context', multiprocessing.get_context)
    log = tmp_path / 'log'
    with worker_processes(1, main) as submit:
        calls = [submit(call_command, words, log) for words in (['bouts', '-h'], ['x'])]
        good, bad = map(reason_of, calls)
    assert (good, 'x' in bad) == ('', True)
    assert 'usage: ' in log.read_text()


def test_run_is_what_another_process_can_be_given(tmp_path):
    run = RunFolder(tmp_path, {'fold': 1}, ['a'], ['b'])
    assert pickle.loads(pickle.dumps(run)) == run
