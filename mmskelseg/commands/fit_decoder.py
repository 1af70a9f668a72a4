"""Adds transition and duration statistics of the training labels to a checkpoint.

    %(prog)s viterbi.py work_dirs/mine with_decoder.pth

CHECKPOINT is a file, or a work folder, for its last checkpoint (default: the work
folder of CONFIG). The config is that of the training, with a post-processing step that
needs statistics:

    _base_ = 'mine.py'
    model = dict(postprocess=[dict(type='SemiMarkovViterbi')])

Training with such a config computes the statistics itself; this command is for models
that were trained without them. The new checkpoint can be used to test and to segment,
but not to resume training.
"""

import argparse
from pathlib import Path

from mmskelseg.commands.arguments import (
    add_config_arguments,
    last_checkpoint,
    load_config,
)
from mmskelseg.runtime.cli.arguments import named_checkpoint
from mmskelseg.runtime.cli.command_line import command
from mmskelseg.runtime.messages.errors import UserError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = '%(prog)s [-h] CONFIG [CHECKPOINT] OUT [OPTION...]'
    parser.add_argument('config', metavar='CONFIG', help='config file, or its name')
    parser.add_argument(
        'checkpoint',
        metavar='CHECKPOINT',
        nargs='?',
        help='checkpoint of a training run, or its work folder',
    )
    parser.add_argument(
        'out', metavar='OUT', type=Path, help='checkpoint file to write'
    )
    add_config_arguments(parser)


def _run(args: argparse.Namespace) -> None:
    if args.out.suffix != '.pth':
        raise UserError(f'{args.out}: the name of a checkpoint must end in .pth.')
    cfg = load_config(args)
    if args.checkpoint is None:
        args.checkpoint = last_checkpoint(cfg, args)
    args.checkpoint = Path(named_checkpoint(args.checkpoint))
    if args.out.resolve() == args.checkpoint.resolve():
        raise UserError(
            f'{args.out}: would replace the checkpoint of the training; name another '
            'file.'
        )
    from mmskelseg.engine.preparing import fit_decoder

    fit_decoder(cfg, args)


main = command(__doc__, _add_arguments, _run)
