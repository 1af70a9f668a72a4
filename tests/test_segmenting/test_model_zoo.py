"""Models that come with the package: whole, small, and known by name."""

import shutil
from pathlib import Path

import pytest

from mmskelseg.export.opening import ZOO, zoo_checkpoint
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.segmenting.model_files import ModelFile
from mmskelseg_runtime.segmenting.model_zoo import FOLDER, check_zoo, zoo, zoo_file
from tests.errors import raises_naming
from tests.small_data import ROOT


def test_files_are_those_that_were_published_and_small():
    """Each under 5 MB, and none that no model names."""
    files = {of(n, live=x) for of in (zoo_file, zoo_checkpoint) for n in zoo()
             for x in (False, True)}  # fmt: skip
    assert files == {*FOLDER.glob('*.onnx'), *ZOO.iterdir()}
    assert {file.name for file in files} == {
        n for names in zoo().values() for n in names
    }
    for file in files:
        assert file.stat().st_size < 5e6


@pytest.mark.parametrize('live', [False, True])
def test_pictures_know_the_background(live):
    """Which is grey in them."""
    for name in zoo():
        assert ModelFile.open(name, live=live).metadata['background'] == 'nothing'


def test_docs_have_a_card_for_each_model():
    page = (ROOT / 'docs' / 'model_zoo.md').read_text('utf-8')
    index = (ROOT / 'configs' / 'recipes' / 'metafile.yml').read_text('utf-8')
    for name, digests in zoo().items():
        assert f'## {name}\n' in page
        assert digests[f'{name}.safetensors'] in page
        assert digests[f'{name}_live.safetensors'] in page
        assert f'Weights: mmskelseg/model_zoo/{name}.safetensors' in index


def test_other_content_is_refused(tmp_path):
    path = Path(shutil.copy(FOLDER / 'precog.onnx', tmp_path))
    path.write_bytes(path.read_bytes()[:-1])
    with raises_naming(UserError, path):
        zoo_file('precog', folder=tmp_path)
    path.unlink()
    with raises_naming(UserError, path, "'precog'"):
        zoo_file('precog', folder=tmp_path)


@pytest.mark.parametrize('name', ['yoga', None])
def test_unknown_name_lists_those_there_are(name):
    with raises_naming(UserError, f'{name!r}: ', 'precog'):
        check_zoo(name)
