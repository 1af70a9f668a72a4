"""How the processes of a distributed run are connected."""

from unittest import mock

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import get_world_size, init_dist
from mmengine.logging import print_log
from mmengine.utils.dl_utils import set_multi_processing


def connect_processes(cfg: Config) -> None:
    """Connect the processes that ``cfg.launcher`` names; none of them if it is 'none'.

    Without a GPU they are connected by gloo, and ``cfg`` is changed to what MMEngine's
    Runner needs then. SyncBatchNorm needs GPUs; without them each process normalises by
    its own videos, and running statistics are averaged after each epoch.
    """
    if cfg.launcher == 'none':
        return
    # In the order of the Runner, which does neither again.
    set_multi_processing(**cfg.get('env_cfg', {}).get('mp_cfg', {}), distributed=True)
    if get_device() == 'cpu':
        _connect_cpus(cfg)
    else:
        init_dist(cfg.launcher, **cfg.get('env_cfg', {}).get('dist_cfg', {}))


def _connect_cpus(cfg: Config) -> None:
    wrapper = {
        # MMEngine's own settings, and no GPU.
        'broadcast_buffers': False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
        **(cfg.get('model_wrapper_cfg') or {}),
        'device_ids': None,
    }
    cfg.merge_from_dict(
        {
            'env_cfg.dist_cfg.backend': 'gloo',
            'sync_bn': None,
            'model_wrapper_cfg': wrapper,
            'default_hooks.sync_buffers': {'type': 'SyncBuffersHook'},
        }
    )
    # MMEngine chooses a GPU for each process, which fails where there is none.
    with mock.patch.object(torch.cuda, 'set_device'):
        init_dist(cfg.launcher, **cfg.env_cfg.dist_cfg)
    print_log(
        f'There is no GPU: {get_world_size()} processes run on CPUs, connected by '
        'gloo.',
        logger='current',
    )
