"""Connection of the processes of a distributed run."""

import gc
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import barrier, get_world_size, init_dist, is_main_process
from mmengine.utils.dl_utils import set_multi_processing

from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError

# Environment variables with the rank, the number of processes, and the rank on the
# machine, as torch.distributed reads them and as launchers write them.
_NAMES = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')
_LAUNCHERS = {
    'pytorch': _NAMES,
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': tuple(f'OMPI_COMM_WORLD_{name}' for name in ('RANK', 'SIZE', 'LOCAL_RANK')),
}


@contextmanager
def init_distributed(cfg: Config, events: Events) -> Iterator[None]:
    """Connect the processes that ``cfg.launcher`` has started, for a block.

    Without a GPU, gloo connects them, and ``cfg`` gets the settings that MMEngine's
    Runner needs for that. SyncBatchNorm needs GPUs; without them, each process
    normalises by its own videos, and running statistics are averaged after each epoch.
    """
    if cfg.launcher == 'none':
        yield
        return
    _check_launched(cfg.launcher)
    # As the Runner does, which skips this if the processes are connected.
    set_multi_processing(**cfg.get('env_cfg', {}).get('mp_cfg', {}), distributed=True)
    if get_device() != 'cpu':
        init_dist(cfg.launcher, **cfg.get('env_cfg', {}).get('dist_cfg', {}))
        yield
        return
    cfg.merge_from_dict(
        {
            'env_cfg.dist_cfg.backend': 'gloo',
            'sync_bn': None,
            'default_hooks.sync_buffers': {'type': 'SyncBuffersHook'},
            'model_wrapper_cfg': {
                # The Runner's defaults, except for device_ids.
                'broadcast_buffers': False,
                'find_unused_parameters': cfg.get('find_unused_parameters', False),
                **(cfg.get('model_wrapper_cfg') or {}),
                'device_ids': None,
            },
        }
    )
    # MMEngine's init_dist chooses a GPU for each process, so it fails without one.
    options = dict(cfg.env_cfg.dist_cfg)
    options.pop('init_backend', None)
    _export_places(cfg.launcher, options.pop('port', None))
    if 'timeout' in options:
        options['timeout'] = timedelta(seconds=options['timeout'])
    torch.distributed.init_process_group(**options)
    if is_main_process():
        events.note(
            f'There is no GPU: {get_world_size()} processes run on CPUs, connected by '
            'gloo.'
        )
    yield
    # A process that ends just after receiving data may abort, since a thread of gloo
    # frees the data after the interpreter has ended (pytorch 190489). The model wrapper
    # keeps those threads alive, in a Runner that is part of a reference cycle.
    barrier()
    gc.collect()
    torch.distributed.destroy_process_group()


def _export_places(launcher: str, port: int | None) -> None:
    """Set torch.distributed's environment variables from those of the launcher."""
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ:
        command = ['scontrol', 'show', 'hostname', os.environ.get('SLURM_NODELIST', '')]
        hosts = subprocess.run(command, capture_output=True, text=True, check=True)
        os.environ['MASTER_ADDR'] = hosts.stdout.split()[0]
    if port is not None:
        os.environ['MASTER_PORT'] = str(port)
    os.environ.setdefault('MASTER_PORT', '29500')
    for name, source in zip(_NAMES, _LAUNCHERS[launcher], strict=True):
        os.environ[name] = os.environ[source]


def _check_launched(launcher: str) -> None:
    """Raise a UserError if a launcher has not set the rank of this process."""
    for source in _LAUNCHERS[launcher]:
        if not os.environ.get(source, '').isdecimal():
            raise UserError(
                f'--launcher {launcher}: the environment variable {source} is not set, '
                f'so {launcher} did not start this process; docs/distributed.md shows '
                'how to start it.'
            )
