"""No file from a stranger runs code: checkpoints, annotations, poses."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmskelseg.engine import training
from mmskelseg.export.opening import is_harmless
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import read_poses
from mmskelseg_io.structures import Skeleton, skeleton
from tests.errors import raises_naming
from tests.inferring import inferencer_of
from tests.small_data import small_annotations

PIPELINE = 'test_dataloader.dataset.pipeline'
FEATURES = 'test_dataloader.dataset.features.heatmap'


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """A file that appears when code of a stranger runs, with the ways to do so."""
    file = tmp_path / 'canary'
    code = f'open({str(file)!r}, "w").close()\n'
    layout = 'dataset_info = dict(keypoint_info={}, skeleton_info={})\n'
    modules = ('evil_module', 'evil_layout', 'evil/registry', 'timm', 'imgaug', 'mc')
    for name in (f'{module}.py' for module in modules):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(code + layout)
    (tmp_path / 'evil/__init__.py').touch()
    (tmp_path / 'evil_layout.yaml').write_text(
        f'dataset_info: !!python/object/apply:os.system ["touch {file}"]\n'
    )
    # As when a program is started in a folder of downloads.
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return file


def command(canary):
    return {'type': 'subprocess.Popen', 'args': ['touch', str(canary)]}


def encoder(**options):
    """Return settings of an encoder of frames."""
    plain = {'type': 'FrameEncoder', 'weights': 'none', '_delete_': True}
    return {f'{FEATURES}.encoder': {**plain, **options}}


def steps(*types, **options):
    """Return settings of a pipeline, whose last step has options."""
    *others, last = ({'type': name} for name in types)
    return {PIPELINE: [*others, {**last, **options}]}


def layout(name):
    return {f'{FEATURES}.render.skeleton': str(name)}


def hostile_settings(canary):
    folder, run = canary.parent, command(canary)
    reader = {'io_backend': 'memcached', 'server_list_cfg': 'a', 'client_cfg': 'b'}
    graph = {'type': 'MSGCN', 'skeleton': f'{folder}/evil_layout.py', '_delete_': True}
    merge = {'type': 'mmaction.MergeSkeFeat', 'feat_list': ['keypoint'], 'target': 'm'}
    sample = {'type': 'mmaction.MMUniformSampleFrames', 'clip_len': {'RGB': 1}}
    decode = {'type': 'mmaction.MMDecode', **reader, 'sys_path': str(folder)}
    wrapped = [{'type': 'mmaction.DecordInit'}]
    resnet = {'type': 'mmaction.OmniResNet', 'pretrain_2d': 'a.pth'}
    return {
        'pipeline': {PIPELINE: [run]},
        'encoder': {f'{FEATURES}.encoder': {**run, '_delete_': True}},
        'renderer': {f'{FEATURES}.render': {**run, '_delete_': True}},
        'transform': {f'{FEATURES}.transforms': [run]},
        'model': {'model': {**run, '_delete_': True}},
        'branch': {'model.branches.more': run},
        'collate_fn': {'test_dataloader.collate_fn': {'type': 'os.system'}},
        'module': steps('evil_module'),
        'scope': steps('PackSegInputs', _scope_='evil'),
        'scope of a type': steps('evil.PackSegInputs'),
        'nested': steps('PackSegInputs', transforms=[[run]]),
        'network': encoder(arch='evil.Net'),
        'layout': layout(folder / 'evil_layout.py'),
        'layout without suffix': layout(folder / 'evil_layout'),
        'YAML layout': layout('evil_layout.yaml'),
        'layout outside of MMPose': layout(f'mmpose:../../{folder}/evil_layout'),
        'layout of a graph': {'model.branches.heatmap': graph},
        'reader of files': steps(
            'mmaction.LoadRGBFromFile', **reader, sys_path='model.pth/model'
        ),
        'wrapper of a reader': steps('RandomApply', transforms=wrapped),
        'optional package': steps('mmaction.ImgAug', transforms='default'),
        'type within weights': encoder(arch='torchvision.resnet18', weights=run),
        'network of an optional library': encoder(arch='timm.evil'),
        # They inherit from a reader of files, whose arguments name a module.
        'reader among harmless parts': {PIPELINE: [merge, sample, decode]},
        'network that loads a file': encoder(arch=resnet),
        'address': {f'{FEATURES}.encoder.anything': 'pavi://model'},
        'file that a part reads': steps('PackSegInputs', metainfo='evil_layout.py'),
    }


DOORS = list(hostile_settings(Path('canary')))


@pytest.fixture
def with_settings(small_config, checkpoint):
    """Return a checkpoint whose own config has other settings."""

    def make(settings):
        path = checkpoint(small_config)
        content = torch.load(path)
        cfg = Config.fromstring(content['meta']['cfg'], '.py')
        cfg.merge_from_dict(settings)
        content['meta']['cfg'] = cfg.pretty_text
        torch.save(content, path)
        return path

    return make


@pytest.fixture
def hostile(canary, with_settings):
    """Return a checkpoint whose own config opens a door."""
    return lambda door: with_settings(hostile_settings(canary)[door])


@pytest.mark.parametrize('door', DOORS)
def test_config_in_a_checkpoint_runs_no_code(hostile, canary, door):
    path = hostile(door)
    with raises_naming(UserError, path, 'refused'):
        inferencer_of(None, path)
    assert not canary.exists()


@pytest.mark.parametrize(
    'render',
    [
        [1],
        'SkeletonCoordinates',
        {'type': 'RenderSkeletonHeatmap', 'size': 'a'},
        {'type': 'RenderSkeletonHeatmap', 'edge': 3},
        {'type': 'RenderSkeletonHeatmap', 'box': 7},
    ],
    ids=str,
)
def test_mistake_in_the_config_of_a_checkpoint_names_the_checkpoint(
    with_settings, render
):
    path = with_settings({f'{FEATURES}.render': render})
    with raises_naming(UserError, path):
        inferencer_of(None, path)


ENCODER = {'type': 'FrameEncoder', 'arch': 'torchvision.resnet18', '_delete_': True}
LOADED = {
    'file': (ENCODER, 'weights', '/etc/passwd'),
    'download': (ENCODER, 'weights', 'torchvision'),
    'address': (ENCODER, 'weights', 'https://example.org/resnet.pth'),
    'checkpoint of a backbone': (
        {
            **ENCODER,
            'arch': {'type': 'mmaction.ResNet', 'depth': 18},
            'weights': 'none',
        },
        'arch.init_cfg.checkpoint',
        '/etc/passwd',
    ),
}


@pytest.mark.parametrize('door', LOADED)
def test_config_in_a_checkpoint_loads_no_other_weights(
    with_settings, monkeypatch, door
):
    monkeypatch.delenv('SKELSEG_WEIGHTS', raising=False)
    encoder, key, value = LOADED[door]
    at = f'{FEATURES}.encoder'
    path = with_settings({at: {**encoder}, f'{at}.{key}': value})
    with raises_naming(UserError, path, f'features.heatmap.encoder.{key}={value!r}'):
        inferencer_of(None, path)


def test_weights_that_the_user_names_are_loaded(with_settings, monkeypatch, tmp_path):
    weights = tmp_path / 'mine.pth'
    torch.save({'fc.weight': torch.ones(2)}, weights)
    path = with_settings({f'{FEATURES}.encoder': {**ENCODER, 'weights': str(weights)}})
    monkeypatch.setenv('SKELSEG_WEIGHTS', str(weights))
    with raises_naming(UserError, weights, 'resnet18'):
        inferencer_of(None, path)


def test_weights_from_which_a_training_began_are_not_read(small_config, checkpoint):
    """The checkpoint has all weights of the model; the file may be anything."""
    branch = small_config.model.branches.heatmap
    branch.init_cfg = {'type': 'Pretrained', 'checkpoint': '/etc/passwd'}
    model = inferencer_of(None, checkpoint(small_config)).model
    assert all(getattr(m, 'init_cfg', None) is None for m in model.modules())


def test_other_texts_of_a_config_are_looked_at_as_well(hostile, canary):
    path = hostile('pipeline')
    content = torch.load(path)
    text = content['meta'].pop('cfg')
    content['message_hub'] = {'runtime_info': {'cfg': text}}
    torch.save(content, path)
    with raises_naming(UserError, path, 'refused'):
        inferencer_of(None, path)
    assert not canary.exists()


def test_imports_that_a_config_asks_for_are_left_out(
    canary, small_config, checkpoint, tmp_path
):
    path = checkpoint(small_config)
    content = torch.load(path)
    content['meta']['cfg'] += (
        "\ncustom_imports = dict(imports=['evil_module'])\n"
        "_base_ = ['evil_layout.py']\n"
    )
    torch.save(content, path)
    inferencer_of(None, path)
    assert not canary.exists()


@pytest.mark.parametrize('by_config', [True, False])
@pytest.mark.parametrize(
    'layout', ['evil_layout.py', 'evil_layout.yaml', 'evil_layout']
)
def test_skeleton_of_a_checkpoint_is_no_file(
    canary, small_config, checkpoint, layout, by_config
):
    meta = {**small_annotations()['metainfo'], 'skeleton': str(canary.parent / layout)}
    path = checkpoint(small_config, meta)
    with raises_naming(UserError, path, 'skeleton is'):
        inferencer_of(small_config if by_config else None, path)
    assert not canary.exists()


def test_skeleton_of_an_annotation_file_is_no_file(canary, small_data):
    data = pickle.loads(small_data.read_bytes())
    data['metainfo']['skeleton'] = str(canary.parent / 'evil_layout.py')
    small_data.write_bytes(pickle.dumps(data))
    with raises_naming(ValueError, small_data, 'metainfo skeleton'):
        load_annotations(small_data)
    assert not canary.exists()


def test_skeleton_of_a_file_of_poses_is_no_file(canary, tmp_path):
    layout = str(canary.parent / 'evil_layout.py')
    np.savez('take.npz', keypoint=np.zeros((5, 3, 2)), skeleton=layout)
    meta = {'dataset_name': 'x', 'from_file': layout}
    instances = [{'keypoints': [[0, 0]], 'keypoint_scores': [1]}]
    frames = [{'frame_id': 0, 'instances': instances}]
    (tmp_path / 'take.json').write_text(
        json.dumps({'meta_info': meta, 'instance_info': frames, 'skeleton': layout})
    )
    for name in ('take.npz', 'take.json'):
        with raises_naming(ValueError, f'{name}: '):
            read_poses(name)
    assert not canary.exists()


def test_config_that_a_user_names_is_a_program(canary, small_config, checkpoint):
    """As everywhere in OpenMMLab, and as the README says."""
    path = checkpoint(small_config)
    small_config.test_dataloader.dataset.pipeline.append({'type': 'evil_module'})
    with raises_naming(TypeError, 'module'):
        inferencer_of(small_config, path)
    assert canary.exists()


def test_names_of_other_packages_are_not_registered(canary):
    """Nor does it import anything to look for a name."""
    for name in ('evil_module', 'evil.registry', 'evil_module.x', 'mmskelseg.evil', 3):
        assert not is_harmless(name)
    assert not canary.exists()


def test_parts_that_only_compute_are_harmless():
    """Also those of MMAction2 that inherit from parts of other packages."""
    for name in (
        'STGCN',
        'ResNet3dSlowOnly',
        'GenSkeFeat',
        'PreNormalize2D',
        'GCNHead',
    ):
        assert is_harmless(f'mmaction.{name}'), name
    for name in ('MMDecode', 'OmniResNet', 'DecordInit'):
        assert not is_harmless(f'mmaction.{name}'), name


def test_a_folder_called_mmpose_is_not_mmpose(canary, monkeypatch):
    folder = canary.parent / 'mmpose' / '.mim' / 'configs' / '_base_' / 'datasets'
    folder.mkdir(parents=True)
    (canary.parent / 'mmpose' / '__init__.py').touch()
    code = (canary.parent / 'evil_module.py').read_text()
    (folder / 'evil.py').write_text(code)
    monkeypatch.setattr(skeleton, 'is_installed', lambda package: False)
    with raises_naming(UserError, "'mmpose:evil'", 'pip install mmpose'):
        Skeleton.get('mmpose:evil')
    assert not canary.exists()


def test_config_of_a_stranger_s_work_folder_is_read_as_data(canary, small_config):
    """`train --work-dir` looks whether another model was trained there."""
    folder = canary.parent / 'downloaded'
    folder.mkdir()
    (folder / 'last_checkpoint').touch()
    code = (canary.parent / 'evil_module.py').read_text()
    (folder / Path(small_config.filename).name).write_text(code)
    small_config.work_dir = str(folder)
    training.check_work_dir(small_config)
    assert not canary.exists()


def test_collate_function_may_have_options(small_config, checkpoint):
    """MMEngine's inferencer fails where it is given as a dict."""
    small_config.test_dataloader.collate_fn = {'type': 'pseudo_collate'}
    path = checkpoint(small_config)
    for config in (small_config, None):
        segment = inferencer_of(config, path)
        assert segment({'keypoint': np.ones((9, 17, 2)), 'fps': 10})['predictions']


def test_scope_of_a_package_that_is_not_installed_imports_nothing(
    canary, small_config, checkpoint
):
    """A module of that name may lie in the folder where the program was started."""
    code = (canary.parent / 'evil_module.py').read_text()
    (canary.parent / 'mmpretrain.py').write_text(code)
    pipeline = small_config.test_dataloader.dataset.pipeline
    pipeline[-1]['_scope_'] = 'mmpretrain'
    path = checkpoint(small_config)
    with raises_naming(UserError, path, "_scope_='mmpretrain'"):
        inferencer_of(None, path)
    assert not canary.exists()
