"""Trains the model that suits your data, and reports how far to trust it.

    %(prog)s data/mine/annotations.pkl --out model

Compares several configs by cross-validation inside the training videos, holding out
whole persons; trains the best one on all of them; scores it once on the test videos;
and writes into the folder --out:

  report.html        how good the model is for counting and timing, for which classes
                     and videos, how sure it is, and what more labels would bring
  report.json        the same for programs
  model.onnx         the model, which runs without PyTorch
  config.py          its config, and model.safetensors its weights, for all commands
  runs/              all trainings

Who is in a video is known from `person` in the file, from names such as P03_cam1, or
from --group-by. Files with folds only, and no splits `train` and `test`, are trained
on all videos, and scores are those of the held-out ones.

The same command continues a fit that was stopped. Afterwards:

    mmskelseg segment new.mp4 model
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mmskelseg import commands
from mmskelseg.commands.arguments import add_executor
from mmskelseg.runtime.cli.command_line import (
    command,
    positive,
    regular_expression,
    seed,
    whole_from,
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'ann_file', type=Path, metavar='ANN', help='annotation file (annotations.pkl)'
    )
    parser.add_argument(
        '--out', type=Path, required=True, metavar='DIR', help='folder of the model'
    )
    parser.add_argument(
        '--minutes',
        type=positive,
        default=15,
        metavar='M',
        help='the time to take; with more, more configs are compared (default: '
        '%(default)s)',
    )
    parser.add_argument(
        '--processes',
        type=whole_from(1),
        default=min(4, os.cpu_count() or 1),
        metavar='N',
        help='trainings that run at the same time (default: one per core, at most 4)',
    )
    parser.add_argument(
        '--fold', metavar='NAME', help='train and test on NAME/train and NAME/test'
    )
    parser.add_argument(
        '--group-by',
        metavar='REGEX',
        type=regular_expression,
        help='the part of the name of a video that tells who is in it (the first group '
        'of the expression, if it has one)',
    )
    parser.add_argument(
        '--compare',
        type=whole_from(1),
        metavar='N',
        help='compare at most N configs; with 1, all of the time is for the default '
        '(default: as many as the time allows)',
    )
    parser.add_argument(
        '--plan',
        type=Path,
        metavar='FILE',
        help='the plan.json of another fit to the same data, to repeat it: nothing is '
        'measured, so the result does not depend on how fast the machine is',
    )
    parser.add_argument('--seed', type=seed, default=0, help='random seed (default: 0)')
    add_executor(parser)


def _run(args: argparse.Namespace) -> None:
    print(f'Reading {args.ann_file} ...', flush=True)
    # It imports MMEngine, which takes seconds.
    from mmskelseg.fitting.fit import Options, fit

    given = {name: getattr(args, name) for name in Options.__annotations__}
    fit(args.ann_file, args.out, Options(**given), commands.main)


main = command(
    __doc__,
    _add_arguments,
    _run,
    kept='finished trainings and saved checkpoints are kept; the same command '
    'continues.',
)
