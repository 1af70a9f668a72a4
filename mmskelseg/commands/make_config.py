"""Writes a config for a data set of your own, which trains and tests as it is.

    %(prog)s data/mine/annotations.pkl mine.py
    mmskelseg train mine.py

Classes, channels, folds and the length of the training are filled in from the
annotation file. All else comes from a recipe, a config that the new one inherits:

    pose3d    coordinates of 3D skeletons: the choice where there are such
    pose2d    coordinates of 2D skeletons
    heatmap   heatmaps of 2D skeletons on a coarse grid

All augment skeletons anew in each epoch. docs/recipes.md says what each ingredient
gains.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmskelseg.utils.command_line import command
from mmskelseg.utils.errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config

_RECIPES = ('pose3d', 'pose2d', 'heatmap')
# Frames that a training sees in all, and the fewest and most epochs that make them up.
_FRAMES_SEEN = 1_500_000
_EPOCHS = (40, 100)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'ann_file', type=Path, metavar='ANN', help='annotation file (annotations.pkl)'
    )
    parser.add_argument('out', type=Path, metavar='OUT.py', help='config to write')
    parser.add_argument(
        '--recipe',
        choices=_RECIPES,
        help='what to inherit (default: pose3d where every video has keypoint_3d, else '
        'pose2d)',
    )
    parser.add_argument(
        '--fold',
        metavar='NAME',
        help='train and test on the splits NAME/train and NAME/test (default: `train` '
        'and `test`, or the first fold where there are only folds)',
    )
    parser.add_argument(
        '--epochs',
        type=int,
        help='length of the training (default: as many as show it 1.5 million frames, '
        f'from {_EPOCHS[0]} to {_EPOCHS[1]})',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT.py if it is there'
    )


def _run(args: argparse.Namespace) -> None:
    from mmskelseg.datasets import load_annotations
    from mmskelseg.fileio.atomic import atomic_write_text

    if args.out.suffix != '.py':
        raise UserError(f'{args.out}: the name of a config must end in .py.')
    if args.out.exists() and not args.overwrite:
        raise UserError(
            f'{args.out}: is there already; name another file, or add --overwrite.'
        )
    if args.epochs is not None and args.epochs < 1:
        raise UserError(f'--epochs is {args.epochs}, but must be at least 1.')
    data = load_annotations(args.ann_file)
    recipe, reason = _choose_recipe(data, args.recipe)
    train, test = _choose_splits(data, args.ann_file, args.fold)
    frames = _count_frames(data, train)
    fewest, most = _EPOCHS
    epochs = args.epochs or min(max(round(_FRAMES_SEEN / frames), fewest), most)
    text = _config_text(args, recipe, reason, data, (train, test), epochs)
    atomic_write_text(args.out, text)
    print(
        f'{args.out}: recipe {recipe}, since {reason}; '
        f'{len(data["metainfo"]["classes"])} classes; trains on {train!r} '
        f'({len(data["split"][train])} videos, {frames} frames) for {epochs} epochs '
        f'and tests on {test!r} ({len(data["split"][test])} videos).\n'
        f'Train with: mmskelseg train {args.out}'
    )


def _choose_recipe(data: Mapping[str, Any], asked: str | None) -> tuple[str, str]:
    """Return the name of a recipe, and why."""
    without = [v['frame_dir'] for v in data['annotations'] if 'keypoint_3d' not in v]
    if asked == 'pose3d' and without:
        raise UserError(
            f'--recipe pose3d: video {without[0]!r} has no keypoint_3d, the first of '
            f'{len(without)} such videos; take pose2d.'
        )
    if asked is not None:
        return asked, '--recipe asks for it'
    if without:
        count, total = len(without), len(data['annotations'])
        return 'pose2d', f'{count} of {total} videos have no keypoint_3d'
    return 'pose3d', 'every video has keypoint_3d'


def _choose_splits(
    data: Mapping[str, Any], path: Path, fold: str | None
) -> tuple[str, str]:
    """Return the names of the splits to train and to test on."""
    from mmskelseg.datasets.annotations import fold_splits

    pairs = fold_splits(data)
    if fold is not None:
        pairs = [pair for pair in pairs if pair[0] == f'{fold}/train']
    if not pairs:
        wanted, other = (
            n if fold is None else f'{fold}/{n}' for n in ('train', 'test')
        )
        raise UserError(
            f'{path}: has no splits {wanted!r} and {other!r}, '
            f'but {", ".join(data["split"])}.'
        )
    return pairs[0]


def _count_frames(data: Mapping[str, Any], split: str) -> int:
    members = set(data['split'][split])
    videos = (v for v in data['annotations'] if v['frame_dir'] in members)
    return sum(video['total_frames'] for video in videos)


def _config_text(
    args: argparse.Namespace,
    recipe: str,
    reason: str,
    data: Mapping[str, Any],
    splits: Sequence[str],
    epochs: int,
) -> str:
    """Return the text of a config that inherits a recipe."""
    from mmskelseg.fileio.configs import find_config

    base = find_config(f'recipes/{recipe}').resolve()
    num_classes = len(data['metainfo']['classes'])
    modality, channels = _channels(base, data)
    dataset = f'dict(ann_file={os.fspath(args.ann_file)!r}, split={{!r}})'
    train, test = (dataset.format(split) for split in splits)
    return f"""\
# Made by `mmskelseg make-config` of {args.ann_file.name}: {recipe}, since {reason}.
_base_ = {_base_path(base, args.out)!r}

train_dataloader = dict(dataset={train})
val_dataloader = dict(dataset={test})
test_dataloader = val_dataloader

model = dict(
    num_classes={num_classes}, branches=dict({modality}=dict(in_channels={channels}))
)
val_evaluator = dict(num_classes={num_classes})
test_evaluator = val_evaluator

train_cfg = dict(max_epochs={epochs})
"""


def _channels(base: Path, data: Mapping[str, Any]) -> tuple[str, int]:
    """Return the modality of a recipe, and how many features a frame has."""
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from mmskelseg.features import FeatureRecipe

    cfg: Config = Config.fromfile(base)
    init_default_scope(cfg.default_scope)
    ((modality, config),) = cfg.test_dataloader.dataset.features.items()
    skeleton = data['metainfo']['skeleton']
    return modality, FeatureRecipe.from_config(modality, config, skeleton).channels


def _base_path(base: Path, out: Path) -> str:
    """Return how a config names its base: relative within one project, else whole."""
    folder = out.resolve().parent
    project = base.parents[2]
    if folder.is_relative_to(project) and '.mim' not in base.parts:
        return Path(os.path.relpath(base, folder)).as_posix()
    return base.as_posix()


main = command(__doc__, _add_arguments, _run)
