"""Computes the frame features of a config ahead of its training.

    %(prog)s configs/skelseg/uwiom_joint_limb.py

Training and testing compute missing features themselves; this command does so ahead of
time, for all videos in the config's splits. If it is stopped, the same command
continues. Online features, such as those of recipes, are not stored.
"""

import argparse

from mmskelseg.commands.arguments import add_config_arguments, load_config
from mmskelseg.runtime.cli.command_line import command
from mmskelseg.runtime.messages.counts import counted


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    add_config_arguments(parser)


def _run(args: argparse.Namespace) -> None:
    from mmengine.dist import is_main_process
    from mmengine.registry import init_default_scope

    from mmskelseg.engine.config_checks import building
    from mmskelseg.registry import DATASETS
    from mmskelseg.utils.dist import init_distributed

    cfg = load_config(args)
    init_default_scope(cfg.default_scope)
    with init_distributed(cfg):
        for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            with building(args.config):
                dataset = DATASETS.build(cfg[key].dataset)
            made = [m for m, f in dataset.features.items() if not f.get('online')]
            if is_main_process():
                number = counted(len(dataset), 'video')
                what = 'are ready' if made else 'are computed online, when read'
                print(f'{key}: features of {number} {what}.')


main = command(
    __doc__,
    _add_arguments,
    _run,
    kept='features of finished videos are kept; the same command continues.',
)
