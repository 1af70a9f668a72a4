"""Models of the zoo that users train."""

import json
import shutil

import pytest

from mmskelseg.automl.job import Fit
from mmskelseg.commands.zoo import MODELS, TrainZooModel
from mmskelseg.export.opening import zoo_checkpoint
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.segmenting.model_zoo import TRAINED, check_zoo, zoo_file
from tests.errors import raises_naming
from tests.test_converters import releases


@pytest.fixture
def fits(monkeypatch):
    """The jobs of fits, each of which takes a model of the package."""
    asked = []

    def run(self, events):
        asked.append(self)
        self.out.mkdir(exist_ok=True)
        shutil.copy(zoo_file('precog'), self.out / 'model.onnx')
        shutil.copy(zoo_checkpoint('precog'), self.out / 'model.safetensors')
        return self.out

    monkeypatch.setattr(Fit, 'run', run)
    return asked


def train(tmp_path, **options):
    job = TrainZooModel(action='train', name='mouse3d', out=tmp_path / 'zoo', **options)
    return job.run(PrintedEvents())


def test_mice_become_a_model_under_the_licence_of_their_data(fits, tmp_path):
    raw = releases.subtle(tmp_path)
    for _ in range(2):
        # The same command continues.
        model = train(tmp_path, raw=raw, minutes=2.0, seed=3)
    (fit, again) = fits
    assert (fit.minutes, fit.seed, fit.recipe) == (2.0, 3, 'pose3d')
    assert fit == again
    data = load_annotations(fit.ann_file)
    assert len(data['annotations']) == 3
    facts = json.loads((model / 'config.json').read_text())
    assert facts['license'] == 'gpl-3.0'
    assert 'SUBTLE' in (model / 'README.md').read_text()


def test_missing_copy_of_the_release_is_named(fits, tmp_path):
    with raises_naming(UserError, tmp_path / 'nothing', 'leave --raw out'):
        train(tmp_path, raw=tmp_path / 'nothing')
    assert not fits


def test_name_of_a_model_to_train_says_how():
    assert {*MODELS} == {*TRAINED}
    for name in MODELS:
        with raises_naming(UserError, f'{name}: ', f'mmskelseg zoo train {name}'):
            check_zoo(name)


def test_other_models_are_refused(capsys):
    with raises_naming(SystemExit, 2):
        TrainZooModel.main(['train', 'precog'], 'mmskelseg zoo')
    assert 'mouse3d' in capsys.readouterr().err
