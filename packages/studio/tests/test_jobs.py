"""Jobs in the background: their progress, failures, and how they are stopped."""

import threading
import time

import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_studio.jobs import Background
from tests.conftest import wait_for
from tests.small_jobs import Act, Say

pytestmark = pytest.mark.usefixtures('quick_runs')
# A job that lasts until it is stopped.
LONG = Say(texts=['one', 'two'], seconds=60)


@pytest.fixture
def background(tmp_path):
    return Background(tmp_path / 'work' / 'job.log')


def then(jobs, last=list):
    """Yield jobs, each after the one before, and then take the last step."""
    results = []
    for one in jobs:
        results.append((yield one))
    last(*results)


def run(background, *jobs, last=list):
    """Run jobs of a kind to their end."""
    background.start(then((('fit', job) for job in jobs), lambda *_: last()))
    wait_for(lambda: background.state != 'running')
    return background


def test_jobs_run_one_after_another_and_then_the_last_step(background):
    """Which gets the result of each."""
    done = []
    code = "events.progress('Training', 1, 4, 1000.0); import time; time.sleep(1)"
    jobs = [
        ('fit', Act(code=f'{code}; result = 7')),
        ('predict', Say(texts=['a', 'b', 'c', 'd'])),
    ]
    see = lambda *found: done.append((*found, background.text, background.done))  # noqa: E731
    background.start(then(jobs, see))
    wait_for(lambda: background.seconds_left == 1000)
    assert (background.kind, background.text) == ('fit', 'Training')
    assert 0 < background.done < 0.1
    with pytest.raises(UserError):
        background.start(then(jobs))
    wait_for(lambda: background.state != 'running')
    assert (background.state, background.error) == ('done', None)
    assert done == [(7, 'a b c d', 'd', 0.75)]
    assert '[4/4] d' in background.log.read_text()


def test_failure_has_the_sentence_of_the_job(background):
    run(background, Say(texts=['x'], fault='take1: has no poses.'), Say(texts=['y']))
    assert (background.state, background.error) == ('failed', 'take1: has no poses.')
    assert 'y' not in background.log.read_text()


def test_unforeseen_failure_names_the_log(background):
    run(background, Act(code='1 / 0'))
    assert background.state == 'failed'
    assert str(background.log) in background.error
    assert 'ZeroDivisionError' in background.error


def test_video_that_cannot_be_converted_does_not_stop_others(background):
    jobs = [Say(texts=['a'], fault='a.avi: bad.'), Say(texts=['b'])]
    background.start(('videos', job) for job in jobs)
    wait_for(lambda: background.state != 'running')
    assert (background.state, background.error) == ('failed', 'a.avi: bad.')
    assert 'b' in background.log.read_text()


def test_stopped_job_ends_and_its_last_step_is_left_out(background, tmp_path):
    """It unwinds first, so that nothing is left half written."""
    done, last = [], tmp_path / 'last'
    job = Say(texts=['x'], seconds=60, last=last)
    background.start(then([('poses', job)], done.append))
    wait_for(lambda: background.text == 'x')
    begin = time.monotonic()
    background.stop()
    assert time.monotonic() - begin < 15
    assert last.exists()
    assert (background.state, background.error, done) == ('stopped', None, [])


def test_job_that_is_stopped_before_its_process_starts_is_stopped(background):
    """Nothing is run, and nothing has failed."""
    begin, ran = threading.Event(), []

    def jobs():
        begin.wait()
        yield 'fit', Act(code='1 / 0')
        ran.append(1)

    background.start(jobs())
    stopping = threading.Thread(target=background.stop)
    stopping.start()
    wait_for(lambda: background.state == 'stopped')
    begin.set()
    stopping.join()
    assert (background.state, background.error, ran) == ('stopped', None, [])
    assert background.log.read_text() == ''


@pytest.mark.parametrize('make', ['symlink_to', 'hardlink_to'])
def test_link_in_place_of_the_log_is_not_followed(background, tmp_path, make):
    (tmp_path / 'mine').write_text('kept')
    background.log.parent.mkdir()
    getattr(background.log, make)(tmp_path / 'mine')
    run(background, Say(texts=['x']))
    assert (background.state, background.log.read_text()) == ('done', '[1/1] x\n')
    assert (tmp_path / 'mine').read_text() == 'kept'


def test_log_that_cannot_be_written_is_named(background):
    (background.log / 'folder').mkdir(parents=True)
    run(background, Say(texts=['x']))
    assert background.state == 'failed'
    assert str(background.log) in background.error


def test_next_job_waits_for_the_end_of_the_stopped_one(background):
    done = []
    code = "try:\n  events.progress('x', 0, 1); import time; time.sleep(60)\n"
    job = Act(code=f'{code}finally:\n  time.sleep(1)')
    background.start(then([('fit', job)]))
    wait_for(lambda: background.text == 'x')
    stopping = threading.Thread(target=background.stop)
    stopping.start()
    wait_for(lambda: background.state == 'stopped')
    with pytest.raises(UserError):
        background.start(then([('fit', LONG)]))
    stopping.join()
    run(background, Say(texts=['x']), last=lambda: done.append(1))
    assert (background.state, done) == ('done', [1])


def test_unforeseen_error_ends_the_background(background):
    run(background, Say(texts=['x']), last=lambda: {}['report'])
    assert background.state == 'failed'
    assert 'report' in background.error
