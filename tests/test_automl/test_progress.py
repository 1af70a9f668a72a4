"""The time that is left of a fit."""

import re
import threading

import pytest

from mmskelseg.automl import progress
from mmskelseg.automl.progress import Progress, every_pause
from mmskelseg_io.jobs.events import PrintedEvents


class Work:
    """Work in stages, and a clock that stands still unless some is done."""

    def __init__(self, monkeypatch, stages):
        self.now = 1000.0
        monkeypatch.setattr(progress, 'monotonic', lambda: self.now)
        self.events = PrintedEvents()
        self.progress = Progress(self.events, stages)
        self.stages, self.left = stages, 0.0

    def stage(self, name, left=None):
        self.left = self.stages[name] if left is None else left
        return self.progress.stage(name, lambda: self.left)

    def does(self, planned, seconds):
        """Take some seconds for what was planned to take others."""
        self.left -= planned
        self.now += seconds

    @property
    def seconds(self):
        return self.progress.seconds_left(self.now)


@pytest.fixture
def work(monkeypatch):
    return Work(monkeypatch, {'a': 300, 'b': 600, 'c': 100})


def test_time_left_is_the_plan_as_long_as_it_holds(work):
    with work.stage('a'):
        assert work.seconds == 1000
        work.does(100, seconds=100)
        assert work.seconds == 900
        work.does(200, seconds=200)
    with work.stage('b'):
        assert work.seconds == 700


@pytest.mark.parametrize(('times', 'planned'), [(5, 120), (0.2, 120), (5, 40)])
def test_time_left_follows_what_is_measured(work, times, planned):
    """Between the plan, which counts like two minutes, and the speed since."""
    with work.stage('a'):
        work.does(planned, seconds=times * planned)
        pace = (120 + times * planned) / (120 + planned)
        assert work.seconds == pytest.approx(pace * (1000 - planned))
        assert min(1, times) < pace < max(1, times)


def test_stages_that_need_nothing_take_no_time(work):
    """Of a fit that goes on, some trainings have ended before."""
    with work.stage('a', left=20):
        work.does(20, seconds=20)
    with work.stage('c'):
        assert work.seconds == 100


def test_time_left_is_never_negative(work):
    """A training that goes on may begin before where it seemed to be."""
    with work.stage('a', left=20):
        work.does(-200, seconds=20)
        assert work.seconds == pytest.approx((220 + 700) * 140 / 120)


def test_result_of_a_step_is_followed_by_the_time_left(work, capsys):
    with work.stage('a'):
        work.does(0, seconds=60)
        capsys.readouterr()
        work.progress.finished('a_0.1, fold1: F1@10 80.0')
    assert capsys.readouterr().out == (
        'a_0.1, fold1: F1@10 80.0\n'
        '0:00:00 passed, about 0:25:00 left  a: 0 of 1 finished\n'
    )


def test_progress_is_reported_while_nothing_ends(work, capsys, monkeypatch):
    monkeypatch.setattr(progress, '_PAUSE', 0.01)
    threads = threading.active_count()
    with work.stage('a'):
        text = ''
        while text.count('\n') < 2:
            text += capsys.readouterr().out
    assert re.match(r'0:00:00 passed, about 0:16:40 left  a: 0 of 1', text)
    assert threading.active_count() == threads


def test_lines_end_with_an_error():
    threads = threading.active_count()
    with pytest.raises(KeyError), every_pause(print):
        raise KeyError
    assert threading.active_count() == threads
