"""Configs of `configs/` from their data to segments, on small data of their kind."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmskelseg.converters.data_sets import find_data_set
from mmskelseg.converters.precog import CLASSES as PRECOG
from mmskelseg.encoders.network import FrozenNetwork
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.files.video import written_video
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses
from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime.estimators import PoseEstimator
from tests.errors import raises_naming
from tests.inferring import inferencer_of
from tests.test_configs import CONFIGS

LENGTHS = {'train': 10, 'test': 8}


def name_of(path):
    return f'{path.parent.name}/{path.stem}'


def skeleton_of(path):
    """Return the layout of the data set that a config is for."""
    if path.stem == 'precog_body12':
        return 'body12'
    data = find_data_set(path.stem)
    return data.layout if data else 'lcr15'


def classes(number):
    """Return names of classes, those of PRECOG where there are as many."""
    # Its configs name pairs of classes.
    return PRECOG if number == len(PRECOG) else [f'class_{k}' for k in range(number)]


def annotations(skeleton, num_classes, folder):
    """Return two videos with all that a config could read, and write their files."""
    rng = np.random.default_rng(0)
    V = Skeleton.get(skeleton).num_joints
    videos = []
    for name, length in LENGTHS.items():
        walk = rng.normal(0, 0.02, (1, length, V, 3)).cumsum(axis=1)
        body = rng.normal([0, 0, 3], 0.3, (1, 1, V, 3)) + walk
        with written_video(folder / f'{name}.mp4', 10, (48, 64)) as put:
            for _ in range(length):
                put(rng.integers(0, 255, (48, 64, 3), np.uint8))
        videos.append(
            {
                'frame_dir': name,
                'filename': f'{name}.mp4',
                'total_frames': length,
                'img_shape': (48, 64),
                'fps': 10.0,
                'keypoint': (32 + 10 * body[..., :2]).astype(np.float32),
                'keypoint_score': np.ones((1, length, V), np.float32),
                'keypoint_3d': body.astype(np.float32),
                'label': np.arange(length) // 4 % num_classes,
                'risk': np.arange(length) % 5 + 1.0,
            }
        )
    return {
        'annotations': videos,
        'split': {name: [name] for name in LENGTHS},
        'metainfo': {
            'classes': classes(num_classes),
            'skeleton': skeleton,
            'dataset': 'small',
            'background': None,
            'up': 'y',
        },
    }


@pytest.fixture(scope='session')
def data(tmp_path_factory):
    """Return the annotation file for a layout and a number of classes."""
    root = tmp_path_factory.mktemp('data')

    def make(skeleton, num_classes):
        folder = root / f'{Skeleton.get(skeleton).name}_{num_classes}'
        if not folder.exists():
            folder.mkdir()
            content = annotations(skeleton, num_classes, folder)
            save_annotations(content, folder / 'annotations.pkl')
        return folder / 'annotations.pkl'

    return make


@pytest.fixture(scope='module')
def networks_built_once():
    """Keep the last image network for the next; random weights are the same anyway."""
    build, built = FrozenNetwork.module.func, {}

    def network(frozen):
        key = str(frozen.arch)
        if key not in built:
            built.clear()
            built[key] = build(frozen)
        return built[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FrozenNetwork, 'module', property(network))
        yield


@pytest.fixture
def load(data, tmp_path, monkeypatch, networks_built_once):
    """Return a config with random weights, for small data and one epoch."""
    monkeypatch.setenv('SKELSEG_WEIGHTS', 'none')

    def make(path):
        cfg = Config.fromfile(path)
        file = data(skeleton_of(path), cfg.model.num_classes)
        for mode in ('train', 'val', 'test'):
            dataset = cfg[f'{mode}_dataloader'].dataset
            dataset.ann_file = str(file)
            # To be quick.
            if 'rgb' in dataset.features:
                dataset.features.rgb.render.size = (48, 64)
        for branch in cfg.model.branches.values():
            branch.pop('init_cfg', None)
        cfg.train_cfg.max_epochs = 1
        cfg.work_dir = str(tmp_path / 'work_dir')
        cfg.experiment_name = f'{path.parent.name}_{path.stem}'
        cfg.visualizer.vis_backends = []
        cfg.default_hooks.pop('visualization')
        # Which takes twice the space of the weights.
        cfg.default_hooks.checkpoint.save_optimizer = False
        return cfg

    return make


class Person(PoseEstimator):
    """Finds the person of the test video."""

    def __init__(self, video, skeleton):
        self.video, self.layout, self.asked = video, skeleton, 0

    @property
    def skeleton(self):
        return self.layout

    def detections(self, images):
        raise NotImplementedError

    def estimate(self, video, *, progress=True):
        self.asked += 1
        return Poses(
            self.video['keypoint'],
            self.video['keypoint_score'],
            self.layout,
            img_shape=(48, 64),
            fps=10.0,
        )


def kind_of(path):
    """Return what a config is beside its data set, which its name begins with."""
    data = find_data_set(path.stem)
    return path.parent.name, path.stem.removeprefix(data.name if data else '')


# Of configs that differ in their data set alone, one is run.
KINDS = {kind_of(path): path for path in CONFIGS}
OTHERS = [path for path in CONFIGS if path not in KINDS.values()]


@pytest.mark.parametrize('path', OTHERS, ids=name_of)
def test_branches_have_the_channels_of_their_features(path, load):
    cfg = load(path)
    for modality, config in cfg.test_dataloader.dataset.features.items():
        recipe = recipe_from_config(modality, config, skeleton_of(path))
        assert cfg.model.branches[modality].in_channels == recipe.channels


@pytest.mark.slow
@pytest.mark.parametrize('path', KINDS.values(), ids=name_of)
def test_config_trains_tests_and_segments(path, load, data):
    """An epoch, its scores, segments of the test video from its checkpoint."""
    cfg = load(path)
    skeleton, num_classes = skeleton_of(path), cfg.model.num_classes
    runner = Runner.from_cfg(cfg)
    runner.train()
    scores = json.loads(Path(cfg.work_dir, 'metrics.json').read_text())
    assert 0 <= scores['seg/acc'] <= 100
    item = runner.train_dataloader.dataset[0]['inputs']
    recipes = [
        recipe_from_config(modality, config, skeleton)
        for modality, config in cfg.test_dataloader.dataset.features.items()
    ]
    for recipe in recipes:
        assert item[recipe.modality].shape[0] == recipe.channels

    file = data(skeleton, num_classes)
    video = load_annotations(file)['annotations'][1]
    person = Person(video, skeleton)
    segment = inferencer_of(None, f'{cfg.work_dir}/epoch_1.pth', pose_estimator=person)
    (of_file,) = segment(file, split='test')['predictions']
    assert of_file['pred_score'].shape == (num_classes, LENGTHS['test'])
    assert of_file['segments'][-1]['end_frame'] == LENGTHS['test']

    if any('3d' in modality for modality in item):
        with raises_naming(UserError, 'keypoint_3d'):
            segment(file.parent / 'test.mp4')
        return
    (of_video,) = segment(file.parent / 'test.mp4')['predictions']
    np.testing.assert_allclose(
        of_video['pred_score'], of_file['pred_score'], rtol=0, atol=1e-5
    )
    assert person.asked == any(recipe.reads == 'poses' for recipe in recipes)
