"""Scores a trained segmentor.

    %(prog)s configs/skelseg/toy_joint_limb.py \\
        work_dirs/toy_joint_limb/epoch_30.pth

Several checkpoints, such as of different seeds, form an ensemble, which averages their
probabilities; the scores of each checkpoint are reported as well.

The overall scores and those of each class are printed. The work folder then contains
metrics.json, the confusion matrix, and a timeline of each test video.
"""

import argparse

from mmskelseg.commands.arguments import add_config_arguments, load_config
from mmskelseg.runtime.cli.command_line import (
    command,
    number_from,
    pickle_name,
    whole_from,
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    parser.add_argument(
        'checkpoints',
        metavar='CHECKPOINT',
        nargs='+',
        help='checkpoint file; several form an ensemble',
    )
    parser.add_argument(
        '--dump', type=pickle_name, help='pickle file for the predictions'
    )
    parser.add_argument('--show-dir', help='folder for the timelines')
    parser.add_argument(
        '--show', action='store_true', help='show the timelines in a window'
    )
    parser.add_argument(
        '--interval',
        type=whole_from(1),
        help='draw every n-th video (default: as the config says, else every video)',
    )
    parser.add_argument(
        '--wait-time',
        type=number_from(0),
        help='seconds until a window closes (default: as the config says, else 2)',
    )
    add_config_arguments(parser)


def _run(args: argparse.Namespace) -> None:
    cfg = load_config(args)
    from mmskelseg.engine.testing import test

    test(cfg, args)


main = command(
    __doc__,
    _add_arguments,
    _run,
    kept='finished features are kept, and scores are unchanged; run the same command '
    'again.',
)
