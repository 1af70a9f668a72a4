"""Computations on a data set before or after a training."""

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.registry import init_default_scope

from mmskelseg.engine.config_checks import building
from mmskelseg.engine.dist import init_distributed
from mmskelseg.registry import DATASETS
from mmskelseg.runtime.messages.counts import counted


def make_features(cfg: Config, source: str) -> None:
    """Compute the features of all splits of a config, named source in messages."""
    init_default_scope(cfg.default_scope)
    with init_distributed(cfg):
        for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            with building(source):
                dataset = DATASETS.build(cfg[key].dataset)
            made = [m for m, f in dataset.features.items() if not f.get('online')]
            if is_main_process():
                number = counted(dataset.num_videos, 'video')
                what = 'are ready' if made else 'are computed online, when read'
                print(f'{key}: features of {number} {what}.')
