"""Commands in the background: their progress, failures, and how they are stopped."""

import sys
import threading
import time

import pytest

from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.studio.jobs import Job
from tests.test_studio.conftest import wait_for


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path / 'work' / 'job.log')


def python(code):
    return [sys.executable, '-c', code]


def test_commands_run_one_after_another_and_then_the_last_step(job):
    done = []
    lines = "print('0:01:00 passed, about 0:03:00 left  a_0.1, fold1: F1@10 80.0')"
    asked = f'{lines}; input() if 0 else None; import time; time.sleep(1)'
    commands = [
        ('fit', python(asked)),
        ('predict', python("print('[3/4] Predicting x')")),
    ]
    job.start(commands, lambda: done.append(job.text))
    wait_for(lambda: job.seconds_left == 180)
    assert (job.kind, job.done) == ('fit', 0.25)
    assert job.text == 'Testing on held-out recordings'
    with pytest.raises(UserError):
        job.start(commands, list)
    wait_for(lambda: job.state != 'running')
    assert (job.state, job.error, done) == ('done', None, ['Predicting x'])
    assert 'Predicting x' in job.log.read_text()


def test_failure_has_the_sentence_of_the_command(job):
    code = "import sys; print('more'); sys.exit('error: take1: has no poses.')"
    job.start([('fit', python(code)), ('predict', python('1'))], list)
    wait_for(lambda: job.state != 'running')
    assert (job.state, job.error) == ('failed', 'take1: has no poses.')


def test_unforeseen_failure_names_the_log(job):
    job.start([('fit', python('1 / 0'))], list)
    wait_for(lambda: job.state != 'running')
    assert job.state == 'failed'
    assert str(job.log) in job.error
    assert 'ZeroDivisionError' in job.error


def test_stopped_command_ends_and_its_last_step_is_left_out(job):
    done = []
    code = "print('[1/2] x', flush=True); import time; time.sleep(60)"
    job.start([('poses', python(code))], lambda: done.append(1))
    wait_for(lambda: job.text == 'x')
    job.stop()
    assert job.state == 'stopped'
    assert job._process.poll() is not None
    time.sleep(0.2)
    assert (job.state, done) == ('stopped', [])


def test_job_that_is_stopped_before_its_process_starts_is_stopped(job, monkeypatch):
    """No command is run, and nothing has failed."""
    done, begin = [], threading.Event()
    monkeypatch.setattr(
        job, '_lines', lambda words: begin.wait() and Job._lines(job, words)
    )
    job.start([('fit', python('print(1)'))], lambda: done.append(1))
    stopping = threading.Thread(target=job.stop)
    stopping.start()
    wait_for(lambda: job.state == 'stopped')
    begin.set()
    stopping.join()
    assert (job.state, job.error) == ('stopped', None)
    assert (job._process, done) == (None, [])


def test_stopped_job_does_not_fail_by_what_its_process_says_last(job):
    code = 'import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(1))'
    job.start(
        [('fit', python(f"{code}\nprint('...', flush=True)\ntime.sleep(60)"))], list
    )
    wait_for(lambda: job.text == '...')
    job.stop()
    assert (job.state, job.error) == ('stopped', None)


@pytest.mark.parametrize('make', ['symlink_to', 'hardlink_to'])
def test_link_in_place_of_the_log_is_not_followed(job, tmp_path, make):
    (tmp_path / 'mine').write_text('kept')
    job.log.parent.mkdir()
    getattr(job.log, make)(tmp_path / 'mine')
    job.start([('fit', python('print(1)'))], list)
    wait_for(lambda: job.state != 'running')
    assert (job.state, job.log.read_text()) == ('done', '1\n')
    assert (tmp_path / 'mine').read_text() == 'kept'


def test_log_that_cannot_be_written_is_named(job):
    (job.log / 'folder').mkdir(parents=True)
    job.start([('fit', python('print(1)'))], list)
    wait_for(lambda: job.state != 'running')
    assert job.state == 'failed'
    assert str(job.log) in job.error


def test_command_whose_output_cannot_be_written_is_ended(job, monkeypatch):
    """As on a full disk; another job may begin then."""

    def refuse(line):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(job, '_follow', refuse)
    code = "print('a', flush=True); import time; time.sleep(60)"
    job.start([('fit', python(code))], list)
    wait_for(lambda: job.state != 'running')
    assert (job.state, 'No space' in job.error) == ('failed', True)
    assert job._process.poll() is not None


def test_next_job_waits_for_the_end_of_the_stopped_one(job):
    done = []
    slow = 'import signal, time; signal.signal(15, lambda *_: (time.sleep(1), exit()))'
    job.start(
        [('fit', python(f"{slow}; print('...', flush=True); time.sleep(60)"))], list
    )
    wait_for(lambda: job.text == '...')
    stopping = threading.Thread(target=job.stop)
    stopping.start()
    wait_for(lambda: job.state == 'stopped')
    with pytest.raises(UserError):
        job.start([('fit', python('1'))], list)
    stopping.join()
    job.start([('fit', python('1'))], lambda: done.append(1))
    wait_for(lambda: job.state != 'running')
    assert (job.state, done) == ('done', [1])


def test_unforeseen_error_ends_the_job(job):
    job.start([('fit', python('1'))], lambda: {}['report'])
    wait_for(lambda: job.state != 'running')
    assert job.state == 'failed'
    assert 'report' in job.error
