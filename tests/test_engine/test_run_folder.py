import json

import pytest

from mmskelseg.engine.run_folder import RunFolder
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_jobs import Act

# Stand-ins for the jobs: one leaves a checkpoint and its name, the other scores.
TRAIN = """
from pathlib import Path
Path('epoch_2.pth').touch()
Path('last_checkpoint').write_text('epoch_2.pth\\n')
"""
TEST = """
import json, pathlib
scores = {'seg/acc': 50.0, 'seg/acc_std': 1.0, 'per_video': {'v': {'acc': 5}}}
pathlib.Path('metrics.json').write_text(json.dumps({**scores, 'arg': checkpoints[0]}))
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make_run(settings, train=TRAIN, test=TEST):
        return RunFolder(tmp_path, settings, *(Act(code=c) for c in (train, test)))

    return make_run


def test_run_folder_trains_then_tests_the_last_checkpoint(make, tmp_path):
    """Scores come without prefix and deviation; the test got the last checkpoint."""
    run = make({'lr': 0.1})
    assert not run.is_finished
    assert run.execute() == ''
    assert run.is_finished
    assert run.report() == {'metrics': {'acc': 50.0}, 'per_video': {'v': {'acc': 5}}}
    content = json.loads((tmp_path / 'metrics.json').read_text())
    assert content['arg'] == 'epoch_2.pth'


def test_run_folder_says_that_a_training_left_no_checkpoint(make):
    assert make({}, train='').execute() == 'the training left no checkpoint'


def test_run_folder_does_not_test_after_a_training_that_failed(make):
    run = make({}, train='raise SystemExit(3)')
    assert run.execute() == 'exit status 3'
    assert not run.is_finished


def test_run_folder_fails_with_the_sentence_of_the_run(make):
    """Nobody should have to open the log, which has the output of earlier runs too."""
    code = 'raise SystemExit("error: {}")'
    make({}, train=code.format('a.pkl: is missing.')).execute()
    failure = make({}, train=code.format('b.pkl: is broken.')).execute()
    assert failure == 'b.pkl: is broken.'
    assert make({}, test=code.format('x')).execute() == 'x'


def test_run_folder_refuses_other_settings(make):
    make({'lr': 0.1, 'epochs': 2}).execute()
    other = make({'lr': 0.2, 'epochs': 2, 'seed': 1})
    with raises_naming(ValueError, 'lr was 0.1', ' 0.2;', 'seed was None', ' 1.'):
        other.check()
    assert 'contains a run with other settings' in other.execute()
    make({'lr': 0.1, 'epochs': 2}).check()


def test_run_folder_takes_other_settings_until_there_is_a_checkpoint(make, tmp_path):
    """Settings that end a run at its start are there to be corrected."""
    assert make({'lr': 'x'}, train='raise SystemExit(1)').execute() != ''
    make({'lr': 0.1}).check()
    (tmp_path / 'epoch_1.pth').touch()
    with raises_naming(UserError, tmp_path, "lr was 'x'", ' 0.1.'):
        make({'lr': 0.1}).check()
    (tmp_path / 'epoch_1.pth').unlink()
    assert make({'lr': 0.1}).execute() == ''


def test_run_folder_refuses_a_training_it_does_not_know(make, tmp_path):
    (tmp_path / 'last_checkpoint').write_text('epoch_9.pth')
    with raises_naming(ValueError, tmp_path):
        make({}).check()


def test_run_folder_is_locked_while_a_process_of_the_run_lives(make):
    """A second start, here from within the first, leaves the folder alone."""
    code = f"""
from pathlib import Path
from mmskelseg.engine.run_folder import RunFolder
Path('second').write_text(RunFolder(Path('.'), {{}}, None, None).execute())
{TRAIN}
"""
    run = make({}, train=code)
    assert run.execute() == ''
    assert (run.path / 'second').read_text() == 'another process is running it'


@pytest.mark.parametrize(
    ('logs', 'steps'),
    [
        ({}, 0),
        ({'1': '{"loss": 1.0, "step": 20}\n{"loss": 0.5, "step": 40}\n'}, 40),
        # A training that went on, and a test.
        ({'1': '{"step": 40}\n', '2': '{"step": 60}\n', '3': '{"step": 0}\n'}, 60),
        ({'1': ''}, 0),
        ({'1': '{"step": 20}\n{"loss": 0.5, "st'}, 0),
    ],
)
def test_steps_are_those_that_are_logged(make, logs, steps):
    run = make({})
    for name, text in logs.items():
        file = run.path / name / 'vis_data' / 'scalars.json'
        file.parent.mkdir(parents=True)
        file.write_text(text)
    assert run.steps == steps


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
