"""Each config builds and does one step of training, without data or weights."""

import pytest
import torch
from mmengine.config import Config

from mmskelseg.registry import MODELS
from mmskelseg_io.structures import Skeleton
from tests.segmentors import labelled_samples
from tests.small_data import ROOT

# Those that name no data are for others to inherit.
CONFIGS = [
    path
    for pattern in ('configs/[!_]*/*.py', 'projects/*/*_pose2d.py')
    for path in sorted(ROOT.glob(pattern))
    if 'ann_file' in Config.fromfile(path).test_dataloader.dataset
]


def more_axes(branch):
    """Return what a branch reads of each channel of a frame: joints, or a picture."""
    if 'stem' in branch:
        return [56, 56]
    return [Skeleton.get(branch.skeleton).num_joints] if 'skeleton' in branch else []


@pytest.mark.parametrize(
    'path', CONFIGS, ids=lambda path: f'{path.parent.name}/{path.stem}'
)
def test_config_builds_and_does_a_loss_step(path):
    cfg = Config.fromfile(path)
    model = MODELS.build(cfg.model)
    inputs = {
        name: torch.randn(1, branch.in_channels, 30, *more_axes(branch))
        for name, branch in cfg.model.branches.items()
    }
    samples = labelled_samples((30,), cfg.model.num_classes)
    loss, _ = model.parse_losses(model(inputs, samples, mode='loss'))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    'path', CONFIGS, ids=lambda path: f'{path.parent.name}/{path.stem}'
)
def test_config_agrees_with_itself(path):
    cfg = Config.fromfile(path)
    assert cfg.default_scope == 'mmskelseg'
    for mode in ('train', 'val', 'test'):
        features = cfg[f'{mode}_dataloader'].dataset.features
        assert list(features) == list(cfg.model.branches)
    metrics = cfg.test_evaluator
    first = metrics[0] if isinstance(metrics, list) else metrics
    assert first.num_classes == cfg.model.num_classes
    assert cfg.train_dataloader.dataset.split == 'train'
    assert cfg.test_dataloader.dataset.split == 'test'
    assert cfg.default_hooks.threads == {'type': 'CPUThreadsHook', 'threads': 1}
    # The test videos choose no checkpoint.
    assert 'save_best' not in cfg.default_hooks.checkpoint


@pytest.mark.parametrize(
    ('value', 'expected'), [(None, 'torchvision'), ('some/file.pth', 'some/file.pth')]
)
def test_weights_come_from_the_environment(monkeypatch, value, expected):
    """SKELSEG_WEIGHTS names them under any launcher; without it they are downloaded."""
    monkeypatch.delenv('SKELSEG_WEIGHTS', raising=False)
    if value:
        monkeypatch.setenv('SKELSEG_WEIGHTS', value)
    cfg = Config.fromfile(ROOT / 'configs' / 'skelseg' / 'uwiom_joint_limb.py')
    for mode in ('train', 'val', 'test'):
        encoder = cfg[f'{mode}_dataloader'].dataset.features.heatmap.encoder
        assert encoder.weights == expected


def test_each_config_has_a_work_folder_of_its_own():
    """Or one training would overwrite the checkpoints of another model."""
    folders = {}
    for path in CONFIGS:
        folder = Config.fromfile(path).get('work_dir', f'work_dirs/{path.stem}')
        assert folders.setdefault(folder, path) == path
