"""Adds transition and duration statistics of the training labels to a checkpoint.

    %(prog)s viterbi.py work_dirs/mine/epoch_120.pth with_decoder.pth

The config is that of the training, with a post-processing step that needs statistics:

    _base_ = 'mine.py'
    model = dict(postprocess=[dict(type='SemiMarkovViterbi')])

Training with such a config computes the statistics itself; this command is for models
that were trained without them. The new checkpoint can be used to test and to segment,
but not to resume training.
"""

import argparse
from pathlib import Path

from mmskelseg.commands.arguments import add_config_arguments, load_config
from mmskelseg.runtime.cli.command_line import command
from mmskelseg.runtime.messages.errors import UserError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    parser.add_argument('checkpoint', type=Path, help='checkpoint of a training run')
    parser.add_argument('out', type=Path, help='checkpoint file to write')
    add_config_arguments(parser)


def _run(args: argparse.Namespace) -> None:
    if args.out.suffix != '.pth':
        raise UserError(f'{args.out}: the name of a checkpoint must end in .pth.')
    if args.out.resolve() == args.checkpoint.resolve():
        raise UserError(
            f'{args.out}: is the checkpoint of the training, which would be replaced; '
            'name another file.'
        )
    cfg = load_config(args)
    from mmskelseg.engine.preparing import fit_decoder

    fit_decoder(cfg, args)


main = command(__doc__, _add_arguments, _run)
