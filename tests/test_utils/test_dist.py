"""What is set before processes are connected; that they work is in test_tools."""

import pytest
from mmengine.config import Config

from mmskelseg.utils import dist
from tests.small_data import ROOT

CONFIG = ROOT / 'configs' / 'stl' / 'uwiom_pose3d.py'


@pytest.fixture
def connect(monkeypatch):
    """Run a block with processes that are started and ended in name only."""
    calls = []
    for name in ('init_dist', 'barrier', 'set_multi_processing'):
        monkeypatch.setattr(
            dist, name, lambda *args, name=name, **kwargs: calls.append(name)
        )
    monkeypatch.setattr(dist.torch.distributed, 'destroy_process_group', int)

    def run(cfg, device, block=lambda: None):
        monkeypatch.setattr(dist, 'get_device', lambda: device)
        calls.clear()
        with dist.init_distributed(cfg):
            calls.append('block')
            block()
        return calls

    run.calls = calls
    return run


def config(launcher):
    cfg = Config.fromfile(CONFIG)
    cfg.launcher = launcher
    return cfg


def test_one_process_is_not_connected(connect):
    """Without a launcher there is nothing to do, and the config stays as it is."""
    cfg = config('none')
    assert connect(cfg, 'cpu') == ['block']
    assert cfg.to_dict() == config('none').to_dict()


@pytest.mark.parametrize('launcher', ['pytorch', 'slurm'])
def test_processes_on_gpus_are_those_of_mmengine(connect, launcher):
    """The config stays as it is, NCCL and SyncBatchNorm among it."""
    cfg = config(launcher)
    assert connect(cfg, 'cuda') == ['set_multi_processing', 'init_dist', 'block']
    assert cfg.to_dict() == config(launcher).to_dict()
    assert cfg.env_cfg.dist_cfg.backend == 'nccl'
    assert cfg.sync_bn == 'torch'


def test_processes_on_cpus_do_without_what_needs_gpus(connect):
    """Gloo, no SyncBatchNorm, no GPU of the model; they end together."""
    cfg = config('pytorch')
    cfg.model_wrapper_cfg = dict(find_unused_parameters=True)
    assert connect(cfg, 'cpu') == [
        'set_multi_processing', 'init_dist', 'block', 'barrier',
    ]  # fmt: skip
    assert cfg.env_cfg.dist_cfg.backend == 'gloo'
    assert cfg.sync_bn is None
    assert cfg.model_wrapper_cfg == {
        'broadcast_buffers': False,
        'find_unused_parameters': True,
        'device_ids': None,
    }


def test_processes_do_not_wait_for_each_other_after_an_error(connect):
    """The error of one ends it, and its launcher ends the others."""

    def fail():
        raise ValueError('no such video')

    with pytest.raises(ValueError, match='no such video'):
        connect(config('pytorch'), 'cpu', fail)
    assert connect.calls == ['set_multi_processing', 'init_dist', 'block']
