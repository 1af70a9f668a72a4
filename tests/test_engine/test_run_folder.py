import json
import sys

import pytest

from mmskelseg.engine.run_folder import RunFolder, flat_settings

# Stand-ins for the tools: one leaves a checkpoint's name, the other scores.
TRAIN = 'import pathlib as p; p.Path("last_checkpoint").write_text("epoch_2.pth\\n")'
TEST = """
import json, pathlib, sys
scores = {'seg/acc': 50.0, 'seg/acc_std': 1.0, 'per_video': {'v': {'acc': 5}}}
pathlib.Path('metrics.json').write_text(json.dumps({**scores, 'arg': sys.argv[1]}))
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make_run(settings, train=TRAIN, test=TEST):
        commands = ([sys.executable, '-c', code] for code in (train, test))
        return RunFolder(tmp_path, settings, *commands)

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


def test_run_folder_names_a_broken_report(make, tmp_path):
    (tmp_path / 'metrics.json').write_text('{')
    with pytest.raises(
        ValueError, match=r'metrics\.json: is broken .* delete it to test'
    ):
        make({'lr': 0.1}).report()


def test_run_folder_does_not_test_after_a_training_that_failed(make):
    """The status of the training is the answer, its output is in the log."""
    run = make({}, train='import sys; print("why"); sys.exit(3)')
    assert run.execute() == 'exit status 3'
    assert run.log.read_text() == 'why\n'
    assert not run.is_finished


def test_run_folder_refuses_other_settings(make):
    """What was and what is are named; nothing is run."""
    make({'lr': 0.1, 'epochs': 2}).execute()
    other = make({'lr': 0.2, 'epochs': 2, 'seed': 1})
    with pytest.raises(ValueError, match=r'lr was 0\.1 and is now 0\.2; seed was None'):
        other.check()
    assert 'holds a run of other settings' in other.execute()
    make({'lr': 0.1, 'epochs': 2}).check()


def test_run_folder_refuses_a_training_it_does_not_know(make, tmp_path):
    """A folder that something else trained in is not taken for a run."""
    (tmp_path / 'last_checkpoint').write_text('epoch_9.pth')
    with pytest.raises(ValueError, match='they are not known'):
        make({}).check()


def test_run_folder_is_locked_while_a_process_of_the_run_lives(make):
    """A second start, here from within the first, leaves the folder alone."""
    code = f"""
import sys
from pathlib import Path
from mmskelseg.engine.run_folder import RunFolder
run = RunFolder(Path('.'), {{}}, [sys.executable, '-c', {TRAIN!r}], [])
print('second:', run.execute())
{TRAIN}
"""
    run = make({}, train=code)
    assert run.execute() == ''
    assert 'second: another process is at work on it' in run.log.read_text()


def test_flat_settings_takes_what_json_has():
    """Tuples and lists are the same; other objects become text."""
    nested = {'a': (1, None), 'b': {'c': True, 'd': {3}}, 'e': []}
    assert dict(flat_settings(nested)) == {
        'a.0': 1,
        'a.1': None,
        'b.c': True,
        'b.d': '{3}',
    }
