"""The table of public data sets, and a data set that is added to it."""

from importlib import import_module

import numpy as np
import pytest

from mmskelseg.converters.data_sets import find_data_set
from mmskelseg_io.commands import convert
from mmskelseg_io.entry_points import commands
from mmskelseg_io.files.annotations import load_annotations
from tests.errors import raises_naming
from tests.installing import forget, install
from tests.small_data import ROOT
from tests.test_docs import python_block


@pytest.fixture
def arena(monkeypatch, tmp_path):
    """The folder of a release of the data set that docs/extending.md adds."""
    code = python_block('extending.md', 'DataSet(')
    files = {'rooms/__init__.py': '', 'rooms/arena.py': code}
    install(monkeypatch, tmp_path / 'lib', files, {'converters': 'rooms'})
    release = tmp_path / 'release'
    release.mkdir()
    for name in 'ab':
        points = np.ones((1, 2, 17, 2), np.float32)
        np.savez(release / f'{name}.npz', points=points, label=[1, 2])
    yield release
    monkeypatch.undo()
    forget()


def test_added_data_set_is_converted(arena, tmp_path, capsys):
    convert.main(['arena', str(arena), str(tmp_path / 'out')], 'mmskelseg convert')
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert data['split'] == {'train': ['a'], 'test': ['b']}
    assert data['annotations'][0]['label'].tolist() == [1, 2]
    meta = data['metainfo']
    stated = [meta[key] for key in ('dataset', 'view', 'background')]
    assert stated == ['arena', 'top', 'other']
    with raises_naming(SystemExit, 0):
        convert.main(['--help'], 'mmskelseg convert')
    assert 'Convert the people of Arena' in capsys.readouterr().out


@pytest.mark.usefixtures('arena')
def test_missing_file_of_an_added_data_set_names_its_command():
    with raises_naming(FileNotFoundError, '`mmskelseg convert arena SRC data/arena`'):
        load_annotations('data/arena/annotations.pkl')


@pytest.mark.parametrize(
    'name',
    [
        k
        for k, one in commands('converters').items()
        if '.checkpoints.' not in one.module
    ],
)
def test_data_set_has_the_name_of_its_module(name):
    """And a tool and a page, as every converter does."""
    data = getattr(import_module(commands('converters')[name].module), 'DATA', None)
    assert data is None or find_data_set(name) is data
    assert data is None or data.name == name
    assert (ROOT / f'tools/dataset_converters/{name}.py').is_file()


@pytest.mark.parametrize(
    ('folder', 'command'),
    [
        ('toy', 'convert toy data/toy'),
        ('uwiom', 'convert uwiom data/uwiom/raw data/uwiom --download'),
        ('precog_body12', 'convert precog data/precog_body12 --layout body12'),
        ('subtle', 'convert subtle data/subtle/raw data/subtle --download'),
    ],
)
def test_missing_folder_names_its_converter(folder, command):
    with pytest.raises(FileNotFoundError) as error:
        load_annotations(f'data/{folder}/annotations.pkl')
    assert f'there is no such folder data/{folder}' in str(error.value)
    assert f'mmskelseg {command}' in str(error.value)
