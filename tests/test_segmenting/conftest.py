"""Small models of every kind, their checkpoints and exported files, and videos."""

import numpy as np
import pytest
from mmengine.config import Config

from mmskelseg.export.export import export_onnx
from tests.inferring import save_random
from tests.small_data import ROOT

CLASSES = ['reach', 'lift', 'carry', 'put']
META = {
    'classes': CLASSES,
    'skeleton': 'lcr15',
    'fps': 10.0,
    'dataset': 'Small',
    'license': 'CC-BY-4.0',
    'videos': 7,
}


# A branch whose export takes a second.
SMALL = {
    'channels': 8, 'num_prediction_layers': 4, 'num_refinement_layers': 3,
    'num_refinements': 1,
}  # fmt: skip


def make_config(path, branches=None, features=None, **model):
    """Return a config of this repository with a small model of four classes.

    Args:
        path: Below `configs`.
        branches: Settings of each branch, that are added to its own.
        features: Settings of the renderer of each.
        model: Settings of the model.
    """
    cfg = Config.fromfile(ROOT / 'configs' / path)
    cfg.model.update(num_classes=4, **model)
    for name, settings in (branches or {}).items():
        cfg.model.branches[name].update(settings)
    for name, settings in (features or {}).items():
        cfg.test_dataloader.dataset.features[name].render.update(settings)
    return cfg


@pytest.fixture(scope='session')
def save(tmp_path_factory):
    """Write a checkpoint of random weights into a folder of its own."""

    def write(cfg, name='model.pth', meta=META, **options):
        path = tmp_path_factory.mktemp('checkpoints') / name
        return save_random(cfg, path, meta, **options)

    return write


@pytest.fixture(scope='session')
def export(save, person, tmp_path_factory):
    """Export a config with random weights; return its checkpoint and the file."""

    def run(cfg, meta=META, **options):
        checkpoint = save(cfg, meta=meta, video=person(200))
        file = tmp_path_factory.mktemp('exported') / 'model.onnx'
        export_onnx(cfg, checkpoint, file, **options)
        return checkpoint, file

    return run


@pytest.fixture(scope='session')
def coordinates():
    """The config of a small recipe of coordinates."""
    return make_config('recipes/uwiom_pose2d.py', {'pose2d': SMALL}, members=2)


@pytest.fixture(scope='session')
def recipe(export, coordinates):
    """Its checkpoint and exported file."""
    return export(coordinates)


@pytest.fixture(scope='session')
def causal():
    """The config of a small causal model that looks five frames ahead."""
    return make_config(
        'streaming/uwiom_pose2d.py',
        {'pose2d': {**SMALL, 'num_refinements': 3}},
        members=2,
    )


@pytest.fixture(scope='session')
def stream_file(export, causal):
    """Its checkpoint and an exported push."""
    return export(causal, streaming=True)


@pytest.fixture(scope='session')
def person():
    """Return the annotation of a walking person, of whom some joints are lost."""

    def make(frames, seed=0):
        rng = np.random.default_rng(seed)
        body = rng.normal(0, 40, (1, 1, 15, 3))
        keypoint = body + rng.normal(0, 5, (1, frames, 15, 3)).cumsum(axis=1) + 300
        score = rng.uniform(size=(1, frames, 15)).astype(np.float32)
        score[rng.uniform(size=score.shape) < 0.2] = 0
        keypoint = keypoint.astype(np.float32)
        return {
            'frame_dir': 'take1',
            'keypoint': keypoint[..., :2],
            'keypoint_3d': keypoint,
            'keypoint_score': score,
            'skeleton': 'lcr15',
            'fps': 10.0,
            'img_shape': (600, 600),
        }

    return make
