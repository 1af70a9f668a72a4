"""Models that come with the package: whole, small, and known by name."""

import json
import shutil

import pytest

from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.trained import model_zoo
from mmskelseg.trained.model_zoo import FOLDER, zoo, zoo_model
from tests.small_data import ROOT


def test_files_are_those_that_were_published_and_small():
    """Each under 5 MB, and none that no model names."""
    files = {zoo_model(name).checkpoint(live=live) for name in zoo() for live in (0, 1)}
    assert files == {*FOLDER.glob('*.safetensors')}
    for file in files:
        assert file.stat().st_size < 5e6


def test_docs_have_a_card_for_each_model():
    page = (ROOT / 'docs' / 'model_zoo.md').read_text('utf-8')
    index = (ROOT / 'configs' / 'recipes' / 'metafile.yml').read_text('utf-8')
    for name, model in zoo().items():
        assert f'## {name}\n' in page
        assert model.whole[1] in page
        assert model.live[1] in page
        assert f'Weights: mmskelseg/model_zoo/{model.whole[0]}' in index


def test_other_content_is_refused(tmp_path, monkeypatch):
    shutil.copytree(FOLDER, tmp_path / 'zoo')
    monkeypatch.setattr(model_zoo, 'FOLDER', tmp_path / 'zoo')
    model = zoo_model('precog')
    path = model.checkpoint()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r'precog\.safetensors: is not the file'):
        model.checkpoint()
    path.unlink()
    with pytest.raises(UserError, match=r'precog\.safetensors: is missing'):
        model.checkpoint()


def test_unknown_name_lists_those_there_are():
    with pytest.raises(UserError, match="'yoga': no model that comes with the package"):
        zoo_model('yoga')
    with pytest.raises(UserError, match='which has precog'):
        zoo_model(None)


def test_list_of_models_is_read_as_it_stands():
    content = json.loads((FOLDER / 'models.json').read_text('utf-8'))
    for name, item in content.items():
        model = zoo_model(name)
        assert (model.about, list(model.whole)) == (item['about'], item['whole'])
