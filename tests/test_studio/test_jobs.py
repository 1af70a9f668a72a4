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
