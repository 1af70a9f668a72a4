"""Computations on a data set before or after a training."""

from mmengine.dist import is_main_process
from mmengine.registry import init_default_scope

from mmskelseg.engine.config_checks import building
from mmskelseg.engine.dist import init_distributed
from mmskelseg.engine.jobs import MakeFeatures
from mmskelseg.engine.loading import config_of
from mmskelseg.registry import DATASETS
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.counts import counted


def make_features(job: MakeFeatures, events: Events) -> None:
    """Compute the features of all splits of a config."""
    cfg = config_of(job)
    init_default_scope(cfg.default_scope)
    with init_distributed(cfg, events):
        for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            with building(job.source):
                dataset = DATASETS.build(cfg[key].dataset)
            made = [m for m, f in dataset.features.items() if not f.get('online')]
            if is_main_process():
                number = counted(dataset.num_videos, 'video')
                what = 'are ready' if made else 'are computed online, when read'
                events.note(f'{key}: features of {number} {what}.')
