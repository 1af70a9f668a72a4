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

The network is a small ASFormer, also trained on recordings recombined into new orders
of actions; --segmentor ms_tcn2 takes three MS-TCN++ networks, and --no-any-order keeps
the orders of the recordings. With --streaming, the model is causal (docs/streaming.md).
Long recordings are cropped for training. Segments shorter than nearly all training
segments are merged into their neighbours (model.postprocess).

All recipes augment the skeletons anew in each epoch. docs/recipes.md describes them.

The path ANN is written into the config as given: a relative path is relative to the
folder in which you train. docs/data_format.md describes the file.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmskelseg.engine.planning import plan_training
from mmskelseg.runtime.cli.command_line import command, number_from, whole_from
from mmskelseg.runtime.features.drawing import MIN_SCORE
from mmskelseg.runtime.files.annotations import (
    fold_splits,
    load_annotations,
    videos_of_split,
)
from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.messages.counts import counted
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures import Skeleton
from mmskelseg.runtime.structures.annotations import (
    AnnotationFile,
    Metainfo,
    PlaceKey,
    VideoAnnotation,
)
from mmskelseg.runtime.structures.bodies import (
    camera_view,
    faces_everywhere,
    up_direction,
)
from mmskelseg.runtime.structures.segments import (
    direct_boundaries,
    resolve_background,
    segment_table,
)

if TYPE_CHECKING:
    from mmskelseg.engine.new_config import Choice

_SEGMENTORS = ('ms_tcn2', 'asformer')
_RECIPES = ('pose3d', 'pose2d', 'heatmap', 'heatmap_cnn')
# Augmentations of bodies that point in any direction, besides those of the recipe.
_TURN = "dict(type='RandomRotation', degrees=180, seed=1)"
_TURN_3D = "dict(type='RandomRotation3D', degrees=180, seed=1)"
_MIRROR = "dict(type='RandomHorizontalFlip')"
_SIDES = re.compile(r'left|right', re.IGNORECASE)


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
        '--any-order',
        action=argparse.BooleanOptionalAction,
        help='also train on recombined videos, which continue with another video at '
        'a segment boundary, so that the model expects no order (docs/recipes.md; '
        'default: with ASFormer, if segments follow one another)',
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
        '1500 steps)',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT.py if it exists'
    )


def _run(args: argparse.Namespace) -> None:
    # Imported here, since --help should not wait for MMEngine.
    from mmskelseg.engine.new_config import Choice

    if args.out.suffix != '.py':
        raise UserError(f'{args.out}: the name of a config must end in .py.')
    if args.out.exists() and not args.overwrite:
        raise UserError(
            f'{args.out}: already exists; name another file, or add --overwrite.'
        )
    data = load_annotations(args.ann_file)
    splits = _choose_splits(data, args.ann_file, args.fold)
    train, test = (videos_of_split(data, split, args.ann_file) for split in splits)
    recipe, reason = _choose_recipe([*train, *test], args)
    _check_skeletons(train, args.ann_file, splits[0], recipe)
    for split, videos in zip(splits, (train, test), strict=True):
        _check_labels(videos, args.ann_file, split)
    lookahead = None
    if args.streaming is not None:
        _check_one_person([*train, *test], args.ann_file)
        lookahead = _frames(args.streaming, train, args.ann_file)
    turns, note = _choose_turns(train, data['metainfo'], recipe, args.ann_file)
    choice = Choice(
        ann_file=args.ann_file,
        metainfo=data['metainfo'],
        splits=splits,
        recipe=recipe,
        reason=reason,
        segmentor=args.segmentor or ('asformer' if lookahead is None else 'ms_tcn2'),
        any_order=_choose_order(train, args, splits[0]),
        lookahead=lookahead,
        turns=turns,
    )
    plan = plan_training(
        [video['total_frames'] for video in train], choice.batch_size, args.epochs
    )
    atomic_write_text(args.out, choice.config_text(args.out, plan))
    out = shlex.quote(os.fspath(args.out))
    print(
        f'{args.out}: recipe {recipe}, since {reason}; '
        f'{len(data["metainfo"]["classes"])} classes; trains on {splits[0]!r} '
        f'({counted(len(train), "video")}, {sum(v["total_frames"] for v in train)} '
        f'frames) and tests on {splits[1]!r} ({counted(len(test), "video")}).\n'
        f'{note}{plan.summary(recipe)}\n'
        f'{_note_classes(train, test, data["metainfo"]["classes"])}'
        f'{_note_orders(train, data["metainfo"], choice)}'
        f'{_note_sides(data["metainfo"]) if recipe == "heatmap_cnn" else ""}'
        f'Train with: mmskelseg train {out}\n'
        f'Test with:  mmskelseg test {out}'
    )
    if lookahead is not None and recipe == 'pose2d':
        print(f'Live with:  mmskelseg live 0 {out} (lookahead: {lookahead} frames)')


def _choose_order(
    videos: Sequence[VideoAnnotation], args: argparse.Namespace, split: str
) -> bool:
    """Return whether to recombine videos, if they can be joined anywhere."""
    can_join = any(direct_boundaries(video['label']).size for video in videos)
    if args.any_order and not can_join:
        raise UserError(
            f'{args.ann_file}: no video of split {split!r} has two adjacent labelled '
            'segments, so --any-order has nothing to recombine; leave it out.'
        )
    if args.any_order is not None:
        return args.any_order
    is_asformer = args.segmentor != 'ms_tcn2' and args.streaming is None
    return is_asformer and can_join


def _choose_turns(
    videos: Sequence[VideoAnnotation], metainfo: Metainfo, recipe: str, path: Path
) -> tuple[list[str], str]:
    """Return augmentations for bodies that point in any direction, and a line."""
    if recipe == 'pose3d':
        up, reason = up_direction(metainfo, videos)
        if up is None:
            raise UserError(
                f'{path}: which axis of keypoint_3d points up is unknown, since '
                f"{reason}; state it in the file, such as metainfo['up'] = 'z', or use "
                '--recipe pose2d.'
            )
        turns = [_TURN_3D] if faces_everywhere(videos, up) else []
        return turns, f'Up is {up}, since {reason}.\n'
    view, reason = camera_view(metainfo, videos)
    if view == 'side':
        return [], ''
    note = f'The camera looks from above, since {reason}: skeletons are turned by any'
    sided = [name for name in metainfo['classes'] if _SIDES.search(name)]
    if sided:
        why = f'since a class is named {sided[0]!r}'
        return [_TURN], f'{note} angle, and not mirrored, {why}.\n'
    return [_TURN, _MIRROR], f'{note} angle, and mirrored.\n'


def _note_classes(
    train: Sequence[VideoAnnotation],
    test: Sequence[VideoAnnotation],
    classes: Sequence[str],
) -> str:
    """Return a line about classes that are tested, but never shown in training."""
    import numpy as np

    seen, tested = (
        {int(c) for v in videos for c in np.unique(v['label']) if c >= 0}
        for videos in (train, test)
    )
    names = [repr(classes[c]) for c in sorted(tested - seen)]
    if not names:
        return ''
    return (
        f'No training video shows {", ".join(names)}, which will therefore not be '
        'found in the test videos.\n'
    )


def _note_orders(
    videos: Sequence[VideoAnnotation], metainfo: Metainfo, choice: Choice
) -> str:
    """Return a line about --any-order if most videos share their order of actions."""
    background = resolve_background(metainfo['background'], metainfo['classes'])
    orders = Counter(
        tuple(c for c in segment_table(v['label'])[:, 2].tolist() if c != background)
        for v in videos
    )
    # Two actions or fewer are hardly an order.
    shared = sum(n for order, n in orders.items() if n > 1 and len(order) > 2)
    if choice.any_order or shared <= len(videos) / 2:
        return ''
    return (
        f'In {shared} of {len(videos)} training videos, the actions come in the same '
        'order as in another one. If other orders may occur, use --any-order.\n'
    )


def _note_sides(metainfo: Metainfo) -> str:
    """Return a line about left and right if the skeleton does not know them."""
    if Skeleton.get(metainfo['skeleton']).flip_pairs:
        return ''
    return (
        'The skeleton names no pairs of left and right joints, so the heatmaps do not '
        'tell the sides apart; if it has any, name them in its flip_pairs.\n'
    )


def _check_one_person(videos: Sequence[VideoAnnotation], path: Path) -> None:
    """Raise UserError if a stream would have to choose among people."""
    for video in videos:
        persons = len(video['keypoint'])
        if persons > 1:
            raise UserError(
                f'{path}: video {video["frame_dir"]!r} has {persons} persons, but '
                '--streaming needs one, since a stream cannot know who will be the '
                'main person; keep one.'
            )


def _frames(seconds: float, videos: Sequence[VideoAnnotation], path: Path) -> int:
    """Return the number of whole frames within a time."""
    rates = sorted({video['fps'] for video in videos})
    if len(rates) > 1:
        raise UserError(
            f'{path}: --streaming needs videos of one frame rate, but they have '
            f'{rates[0]:g} to {rates[-1]:g} frames per second; convert them to one.'
        )
    longest = max(video['total_frames'] for video in videos)
    if seconds * rates[0] >= longest:
        raise UserError(
            f'{path}: --streaming {seconds:g} waits {seconds:g} s for each label, but '
            f'the longest training video lasts {longest / rates[0]:g} s; use fewer '
            'seconds, or leave --streaming out to label whole videos.'
        )
    # 0.3 s at 10 frames per second are 3 frames, despite rounding.
    return int(seconds * rates[0] + 1e-6)


def _choose_recipe(
    videos: Sequence[VideoAnnotation], args: argparse.Namespace
) -> tuple[str, str]:
    """Return the name of a recipe for the videos, and the reason."""
    asked: str | None = args.recipe
    if args.streaming is not None and asked not in (None, 'pose2d', 'pose3d'):
        raise UserError(
            f'--recipe {asked}: --streaming needs coordinates; use pose2d or pose3d.'
        )
    if args.streaming is not None and args.segmentor == 'asformer':
        raise UserError(
            '--segmentor asformer: reads whole videos, so it cannot label streams; '
            'leave out --segmentor or --streaming.'
        )
    without = [v['frame_dir'] for v in videos if 'keypoint_3d' not in v]
    if asked == 'pose3d' and without:
        raise UserError(
            f'--recipe pose3d: video {without[0]!r} has no keypoint_3d, the first of '
            f'{len(without)} such videos; use pose2d.'
        )
    if asked is not None:
        return asked, '--recipe asks for it'
    if args.streaming is not None:
        return 'pose2d', 'cameras and pose estimators find joints in 2D'
    if without:
        return 'pose2d', f'{len(without)} of {len(videos)} videos have no keypoint_3d'
    return 'pose3d', 'every video has keypoint_3d'


def _choose_splits(
    data: AnnotationFile, path: Path, fold: str | None
) -> tuple[str, str]:
    """Return the names of the training and the test split."""
    pairs = fold_splits(data)
    if fold is not None:
        pairs = [pair for pair in pairs if pair[0] == f'{fold}/train']
    if not pairs:
        names = [n if fold is None else f'{fold}/{n}' for n in ('train', 'test')]
        missing = [repr(name) for name in names if name not in data['split']]
        raise UserError(
            f'{path}: has no split {" and no split ".join(missing)}, but '
            f'{", ".join(data["split"]) or "no other"}; '
            + (
                f'add {"it" if len(missing) == 1 else "them"} to the file.'
                if fold is None
                else 'give --fold the name of one of its folds, without /train.'
            )
        )
    return pairs[0]


def _check_skeletons(
    videos: Sequence[VideoAnnotation], path: Path, split: str, recipe: str
) -> None:
    """Raise UserError if no video shows a joint."""
    key: PlaceKey = 'keypoint_3d' if recipe == 'pose3d' else 'keypoint'
    if not any(v[key][v['keypoint_score'] >= MIN_SCORE].any() for v in videos):
        raise UserError(
            f'{path}: no video of split {split!r} shows a joint: {key} is always 0, or '
            f'keypoint_score always below {MIN_SCORE:g}, but recipes read skeletons; '
            'put poses into the file, or, for features that were computed elsewhere, '
            'write a config as in docs/datasets/common_layout.md.'
        )


def _check_labels(videos: Sequence[VideoAnnotation], path: Path, split: str) -> None:
    """Raise UserError if no frame has a label."""
    if not any((video['label'] >= 0).any() for video in videos):
        raise UserError(
            f'{path}: no frame of split {split!r} has a label (all are -1); add a '
            'labelled video to it, or name another fold with --fold.'
        )


main = command(__doc__, _add_arguments, _run)
