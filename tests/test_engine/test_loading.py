"""Configs with the settings of jobs, and the last checkpoints of trainings."""

import sys

import pytest
from mmengine.config import Config

from mmskelseg.engine.jobs import ConfigJob
from mmskelseg.engine.loading import config_of, last_checkpoint
from tests.errors import raises_naming
from tests.small_data import TOY


@pytest.fixture
def cfg(tmp_path, monkeypatch):
    """Return the config `mine.py`, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine.py').touch()
    return Config({}, filename='mine.py')


def train(folder):
    """Leave the files of a training in a folder."""
    folder.mkdir(parents=True)
    (folder / 'epoch_7.pth').touch()
    (folder / 'last_checkpoint').write_text('epoch_7.pth')
    return str(folder / 'epoch_7.pth')


def test_work_folder_has_the_name_of_the_config(cfg, tmp_path, capsys):
    """The checkpoint is printed to standard error."""
    train(tmp_path / 'work_dirs' / 'mine')
    assert last_checkpoint(cfg, 'mine.py') == 'work_dirs/mine/epoch_7.pth'
    shown = capsys.readouterr()
    assert 'work_dirs/mine/epoch_7.pth' in shown.err
    assert not shown.out


def test_work_folder_of_the_config_or_the_command_line(cfg, tmp_path):
    configs, lines = train(tmp_path / 'a'), train(tmp_path / 'b')
    cfg.work_dir = str(tmp_path / 'a')
    assert last_checkpoint(cfg, 'mine.py') == configs
    assert last_checkpoint(cfg, 'mine.py', str(tmp_path / 'b')) == lines


def test_copy_of_a_config_belongs_to_its_work_folder(cfg, tmp_path):
    """Even if it was moved and another training has its name."""
    train(tmp_path / 'work_dirs' / 'mine')
    moved = train(tmp_path / 'moved')
    (tmp_path / 'moved' / 'mine.py').touch()
    copy = Config({'work_dir': 'work_dirs/mine'}, filename=f'{tmp_path}/moved/mine.py')
    assert last_checkpoint(copy, 'mine.py') == moved


def test_config_without_training_names_the_command(cfg):
    with raises_naming(FileNotFoundError, 'work_dirs/mine', 'mmskelseg train mine.py'):
        last_checkpoint(cfg, 'mine.py')


@pytest.mark.parametrize(
    ('platform', 'start'), [('linux', 'fork'), ('darwin', 'spawn')]
)
def test_macs_start_processes_anew(monkeypatch, tmp_path, platform, start):
    """Apple's libraries may crash in forks."""
    monkeypatch.setattr(sys, 'platform', platform)
    cfg = config_of(ConfigJob(config=str(TOY), work_dir=str(tmp_path)))
    assert cfg.env_cfg.mp_cfg.mp_start_method == start
