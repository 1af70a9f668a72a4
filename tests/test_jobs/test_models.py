"""The model that a command names, and settings."""

import argparse
import subprocess
import sys
from collections.abc import Mapping

import pytest

from mmskelseg.config_files import find_config
from mmskelseg_io.jobs.declared import add_option
from mmskelseg_io.jobs.settings import setting_texts
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Option
from mmskelseg_runtime.commands.models import ModelJob, NamedModel, split_model
from tests.errors import raises_naming
from tests.small_data import ROOT


class Alone(ModelJob):
    """A job where there is no PyTorch."""

    opener = 'of_nobody'


def test_settings_are_read_as_mmengine_reads_them():
    """Numbers, lists and words get their types, and a value may hold `=`."""
    parser = argparse.ArgumentParser()
    add_option(parser, 'cfg_options', Option(''), Mapping[str, object], None)
    typed = ['a.b=1', 'c=[(1,2),x]', 'd=e=f', 'g=True']
    args = parser.parse_args(['--cfg-options', *typed[:2], '--cfg-options', *typed[2:]])
    assert args.cfg_options == {'a.b': 1, 'c': [(1, 2), 'x'], 'd': 'e=f', 'g': True}
    assert setting_texts({'a.b': 1, 'd': 'e=f'}) == ['a.b=1', 'd=e=f']


@pytest.mark.parametrize(
    'words',
    [
        ['tools/cross_validate.py', 'config.py', '--executor-options', 'foo'],
        ['tools/analysis/benchmark.py', 'model', 'config.py', '--cfg-options', 'foo'],
    ],
)
def test_tools_name_settings_that_are_not_key_value(call_tool, words):
    shown = call_tool(*words, code=2).stderr
    assert f"error: argument {words[-2]}: 'foo' is not of the form" in shown
    assert 'Traceback' not in shown


def test_help_of_benchmarks_does_not_wait_for_torch():
    path = ROOT / 'tools' / 'analysis' / 'benchmark.py'
    code = (
        'import runpy, sys\n'
        f'sys.path.insert(0, {str(path.parent)!r})\n'
        f'sys.argv = [{str(path)!r}, "--help"]\n'
        'try:\n'
        f'    runpy.run_path({str(path)!r}, run_name="__main__")\n'
        'except SystemExit as end:\n'
        '    sys.exit(end.code or "torch" in sys.modules)\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith('usage: ')


@pytest.mark.parametrize(
    ('words', 'inputs', 'config', 'checkpoint'),
    [
        ('a.mp4 mine.py c.pth', 'a.mp4', 'mine.py', 'c.pth'),
        ('a.mp4 mine.json c.pth', 'a.mp4', 'mine.json', 'c.pth'),
        ('a.mp4 toy_joint_limb c.pth', 'a.mp4', 'toy_joint_limb', 'c.pth'),
        ('a.mp4 missing.json c.pth', 'a.mp4', 'missing.json', 'c.pth'),
        ('a.mp4 m.onnx c.pth', 'a.mp4', 'm.onnx', 'c.pth'),
        ('a.mp4 b.mp4 mine.py c.pth', 'a.mp4 b.mp4', 'mine.py', 'c.pth'),
        # A checkpoint alone takes the place of CONFIG.
        ('a.mp4 c.pth', 'a.mp4', 'c.pth', None),
        ('uwiom_pose2d c.pth', 'uwiom_pose2d', 'c.pth', None),
        ('a.mp4 b.mp4 c.pth', 'a.mp4 b.mp4', 'c.pth', None),
        ('a.mp4 videos c.pth', 'a.mp4 videos', 'c.pth', None),
        ('a.mp4 b.mp4 m.onnx', 'a.mp4 b.mp4', 'm.onnx', None),
        ('a.mp4', 'a.mp4', None, None),
        # A config alone stands for the last checkpoint of its training.
        ('a.mp4 b.mp4 mine.py', 'a.mp4 b.mp4', 'mine.py', None),
        ('a.mp4 b.mp4 uwiom_joint_limb', 'a.mp4 b.mp4', 'uwiom_joint_limb', None),
        # A folder with a checkpoint is one.
        ('a.mp4 trained', 'a.mp4', 'trained', None),
        ('a.mp4 mine.py trained', 'a.mp4', 'mine.py', 'trained'),
        ('a.mp4 b.mp4 trained', 'a.mp4 b.mp4', 'trained', None),
        # So is the folder of a fit, and a name.
        ('a.mp4 fitted', 'a.mp4', 'fitted', None),
        ('a.mp4 b.mp4 fitted', 'a.mp4 b.mp4', 'fitted', None),
        ('a.mp4 b.mp4 precog', 'a.mp4 b.mp4', 'precog', None),
        ('a.mp4 b.mp4 hf:ann/mice', 'a.mp4 b.mp4', 'hf:ann/mice', None),
    ],
)
def test_words_are_told_apart(words, inputs, config, checkpoint, tmp_path, monkeypatch):
    """Folders may have the name of a config, as work folders do."""
    monkeypatch.chdir(tmp_path)
    for name in ('a.mp4', 'b.mp4', 'mine.py', 'mine.json', 'm.onnx', 'c.pth'):
        (tmp_path / name).touch()
    for name in ('toy_joint_limb', 'uwiom_pose2d', 'videos', 'trained', 'fitted'):
        (tmp_path / name).mkdir()
    (tmp_path / 'fitted' / 'model.onnx').touch()
    (tmp_path / 'trained' / 'epoch_3.pth').touch()
    found = split_model(words.split(), None)
    assert found == (inputs.split(), config, checkpoint)


def test_folder_stands_for_its_last_checkpoint(tmp_path, capsys):
    """Alone, after a config, or in an ensemble."""
    for name in ('epoch_3.pth', 'epoch_12.pth'):
        (tmp_path / name).touch()
    (tmp_path / 'last_checkpoint').write_text('epoch_12.pth')
    folder, last = str(tmp_path), str(tmp_path / 'epoch_12.pth')
    found = ModelJob().named_model(folder, None)
    assert (found.config, found.checkpoint) == (None, last)
    assert last in capsys.readouterr().err
    found = ModelJob(ensemble=[folder]).named_model('mine.py', folder)
    assert (found.config, found.checkpoint) == ('mine.py', last)
    assert found.ensemble == [last]


def test_folder_without_checkpoint_is_named(tmp_path):
    with raises_naming(FileNotFoundError, f'{tmp_path}: ', 'epoch_N.pth'):
        ModelJob().named_model('mine.py', str(tmp_path))


def test_model_of_the_package_is_named_like_any_other(tmp_path, monkeypatch):
    """Unless a file or a folder has its name."""
    monkeypatch.chdir(tmp_path)
    for job, words in ((ModelJob(), 'precog'), (ModelJob(model='precog'), None)):
        found = job.named_model(words, None)
        assert found == NamedModel(name='precog')
        assert found.is_exported()
    (tmp_path / 'precog').mkdir()
    assert ModelJob().named_model('precog', None).config == 'precog'
    with raises_naming(UserError, '--model precog', 'mine.py'):
        ModelJob(model='precog').named_model('mine.py', None)


@pytest.fixture
def fitted(tmp_path):
    """A folder like that of a fit."""
    folder = tmp_path / 'model'
    folder.mkdir()
    for name in ('config.py', 'model.safetensors', 'model.onnx', 'report.json'):
        (folder / name).touch()
    return folder


def test_folder_of_a_fit_is_a_model(fitted):
    """It has all that any command needs, for streams nothing."""
    found = ModelJob().named_model(str(fitted), None)
    assert found == NamedModel(name=str(fitted))
    assert found.is_exported()
    assert not found.is_exported(live=True)
    assert Alone().named_model(str(fitted), None) == found
    (fitted / 'model.onnx').unlink()
    assert not ModelJob().named_model(str(fitted), None).is_exported()
    with raises_naming(UserError, fitted, 'PyTorch'):
        Alone().named_model(str(fitted), None)


def test_more_than_the_folder_of_a_fit_takes_its_parts(fitted):
    weights = str(fitted / 'model.safetensors')
    found = ModelJob(ensemble=[str(fitted)]).named_model(str(fitted), None)
    assert found == NamedModel(checkpoint=weights, ensemble=[weights])
    options = {'model.members': 1}
    found = ModelJob(cfg_options=options).named_model(str(fitted), None)
    expected = NamedModel(str(fitted), weights, None, [], options)
    assert found == expected
    assert find_config(fitted) == fitted / 'config.py'
