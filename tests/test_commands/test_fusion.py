"""Training in two steps: each branch, then their fusion."""

import json

import pytest
import torch
from mmengine.config import Config

from mmskelseg.checkpoints.reading import load_state_dict
from mmskelseg.registry import MODELS
from mmskelseg_io.files.annotations import save_annotations
from tests.small_data import ROOT, small_annotations


@pytest.fixture
def data(tmp_path, run_tool):
    """Three short toy videos with their clips, where the toy configs look for them."""
    out = tmp_path / 'data' / 'toy'
    run_tool('tools/dataset_converters/toy.py', out, '--videos', 3, '--seconds', 6)
    return out


def test_fusion_says_which_branches_are_not_trained(tmp_path, call_tool):
    """Before any features are made."""
    save_annotations(small_annotations(), tmp_path / 'data/toy/annotations.pkl')
    config = ROOT / 'configs' / 'skelseg' / 'toy_fusion.py'
    process = call_tool('tools/train.py', config, code=1)
    assert 'heatmap from work_dirs/toy_joint_limb/epoch_30.pth' in process.stderr
    assert 'rgb from work_dirs/toy_rgb/epoch_30.pth' in process.stderr
    assert 'Traceback' not in process.stderr
    assert not (tmp_path / 'data' / 'toy' / 'features').exists()


@pytest.mark.slow
def test_fusion_starts_from_both_branches(tmp_path, run_tool, data):
    options = ['train_cfg.max_epochs=2', 'train_cfg.val_interval=2']
    quick = ['--cfg-options', *options]
    configs = ROOT / 'configs' / 'skelseg'
    for name in ('toy_joint_limb', 'toy_rgb'):
        run_tool('tools/train.py', configs / f'{name}.py', *quick)
    starts = [
        f'model.branches.{modality}.init_cfg.checkpoint=work_dirs/{name}/epoch_2.pth'
        for modality, name in (('heatmap', 'toy_joint_limb'), ('rgb', 'toy_rgb'))
    ]
    # A learning rate of 0 leaves the branches as they were loaded.
    still = [*quick, *starts, 'optim_wrapper.optimizer.lr=0']
    run_tool('tools/train.py', configs / 'toy_fusion.py', *still)
    work = tmp_path / 'work_dirs'
    fused = load_state_dict(work / 'toy_fusion' / 'epoch_2.pth')
    for modality, name in (('heatmap', 'toy_joint_limb'), ('rgb', 'toy_rgb')):
        alone = load_state_dict(work / name / 'epoch_2.pth')
        for key, value in alone.items():
            assert key.startswith(f'branches.{modality}.')
            assert torch.equal(fused[key], value), key
    run_tool(
        'tools/test.py', configs / 'toy_fusion.py', work / 'toy_fusion/epoch_2.pth'
    )
    metrics = json.loads((work / 'toy_fusion' / 'metrics.json').read_text())
    assert 0 <= metrics['seg/f1@10'] <= 100


def test_cross_validated_fusion_needs_branches_of_the_same_fold(tmp_path, call_tool):
    """A branch of another split may have seen the fold's test videos."""
    data = small_annotations(num_classes=2)
    data['split'] |= {'a/train': ['video_0', 'video_1'], 'a/test': ['video_2']}
    save_annotations(data, tmp_path / 'data/toy/annotations.pkl')
    for name in ('toy_joint_limb', 'toy_rgb'):
        file = tmp_path / 'work_dirs' / name / 'epoch_30.pth'
        file.parent.mkdir(parents=True)
        file.touch()
    config = ROOT / 'configs' / 'skelseg' / 'toy_fusion.py'
    process = call_tool('tools/cross_validate.py', config, '--seeds', 5, code=1)
    assert 'work_dirs/toy_joint_limb/a/seed_5/epoch_30.pth: there is' in process.stderr
    assert "branch 'heatmap' starts in fold a, seed 5" in process.stderr


@pytest.mark.slow
@pytest.mark.usefixtures('quick_runs')
def test_cross_validated_fusion_starts_from_its_own_fold(tmp_path, call_tool, data):
    configs = ROOT / 'configs' / 'skelseg'
    options = ['train_cfg.max_epochs=1']
    for modality, name in (('heatmap', 'toy_joint_limb'), ('rgb', 'toy_rgb')):
        model = MODELS.build(Config.fromfile(configs / f'{name}.py').model)
        file = tmp_path / 'work_dirs' / name / 'fold2' / 'seed_0' / 'epoch_1.pth'
        file.parent.mkdir(parents=True)
        torch.save({'state_dict': model.state_dict()}, file)
        options.append(
            f'model.branches.{modality}.init_cfg.checkpoint='
            f'work_dirs/{name}/epoch_1.pth'
        )
    call_tool(
        'tools/cross_validate.py', configs / 'toy_fusion.py', '--folds', 'fold2',
        '--cfg-options', *options,
    )  # fmt: skip
    log = (tmp_path / 'work_dirs/toy_fusion/fold2/seed_0/run.log').read_text()
    for name in ('toy_joint_limb', 'toy_rgb'):
        assert f'work_dirs/{name}/fold2/seed_0/epoch_1.pth' in log
