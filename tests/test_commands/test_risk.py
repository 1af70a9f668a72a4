"""Training and testing with a risk score, as a user runs them, on small data."""

import json

import numpy as np
import pytest

from mmskelseg_io.files.annotations import save_annotations
from tests.small_data import ROOT, small_annotations, small_loaders

CONFIG = ROOT / 'configs' / 'mtl' / 'uwiom_pose3d.py'
MODES = ('train', 'val', 'test')


@pytest.fixture
def options(small_data):
    """The config of MTL on 2D skeletons, with a small model, for an epoch."""
    return [
        *small_loaders(small_data),
        *(f'{mode}_dataloader.dataset.features.pose3d.render.dims=2' for mode in MODES),
        'val_evaluator.0.num_classes=3', 'test_evaluator.0.num_classes=3',
        'model.num_classes=3', 'model.branches.pose3d.in_channels=2',
        'model.branches.pose3d.skeleton=coco17',
        'model.branches.pose3d.graph_channels=[8,8]',
        'model.branches.pose3d.stem_channels=32', 'model.auxiliary.0.channels=8',
        'train_cfg.max_epochs=1', 'default_hooks.visualization.enable=False',
    ]  # fmt: skip


def write(path):
    data = small_annotations()
    data['split'].update(
        {f'a/{part}': data['split'][part] for part in ('train', 'test')}
    )
    for video in data['annotations']:
        video['risk'] = np.ones(video['total_frames'], np.float32)
    save_annotations(data, path)


@pytest.mark.slow
@pytest.mark.usefixtures('quick_runs')
def test_cross_validation_reports_the_error_of_risk(
    call_tool, tmp_path, small_data, options
):
    write(small_data)
    tool = 'tools/cross_validate.py'
    call_tool(
        tool, CONFIG, '--folds', 'a', '--work-dir', 'out', '--cfg-options', *options
    )
    metrics = json.loads((tmp_path / 'out/a/seed_0/metrics.json').read_text())
    assert {'seg/acc', 'seg/mAP', 'risk/mse', 'risk/mae', 'risk/mse_std'} <= set(
        metrics
    )
    content = json.loads((tmp_path / 'out/cross_validation.json').read_text())
    for name in ('over_folds', 'over_videos', 'over_seeds'):
        assert content[name]['scores']['mse']['mean'] > 0
    assert '| mae |' in (tmp_path / 'out/cross_validation.md').read_text()
