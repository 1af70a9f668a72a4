"""Trainings of small models use one thread."""

import sys
from types import SimpleNamespace

import pytest
import torch

from mmskelseg.engine.hooks import CPUThreadsHook


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_threads_are_set_for_the_training_only(monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    runner, hook = SimpleNamespace(model=torch.nn.Linear(2, 3)), CPUThreadsHook()
    hook.before_train(runner)
    assert torch.get_num_threads() == 1
    hook.after_train(runner)
    assert torch.get_num_threads() == 2


def test_the_environment_has_the_last_word(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '2')
    CPUThreadsHook().before_train(SimpleNamespace(model=torch.nn.Linear(2, 3)))
    assert torch.get_num_threads() == 2


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='a matter of glibc')
def test_memory_of_a_step_is_kept_for_the_next():
    """Pages that were used before need not be cleared by the system again."""
    resource = pytest.importorskip('resource')
    CPUThreadsHook().before_train(SimpleNamespace(model=torch.nn.Linear(2, 3)))

    def step():
        """Use 80 MB, and return how many pages were new."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            kept = [torch.ones(1 << 22) for _ in range(5)]
        del kept
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    step()
    assert step() < 5_000
