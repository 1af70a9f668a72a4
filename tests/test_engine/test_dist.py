"""What is set before processes are connected; that they work is in test_commands."""

import os
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.dist import utils as dist_utils

from mmskelseg.engine import dist
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import ROOT

NAMES = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')
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
    monkeypatch.setattr(
        dist.torch.distributed,
        'init_process_group',
        lambda *args, **kwargs: calls.append('init_process_group'),
    )
    for name in (*NAMES, 'MASTER_PORT'):
        monkeypatch.setenv(name, '0')

    def run(cfg, device, block=lambda: None):
        monkeypatch.setattr(dist, 'get_device', lambda: device)
        calls.clear()
        with dist.init_distributed(cfg, PrintedEvents()):
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
def test_processes_on_gpus_are_those_of_mmengine(connect, launcher, monkeypatch):
    """The config stays as it is, NCCL and SyncBatchNorm among it."""
    for name in ('PROCID', 'NTASKS', 'LOCALID'):
        monkeypatch.setenv(f'SLURM_{name}', '0')
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
        'set_multi_processing', 'init_process_group', 'block', 'barrier',
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

    with raises_naming(ValueError, 'no such video'):
        connect(config('pytorch'), 'cpu', fail)
    assert connect.calls == ['set_multi_processing', 'init_process_group', 'block']


@pytest.mark.parametrize('launcher', ['pytorch', 'slurm', 'mpi'])
def test_processes_on_cpus_find_their_places(connect, monkeypatch, launcher):
    """As by MMEngine's `init_dist`, which is run here to compare."""
    told = {
        'RANK': '3', 'WORLD_SIZE': '4', 'LOCAL_RANK': '1',
        'SLURM_PROCID': '3', 'SLURM_NTASKS': '4', 'SLURM_LOCALID': '1',
        'SLURM_NODELIST': 'a[1-2]',
        'OMPI_COMM_WORLD_RANK': '3', 'OMPI_COMM_WORLD_SIZE': '4',
        'OMPI_COMM_WORLD_LOCAL_RANK': '1',
    }  # fmt: skip
    if launcher != 'slurm':
        told['MASTER_ADDR'] = 'a1'
    if launcher != 'pytorch':
        told = {k: v for k, v in told.items() if k not in NAMES}
    monkeypatch.setattr(dist_utils.torch.cuda, 'set_device', lambda device: None)
    monkeypatch.setattr(dist_utils.subprocess, 'getoutput', lambda command: 'a1')
    monkeypatch.setattr(os, 'environ', dict(told))
    dist_utils.init_dist(launcher, 'gloo', timeout=60)
    expected = os.environ

    hosts = SimpleNamespace(stdout='a1\na2\n')
    monkeypatch.setattr(dist.subprocess, 'run', lambda *_, **__: hosts)
    monkeypatch.setattr(os, 'environ', dict(told))
    cfg = config(launcher)
    connect(cfg, 'cpu')
    names = [*NAMES, 'MASTER_ADDR', 'MASTER_PORT']
    found = {name: os.environ.get(name) for name in names}
    if launcher == 'pytorch':
        expected.setdefault('MASTER_PORT', '29500')
    if launcher == 'mpi':
        expected['LOCAL_RANK'] = '1'  # MMEngine leaves it out.
    assert found == {name: expected[name] for name in names}


def test_process_that_no_launcher_started_is_told(connect, monkeypatch):
    monkeypatch.setattr(os, 'environ', {})
    with raises_naming(UserError, '--launcher pytorch: ', 'RANK'):
        connect(config('pytorch'), 'cpu')
