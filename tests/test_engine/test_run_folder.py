import json

import pytest

from mmskelseg.engine.run_folder import RunFolder
from mmskelseg_io.jobs.processes import Ended
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_jobs import Act

# Stand-ins for the jobs: one leaves a checkpoint and its name, the other scores.
TRAIN = """
from pathlib import Path
from mmskelseg.engine.results import Trained
Path('epoch_2.pth').touch()
Path('last_checkpoint').write_text('epoch_2.pth\\n')
result = Trained(Path(), 'epoch_2.pth')
"""
TEST = """
import json, pathlib
scores = {'seg/acc': 50.0, 'seg/acc_std': 1.0, 'per_video': {'v': {'acc': 5}}}
pathlib.Path('metrics.json').write_text(json.dumps({**scores, 'arg': checkpoints[0]}))
result = 'scores of ' + checkpoints[0]
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make_run(settings, train=TRAIN, test=TEST):
        return RunFolder(tmp_path, settings, *(Act(code=c) for c in (train, test)))

    return make_run


def test_run_folder_trains_then_tests_the_last_checkpoint(make, tmp_path):
    """Scores come without prefix and deviation; the result is that of the test."""
    run = make({'lr': 0.1})
    assert not run.is_finished
    assert run.execute() == Ended('scores of epoch_2.pth')
    assert run.is_finished
    assert run.report() == {'metrics': {'acc': 50.0}, 'per_video': {'v': {'acc': 5}}}


def test_run_folder_says_that_a_training_left_no_checkpoint(make):
    train = TRAIN.replace("'epoch_2.pth')\n", 'None)\n')
    failure = make({}, train=train).execute().failure
    assert failure == 'the training left no checkpoint'


def test_run_folder_does_not_test_after_a_training_that_failed(make):
    run = make({}, train='raise SystemExit(3)')
    assert run.execute().failure == 'exit status 3'
    assert not run.is_finished


def test_run_folder_fails_with_the_sentence_of_the_run(make):
    """Nobody should have to open the log, which has the output of earlier runs too."""
    code = 'raise SystemExit("error: {}")'
    make({}, train=code.format('a.pkl: is missing.')).execute()
    failure = make({}, train=code.format('b.pkl: is broken.')).execute().failure
    assert failure == 'b.pkl: is broken.'
    assert make({}, test=code.format('x')).execute().failure == 'x'


def test_run_folder_refuses_other_settings(make):
    make({'lr': 0.1, 'epochs': 2}).execute()
    other = make({'lr': 0.2, 'epochs': 2, 'seed': 1})
    with raises_naming(ValueError, 'lr was 0.1', ' 0.2;', 'seed was None', ' 1.'):
        other.check()
    assert 'contains a run with other settings' in other.execute().failure
    make({'lr': 0.1, 'epochs': 2}).check()


def test_run_folder_takes_other_settings_until_there_is_a_checkpoint(make, tmp_path):
    """Settings that end a run at its start are there to be corrected."""
    assert make({'lr': 'x'}, train='raise SystemExit(1)').execute().failure
    make({'lr': 0.1}).check()
    (tmp_path / 'epoch_1.pth').touch()
    with raises_naming(UserError, tmp_path, "lr was 'x'", ' 0.1.'):
        make({'lr': 0.1}).check()
    (tmp_path / 'epoch_1.pth').unlink()
    assert not make({'lr': 0.1}).execute().failure


def test_run_folder_refuses_a_training_it_does_not_know(make, tmp_path):
    (tmp_path / 'last_checkpoint').write_text('epoch_9.pth')
    with raises_naming(ValueError, tmp_path):
        make({}).check()


def test_run_folder_is_locked_while_a_process_of_the_run_lives(make):
    """A second start, here from within the first, leaves the folder alone."""
    code = f"""
from pathlib import Path
from mmskelseg.engine.run_folder import RunFolder
Path('second').write_text(RunFolder(Path('.'), {{}}, None, None).execute().failure)
{TRAIN}
"""
    run = make({}, train=code)
    assert not run.execute().failure
    assert (run.path / 'second').read_text() == 'another process is running it'


def test_training_is_as_far_as_its_last_checkpoint(make, tmp_path):
    run = make({})
    assert run.epochs == 0
    for name in ('epoch_8.pth', 'epoch_12.pth'):
        (tmp_path / name).touch()
    (tmp_path / 'last_checkpoint').write_text('epoch_12.pth')
    assert run.epochs == 12


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'seg/acc': 'high'}, "seg/acc | 'high'"),
        ({'per_video': {'v': {'acc': None}}}, 'per_video.v | acc'),
        ({'per_video': [1]}, 'per_video | [1]'),
        ({'classes': 3}, 'classes | 3'),
    ],
)
def test_scores_that_are_none_are_named(make, tmp_path, change, named):
    content = {'seg/acc': 50.0, 'per_video': {'v': {'acc': 5}}, **change}
    (tmp_path / 'metrics.json').write_text(json.dumps(content))
    with raises_naming(UserError, tmp_path / 'metrics.json', named):
        make({}).report()
