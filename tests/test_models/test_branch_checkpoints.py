import pytest
import torch
from torch import nn

from mmskelseg.models.branch_checkpoints import (
    branch_checkpoints,
    check_branch_weights,
    check_branches_are_trained,
)
from tests.errors import raises_naming


def branch(file, **options):
    return {'init_cfg': {'type': 'Pretrained', 'checkpoint': str(file), **options}}


def test_branch_checkpoints_are_those_of_local_files():
    branches = {
        'heatmap': branch('a/epoch_1.pth', prefix='branches.heatmap'),
        'rgb': branch('https://host/b.pth'),
        'pose3d': {'init_cfg': {'type': 'Xavier'}},
        'pose2d': {},
    }
    assert branch_checkpoints(branches) == {'heatmap': 'a/epoch_1.pth'}


def test_branches_that_were_not_trained_are_all_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs' / 'skelseg').mkdir(parents=True)
    (tmp_path / 'configs' / 'skelseg' / 'toy_rgb.py').touch()
    (tmp_path / 'there.pth').touch()
    branches = {
        'heatmap': branch('there.pth'),
        'rgb': branch('work_dirs/toy_rgb/epoch_30.pth'),
        'limb': branch('work_dirs/mine/epoch_9.pth'),
    }
    with pytest.raises(FileNotFoundError) as error:
        check_branches_are_trained(branches)
    message = str(error.value)
    assert 'rgb from work_dirs/toy_rgb/epoch_30.pth, limb from work_dirs/' in message
    assert 'python tools/train.py configs/skelseg/toy_rgb.py' in message
    assert 'CONFIG (of mine)' in message
    assert '--cfg-options model.branches.rgb.init_cfg.checkpoint=FILE' in message
    assert 'there.pth' not in message


@pytest.mark.parametrize(
    ('prefix', 'width', 'named'),
    [
        ('branches.rgb', 3, None),
        ('branches.rgb.', 3, None),
        ('branches.heatmap', 3, 'branches.heatmap.weight'),
        ('branches.rgb', 4, "'rgb' | (2, 4) | (2, 3)"),
    ],
)
def test_weights_of_a_branch_must_all_be_there(tmp_path, prefix, width, named):
    file = tmp_path / 'a.pth'
    saved = nn.Linear(3, 2).state_dict(prefix='branches.rgb.')
    torch.save({'state_dict': saved}, file)
    init_cfg = {'checkpoint': str(file), 'prefix': prefix}
    if named is None:
        check_branch_weights('rgb', nn.Linear(width, 2), init_cfg)
    else:
        with raises_naming(ValueError, file, named):
            check_branch_weights('rgb', nn.Linear(width, 2), init_cfg)


def test_weights_that_were_trained_on_standardised_features_need_them(tmp_path):
    """They would read other numbers without a word."""
    file = tmp_path / 'a.pth'
    weights = nn.Linear(3, 2).state_dict()
    torch.save({**weights, 'standardizer.mean': torch.zeros(3)}, file)
    with raises_naming(ValueError, file, 'model.branches.rgb.standardize=True'):
        check_branch_weights('rgb', nn.Linear(3, 2), branch(file)['init_cfg'])


def test_weights_of_a_branch_are_finite_real_numbers(tmp_path):
    file = tmp_path / 'a.pth'
    state = {'weight': torch.ones(2, 3) + 1j, 'bias': torch.zeros(2)}
    torch.save(state, file)
    with raises_naming(ValueError, file, ' weight ', 'torch.complex64'):
        check_branch_weights('rgb', nn.Linear(3, 2), branch(file)['init_cfg'])
