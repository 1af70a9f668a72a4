"""Configs that are valid Python but no valid training."""

import os

import pytest

from mmskelseg.apis import SkelSegInferencer
from mmskelseg.commands import train
from mmskelseg.converters.common_layout import read_source
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures import Skeleton
from tests.errors import raises_naming
from tests.oracle import run_command
from tests.small_data import TOY, small_annotations, small_training


@pytest.fixture
def train_with(tmp_path, monkeypatch):
    """Train with a config of some lines that inherits the toy one."""
    save_annotations(small_annotations((9, 8, 7)), tmp_path / 'annotations.pkl')
    monkeypatch.chdir(tmp_path)
    options = small_training('annotations.pkl')

    def run(text):
        file = tmp_path / 'mine.py'
        file.write_text(f"_base_ = '{TOY}'\n{text}\n")
        with pytest.raises(UserError) as error:
            run_command(train.main, file, '--cfg-options', *options)
        return str(error.value).replace(str(file), 'mine.py')

    return run


@pytest.mark.skipif(
    'SKELSEG_TRACEBACK' in os.environ, reason='tracebacks are asked for'
)
@pytest.mark.parametrize(('text', 'message'), [
    ("train_cfg = dict(by_epoch='x')", 'mine.py: cannot be run (RuntimeError: Only '),
    ('train_dataloader = dict(dataset=dict(pipeline=[3]))', 'mine.py: cannot be run'),
    ('train_dataloader = dict(dataset=dict(indices=[99]))', 'mine.py: cannot be run'),
    ('train_dataloader = dict(dataset=dict(features=dict(heatmap=None)))',
     'mine.py: cannot be run (TypeError'),
    ("train_dataloader = dict(collate_fn='foo')", 'but got foo); correct that'),
    ('train_dataloader = dict(foo=3)', "unexpected keyword argument 'foo'"),
    ("optim_wrapper = dict(optimizer=dict(lr='a'))", 'mine.py: cannot be run (Type'),
    ('optim_wrapper = dict(optimizer=dict(lr=-1))', 'Invalid learning rate: -1'),
    ('optim_wrapper = dict(clip_grad=3)', 'mine.py: cannot be run (AssertionError'),
    ('optim_wrapper = dict(accumulative_counts=0)', 'mine.py: cannot be run (Asser'),
    ('custom_hooks = 3', 'mine.py: cannot be run (TypeError'),
    ('randomness = 3', 'mine.py: cannot be run (TypeError'),
    ('load_from = 3', 'mine.py: cannot be run (TypeError'),
    ('model = dict(branches=dict(heatmap=dict(init_cfg=3)))', 'cannot be run (Attr'),
    ('exit()', 'mine.py: cannot be read (SystemExit: None)'),
    ('raise KeyError', 'mine.py: cannot be read (KeyError: )'),
])  # fmt: skip
def test_mistake_is_told_with_its_config(train_with, text, message):
    told = train_with(text)
    assert message in told
    assert told.startswith('mine.py: ')


@pytest.mark.parametrize(
    'content', [b'a = (', b'\xff', b'a = b', b'raise KeyError', b'a = dict(']
)
@pytest.mark.parametrize('read', [
    lambda path: SkelSegInferencer(str(path), 'a.pth', 'cpu'),
    read_source,
    lambda path: Skeleton.get(str(path)),
], ids=['inferencer', 'export', 'skeleton'])  # fmt: skip
def test_file_that_is_no_program_is_named(tmp_path, read, content):
    path = tmp_path / 'mine.py'
    path.write_bytes(content)
    with raises_naming(UserError, path):
        read(path)
