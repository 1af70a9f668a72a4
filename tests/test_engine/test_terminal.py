"""What a training shows in the terminal."""

import logging
from pathlib import Path

import mmengine
import pytest

from mmskelseg.engine.terminal import ProgressHook, _is_shown


@pytest.mark.parametrize(
    ('place', 'level', 'text', 'is_shown'),
    [
        (mmengine.__file__, logging.INFO, 'Config: ...', False),
        (mmengine.__file__, logging.WARNING, 'no weights', True),
        (mmengine.__file__, logging.ERROR, 'no space', True),
        (mmengine.__file__, logging.WARNING, 'FileClient will be deprecated', False),
        ('mine.py', logging.INFO, 'Config: ...', True),
    ],
)
def test_terminal_shows_no_reports_of_mmengine(place, level, text, is_shown):
    """Those of others are shown, such as of a user's own hook."""
    record = logging.LogRecord('mmengine', level, place, 1, text, (), None)
    assert _is_shown(record) == is_shown


@pytest.fixture
def trained(make_runner):
    """Return the lines of a training of four epochs, validated every second."""
    runner = make_runner(
        {}, train_cfg={'by_epoch': True, 'max_epochs': 4, 'val_interval': 2}
    )
    runner.register_hook(ProgressHook())
    runner.train()
    log = Path(runner.log_dir, f'{runner.timestamp}.log')
    lines = [line.partition('INFO - ')[2] for line in log.read_text().splitlines()]
    return [i for i in lines if i.startswith(('Training', '4 epochs', 'Log', 'Epoch '))]


def test_training_begins_with_three_lines(trained):
    what, steps, log = trained[:3]
    assert what == 'Training Constant (1 weights) on 3 videos of Videos'
    assert steps == '4 epochs of 3 steps; every 2 epochs, scores of 3 videos'
    assert log.endswith('.log')


def test_each_epoch_has_a_line_with_scores_if_it_was_validated(trained):
    epochs = trained[3:]
    assert [line.split()[1] for line in epochs] == ['1/4', '2/4', '3/4', '4/4']
    assert ['acc 27.3' in line for line in epochs] == [False, True, False, True]
    assert all('loss ' in line for line in epochs)
    assert [' left' in line for line in epochs] == [True, True, True, False]
