"""Connection of the processes of a distributed run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import barrier, get_world_size, init_dist
from mmengine.logging import print_log
from mmengine.utils.dl_utils import set_multi_processing


@contextmanager
def init_distributed(cfg: Config) -> Iterator[None]:
    """Connect the processes that ``cfg.launcher`` has started, if any, for a block.

    Without a GPU they are connected by gloo, and ``cfg`` is changed to what MMEngine's
    Runner needs then. SyncBatchNorm needs GPUs; without them each process normalises by
    its own videos, and running statistics are averaged after each epoch.
    """
    if cfg.launcher == 'none':
        yield
        return
    # As the Runner does, which finds them connected then.
    set_multi_processing(**cfg.get('env_cfg', {}).get('mp_cfg', {}), distributed=True)
    if get_device() != 'cpu':
        init_dist(cfg.launcher, **cfg.get('env_cfg', {}).get('dist_cfg', {}))
        yield
        return
    cfg.merge_from_dict(_without_gpus(cfg))
    # MMEngine chooses a GPU for each process, which fails where there is none.
    with mock.patch.object(torch.cuda, 'set_device'):
        init_dist(cfg.launcher, **cfg.env_cfg.dist_cfg)
    print_log(
        f'There is no GPU: {get_world_size()} processes run on CPUs, connected by '
        'gloo.',
        logger='current',
    )
    yield
    # A process that ends just after it got data may abort, since a thread of gloo's
    # frees them when the interpreter is gone (pytorch 190489).
    barrier()
    torch.distributed.destroy_process_group()


def _without_gpus(cfg: Config) -> dict[str, Any]:
    """Return the settings to change in a config."""
    return {
        'env_cfg.dist_cfg.backend': 'gloo',
        'sync_bn': None,
        'default_hooks.sync_buffers': {'type': 'SyncBuffersHook'},
        'model_wrapper_cfg': {
            # The Runner's own, but for the last.
            'broadcast_buffers': False,
            'find_unused_parameters': cfg.get('find_unused_parameters', False),
            **(cfg.get('model_wrapper_cfg') or {}),
            'device_ids': None,
        },
    }
