"""What a training shows in the terminal."""

import logging
import os
from pathlib import Path

import mmengine
import pytest
from mmengine.runner import Runner

from mmskelseg.engine.terminal import ProgressHook, _is_shown, build_runner


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


def test_deterministic_run_lets_cublas_be_deterministic(small_config, monkeypatch):
    """Otherwise PyTorch raises an error at the first product of matrices on a GPU."""
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', 'unset')
    monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG')
    monkeypatch.setattr(Runner, 'from_cfg', lambda cfg: cfg)
    build_runner(small_config, verbose=True)
    assert 'CUBLAS_WORKSPACE_CONFIG' not in os.environ
    small_config.randomness = {'deterministic': True}
    build_runner(small_config, verbose=True)
    assert os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':4096:8'


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
    assert ['Acc 27.3' in line for line in epochs] == [False, True, False, True]
    assert all('loss ' in line for line in epochs)
    assert [' left' in line for line in epochs] == [True, True, True, False]
