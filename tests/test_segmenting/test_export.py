"""What is exported, and what is refused with the option at fault."""

import copy
import math

import numpy as np
import pytest
import torch

from mmskelseg.commands.export import main
from mmskelseg.export import export as export_module
from mmskelseg.export import opening
from mmskelseg.export.export import export_onnx
from mmskelseg.registry import MODELS, TRANSFORMS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.features import SkeletonCoordinates
from mmskelseg_runtime.segmenting.model_files import ModelFile
from tests.errors import raises_naming
from tests.test_segmenting.conftest import make_config

COORDINATES = 'recipes/uwiom_pose2d.py'


# Whose export takes a fraction of a second.
SMALL = {
    'channels': 32, 'num_prediction_layers': 2, 'num_refinement_layers': 1,
    'num_refinements': 1,
}  # fmt: skip


@pytest.fixture(scope='module')
def small():
    return make_config(COORDINATES, {'pose2d': SMALL}, members=1)


@pytest.fixture(scope='module')
def checkpoint(small, save):
    return save(small)


@pytest.fixture
def files(small, checkpoint, tmp_path):
    """A config file, its checkpoint, and where to export it."""
    small.dump(tmp_path / 'small.py')
    return [str(tmp_path / 'small.py'), str(checkpoint), str(tmp_path / 'out.onnx')]


def test_command_says_how_far_it_is_from_pytorch(files, capsys):
    main(files)
    printed = capsys.readouterr().out
    assert printed.startswith(f'{files[2]}: segmentor, float32, 0.1 MB; largest ')
    error = float(printed.split('from PyTorch ')[1].split(',')[0])
    assert 0 < error < 1e-5
    assert printed.endswith(', at 1, 2, 100, 1,000 frames\n')


def test_options_of_the_config_are_taken_over(files, small, tmp_path):
    cfg = copy.deepcopy(small)
    cfg.model.postprocess = [{'type': 'MinDuration', 'frames': 9}]
    cfg.dump(tmp_path / 'small.py')
    main([*files, '--fps', '15', '--cfg-options', 'model.postprocess.0.frames=5'])
    metadata = ModelFile.open(files[2]).metadata
    assert metadata['fps'] == 15
    assert metadata['postprocess'] == [{'type': 'MinDuration', 'frames': 5}]


@pytest.mark.parametrize(('words', 'named'), [
    (['a', 'b.onnx'], 'error: a: '),
    (['--model', 'x', 'a', 'b.onnx'], 'a b.onnx: | MODEL OUT.onnx'),
    (['precog', '--ensemble', 'c.pth', '--', 'b.onnx'], 'precog: | --ensemble'),
])  # fmt: skip
def test_command_says_what_it_expects(words, named):
    with raises_naming(SystemExit, named):
        main(words)


def test_model_of_the_package_is_exported_by_its_name(
    checkpoint, tmp_path, monkeypatch
):
    checkpoints = {('precog', False): checkpoint}
    monkeypatch.setattr(
        opening, 'zoo_checkpoint', lambda name, live: checkpoints[name, live]
    )
    report = export_onnx('precog', None, tmp_path / 'mine.onnx')
    assert ModelFile.open(report.path).metadata['checkpoints'] == ['model.pth']


def test_other_precisions_are_refused(files):
    with raises_naming(UserError, "precision='int4' | float32, float16"):
        export_onnx(*files, precision='int4')


def test_what_graphs_cannot_read_is_refused(files, save, tmp_path):
    with raises_naming(UserError, "inputs='joints' | keypoints, features"):
        export_onnx(*files, inputs='joints')
    with raises_naming(UserError, "inputs='keypoints'"):
        export_onnx(*files, streaming=True, inputs='keypoints')
    stem = {'type': 'HeatmapEncoder', 'arch': (4, 8), 'out_channels': 8}
    cfg = make_config(
        'recipes/uwiom_heatmap_cnn.py', {'heatmap': {**SMALL, 'stem': stem}}
    )
    named = "features.heatmap.render | inputs='keypoints'"
    with raises_naming(UserError, named):
        export_onnx(cfg, save(cfg), tmp_path / 'out.onnx', inputs='keypoints')


@pytest.mark.parametrize('fps', [-3, math.nan, math.inf, 'x', 1e-300, 1e9])
def test_rate_that_is_none_is_not_written(files, tmp_path, fps):
    """Neither from an option nor from the training data."""
    with raises_naming(UserError, files[2], f'fps is {fps!r},'):
        export_onnx(*files, fps=fps)
    content = torch.load(files[1], weights_only=False)
    content['meta']['dataset_meta']['fps'] = fps
    files[1] = str(tmp_path / 'model.pth')
    torch.save(content, files[1])
    with raises_naming(UserError, files[1], f'fps is {fps!r},'):
        export_onnx(*files)
    assert not (tmp_path / 'out.onnx').exists()


@pytest.mark.parametrize('fps', [np.float32(12.5), np.int64(1000), 1000])
def test_rate_that_is_written_can_be_read(files, fps):
    export_onnx(*files, fps=fps)
    assert ModelFile.open(files[2]).metadata['fps'] == fps


def test_name_of_another_kind_is_refused(files):
    with raises_naming(UserError, 'out.pb: ', '.onnx'):
        export_onnx(*files[:2], files[2].replace('.onnx', '.pb'))


def test_graph_that_differs_from_pytorch_is_not_written(files, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, 'TOLERANCE', 1e-12)
    with raises_naming(UserError, files[2], '1e-12'):
        export_onnx(*files, inputs='features')
    monkeypatch.undo()
    kind = export_module.SegmentorExport
    monkeypatch.setattr(kind, 'difference', lambda *args: float('nan'))
    with raises_naming(UserError, files[2], 'nan, nan, nan, nan', '0.0001'):
        export_onnx(*files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['small.py']


def test_graph_of_joints_may_differ_more(files, monkeypatch):
    """It rounds the features that it makes, as PyTorch's are not."""
    kind = export_module.SegmentorExport
    monkeypatch.setattr(kind, 'difference', lambda *args: 5e-5)
    with raises_naming(UserError, files[2], '1e-05'):
        export_onnx(*files, inputs='features')
    assert export_onnx(*files).errors[1000] == 5e-5


@TRANSFORMS.register_module()
class OwnCoordinates(SkeletonCoordinates):
    """A renderer that no other has."""


@MODELS.register_module()
class OwnEncoder:
    """An encoder that no other has."""

    def load(self, device=None):
        pass

    def settings(self):
        return {}

    def encode(self, images):
        return images


DATASET = 'test_dataloader.dataset'
POSE2D = f'{DATASET}.features.pose2d'


@pytest.mark.parametrize(('changes', 'named'), [
    ({f'{POSE2D}.encoder': {'type': 'OwnEncoder'}},
     'features.pose2d.encoder | OwnEncoder'),
    ({f'{POSE2D}.render.type': 'OwnCoordinates'},
     'features.pose2d.render | OwnCoordinates'),
    ({f'{POSE2D}.transforms': [{'type': 'DropLimb', 'p': 0.5}]},
     'features.pose2d.transforms'),
    ({f'{DATASET}.pipeline': [{'type': 'RandomCropFrames', 'frames': 9}]},
     'pipeline | RandomCropFrames'),
    ({'model.postprocess': [{'type': 'MinDuration'}]},
     'MinDuration | `frames`'),
])  # fmt: skip
def test_model_that_cannot_be_exported_is_named(changes, named, save, tmp_path):
    cfg = make_config(COORDINATES)
    cfg.model.branches.pose2d.channels = 8
    cfg.merge_from_dict(changes, allow_list_keys=False)
    checkpoint = save(cfg)
    with raises_naming(UserError, named):
        export_onnx(cfg, checkpoint, tmp_path / 'out.onnx')
    assert not (tmp_path / 'out.onnx').exists()
