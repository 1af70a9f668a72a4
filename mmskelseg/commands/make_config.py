"""Writes a config for your own data set, ready for training and testing.

    %(prog)s data/mine/annotations.pkl mine.py
    mmskelseg train mine.py
    mmskelseg test mine.py

Classes, channels, splits and the length of the training are taken from the annotation
file. Everything else comes from a recipe, a config that the new one inherits:

    pose3d       coordinates of 3D skeletons, the default if every video has them
    pose2d       coordinates of 2D skeletons
    heatmap      heatmaps of 2D skeletons on a coarse grid
    heatmap_cnn  heatmaps of 2D skeletons, encoded by a small network that is trained
                 with the rest, which takes several times as long

The network is a small ASFormer, or two of them for coordinates of short videos;
--segmentor ms_tcn2 takes three MS-TCN++ networks. If actions follow one another as in a
script, recordings are kept whole; else they are also recombined into new orders, and
long ones are cropped (docs/recipes.md; --any-order and --no-any-order decide). With
--streaming, the model is causal (docs/streaming.md). Predicted segments last at least
as long as nearly all training segments (model.postprocess); with --streaming, that is
at most half of SECONDS. With --pairs, the model also sees the nearest other person or
animal (docs/several.md).

All recipes augment the skeletons anew in each epoch. docs/recipes.md describes them.

The path ANN is written into the config as given: a relative path is relative to the
folder in which you train. docs/data_format.md describes the file.
"""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from mmskelseg.runtime.cli.command_line import command, number_from, whole_from
from mmskelseg.runtime.files.annotations import load_annotations
from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.messages.errors import UserError

_SEGMENTORS = ('ms_tcn2', 'asformer')
_RECIPES = ('pose3d', 'pose2d', 'heatmap', 'heatmap_cnn')


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'ann_file', type=Path, metavar='ANN', help='annotation file (annotations.pkl)'
    )
    parser.add_argument('out', type=Path, metavar='OUT.py', help='config to write')
    parser.add_argument(
        '--recipe',
        choices=_RECIPES,
        help='recipe to inherit (default: pose3d if every video has keypoint_3d, else '
        'pose2d; with --streaming pose2d)',
    )
    parser.add_argument(
        '--segmentor',
        choices=_SEGMENTORS,
        help='network that segments (default: asformer; with --streaming ms_tcn2)',
    )
    parser.add_argument(
        '--streaming',
        type=number_from(0),
        metavar='SECONDS',
        help='write a config of a causal model, for streams and `mmskelseg live`; its '
        'labels depend on at most SECONDS of future frames, such as 0.5',
    )
    parser.add_argument(
        '--pairs',
        action='store_true',
        help='also read where the nearest other person or animal is and what it does',
    )
    parser.add_argument(
        '--any-order',
        action=argparse.BooleanOptionalAction,
        help='also train on recombined videos, which continue with another video at '
        'a segment boundary, so that the model expects no order; --no-any-order takes '
        'them for whole videos of a script (default: what the training videos show)',
    )
    parser.add_argument(
        '--fold',
        metavar='NAME',
        help='train and test on the splits NAME/train and NAME/test (default: `train` '
        'and `test`, or the first fold if there are only folds)',
    )
    parser.add_argument(
        '--epochs',
        type=whole_from(1),
        help='number of epochs (default: enough for 2.5 million frames, within 600 to '
        '1500 steps, which the two networks of short videos share)',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT.py if it exists'
    )


def _run(args: argparse.Namespace) -> None:
    # Imported here, since --help should not wait for MMEngine.
    from mmskelseg.engine.choosing import Wish, choose, choose_splits

    if args.out.suffix != '.py':
        raise UserError(f'{args.out}: the name of a config must end in .py.')
    if args.out.exists() and not args.overwrite:
        raise UserError(
            f'{args.out}: already exists; name another file, or add --overwrite.'
        )
    data = load_annotations(args.ann_file)
    splits = choose_splits(data, args.ann_file, args.fold)
    options = args.recipe, args.segmentor, args.any_order, args.streaming, args.epochs
    wish = Wish(*options, args.pairs)
    chosen = choose(data, args.ann_file, splits, wish)
    choice = chosen.choice
    atomic_write_text(args.out, choice.config_text(chosen.plan))
    out = shlex.quote(os.fspath(args.out))
    print(f'{args.out}:', *chosen.lines[:1])
    print(
        *chosen.lines[1:],
        f'Train with: mmskelseg train {out}',
        f'Test with:  mmskelseg test {out}',
        sep='\n',
    )
    if choice.lookahead is not None and choice.recipe == 'pose2d':
        delay = f'(lookahead: {choice.lookahead} frames)'
        print(f'Live with:  mmskelseg live 0 {out} {delay}')


main = command(__doc__, _add_arguments, _run)
