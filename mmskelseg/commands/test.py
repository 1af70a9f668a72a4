"""Scores a trained segmentor.

    %(prog)s configs/skelseg/toy_joint_limb.py

Without CHECKPOINT, the last one of the training is scored. Several, such as those of
different seeds, form an ensemble, which averages their probabilities; the scores of
each checkpoint are reported as well.

Prints the overall scores and those of each class, and writes metrics.json, the
confusion matrix and a timeline of each test video to the work folder.
"""

import argparse

from mmskelseg.commands.arguments import (
    add_config_arguments,
    add_verbose,
    last_checkpoint,
    load_config,
)
from mmskelseg.runtime.cli.arguments import named_checkpoint
from mmskelseg.runtime.cli.command_line import (
    command,
    number_from,
    pickle_name,
    whole_from,
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = '%(prog)s [-h] CONFIG [CHECKPOINT...] [OPTION...]'
    parser.add_argument('config', metavar='CONFIG', help='config file, or its name')
    parser.add_argument(
        'checkpoints',
        metavar='CHECKPOINT',
        nargs='*',
        default=[],
        help='checkpoint, or a work folder, for its last checkpoint (default: the last '
        "one of the config's work folder); several form an ensemble",
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
    add_verbose(parser)
    add_config_arguments(parser)


def _run(args: argparse.Namespace) -> None:
    cfg = load_config(args)
    args.checkpoints = [named_checkpoint(name) for name in args.checkpoints]
    args.checkpoints = args.checkpoints or [last_checkpoint(cfg, args)]
    from mmskelseg.engine.testing import test

    test(cfg, args)


main = command(
    __doc__,
    _add_arguments,
    _run,
    kept='finished features are kept, and scores are unchanged; run the same command '
    'again.',
)
