"""Computes the frame features of a config ahead of its training.

    %(prog)s configs/skelseg/uwiom_joint_limb.py

Training and testing compute missing features themselves; this command does so ahead of
time, for all videos in the config's splits. If it is stopped, the same command
continues. Online features, such as those of recipes, are not stored.
"""

import argparse

from mmskelseg.commands.arguments import add_config_arguments, load_config
from mmskelseg.runtime.cli.command_line import command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    add_config_arguments(parser)


def _run(args: argparse.Namespace) -> None:
    cfg = load_config(args)
    from mmskelseg.engine.preparing import make_features

    make_features(cfg, args.config)


main = command(
    __doc__,
    _add_arguments,
    _run,
    kept='features of finished videos are kept; the same command continues.',
)
