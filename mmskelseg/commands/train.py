"""Trains a segmentor.

    %(prog)s configs/skelseg/uwiom_joint_limb.py

Missing features are computed first. Logs, checkpoints and the scores on the test videos
are written to work_dirs/<name of the config>. The last epoch is the result. --resume
continues a stopped run, with exactly the same result.
"""

import argparse

from mmskelseg.commands.arguments import add_config_arguments, add_verbose, load_config
from mmskelseg.runtime.cli.command_line import command, seed


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='continue from this checkpoint, or without a name from the last one in '
        'the work folder, if any',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='train in mixed precision: bfloat16, or float16 on older GPUs',
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='do not validate during training'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the total batch size',
    )
    parser.add_argument(
        '--seed',
        type=seed,
        help='random seed (default: 0); a resumed run keeps its seed',
    )
    parser.add_argument(
        '--diff-rank-seed', action='store_true', help='give each process its own seed'
    )
    parser.add_argument(
        '--deterministic',
        action='store_true',
        help='use deterministic algorithms on a GPU (slower)',
    )
    add_verbose(parser)
    add_config_arguments(parser)


def _run(args: argparse.Namespace) -> None:
    cfg = load_config(args)
    from mmskelseg.engine.training import train

    train(cfg, args)


main = command(
    __doc__,
    _add_arguments,
    _run,
    kept='finished features and checkpoints are kept; add --resume to continue.',
)
