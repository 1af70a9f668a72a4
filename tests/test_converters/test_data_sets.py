"""The table of public data sets, and a data set that is added to it."""

import sys
from importlib import import_module

import pytest

from mmskelseg import converters
from mmskelseg.commands import convert
from mmskelseg.converters.data_sets import find_data_set
from mmskelseg.runtime.files.annotations import load_annotations
from tests.errors import raises_naming
from tests.small_data import ROOT
from tests.test_docs import python_block


@pytest.fixture
def arena(monkeypatch, tmp_path):
    """The folder of a release of the data set that docs/extending.md adds."""
    (tmp_path / 'rooms').mkdir()
    code = python_block('extending.md', 'DataSet(')
    (tmp_path / 'rooms/arena.py').write_text(code, 'utf-8')
    folders = [*converters.__path__, str(tmp_path / 'rooms')]
    monkeypatch.setattr(converters, '__path__', folders)
    release = tmp_path / 'release'
    release.mkdir()
    for name in 'ab':
        row = ','.join(map(str, range(8)))
        (release / f'{name}.csv').write_text(f'{row},groom\n{row},rear\n')
    yield release
    sys.modules.pop('mmskelseg.converters.arena', None)


def test_added_data_set_is_converted(arena, tmp_path, capsys):
    convert.main(['arena', str(arena), str(tmp_path / 'out')], 'mmskelseg convert')
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert data['split'] == {'train': ['a'], 'test': ['b']}
    assert data['annotations'][0]['label'].tolist() == [1, 2]
    meta = data['metainfo']
    assert (meta['dataset'], meta['view'], meta['background']) == (
        'arena',
        'top',
        'other',
    )
    with raises_naming(SystemExit, 0):
        convert.main(['--help'], 'mmskelseg convert')
    assert 'Convert the mice of Arena' in capsys.readouterr().out


@pytest.mark.usefixtures('arena')
def test_missing_file_of_an_added_data_set_names_its_command():
    with raises_naming(FileNotFoundError, '`mmskelseg convert arena SRC data/arena`'):
        load_annotations('data/arena/annotations.pkl')


@pytest.mark.parametrize('name', converters.converters())
def test_data_set_has_the_name_of_its_module(name):
    """And a tool and a page, as every converter does."""
    data = getattr(import_module(f'mmskelseg.converters.{name}'), 'DATA', None)
    assert data is None or find_data_set(name) is data
    assert data is None or data.name == name
    assert (ROOT / f'tools/dataset_converters/{name}.py').is_file()
