"""The choice of a config for an annotation file, from its content and what is asked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.engine.jobs import ConfigRequest
from mmskelseg.engine.new_config import Choice
from mmskelseg.engine.orders import SCRIPT, predictability
from mmskelseg.engine.planning import Plan, crop_lengths, plan_training
from mmskelseg.models.postprocessors import CausalMinDuration
from mmskelseg_io.files.annotations import fold_splits, labelled_videos, videos_of_split
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import (
    MIN_SCORE,
    AnnotationFile,
    Metainfo,
    PlaceKey,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import (
    camera_view,
    faces_everywhere,
    joints_seen,
    up_direction,
)
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.places import Place, alike, zones
from mmskelseg_io.structures.segments import direct_boundaries
from mmskelseg_io.structures.tiers import (
    joint_label,
    label_rows,
    labelled_frames,
    tiers_of,
)
from mmskelseg_runtime.features.pairs import body_direction

# Augmentations of bodies that point in any direction, besides those of the recipe.
_TURN: Mapping[str, object] = {'type': 'RandomRotation', 'degrees': 180, 'seed': 1}
_TURN_3D: Mapping[str, object] = {**_TURN, 'type': 'RandomRotation3D'}
_MIRROR: Mapping[str, object] = {'type': 'RandomHorizontalFlip'}
_PAIRS = (
    'The person whom labels describe is seen with the nearest other: the individual '
    'that the file names, or the one with the highest scores.'
)
_COORDINATES = ('pose2d', 'pose3d')
_SIDES = re.compile(r'left|right', re.IGNORECASE)


@dataclass(frozen=True)
class Chosen:
    """A choice, the plan of its training, and lines that explain both.

    ``others`` is the line about who is read of several individuals.
    """

    choice: Choice
    plan: Plan
    lines: Sequence[str]
    others: str = ''


def choose(
    data: AnnotationFile, path: Path, splits: tuple[str, str], request: ConfigRequest
) -> Chosen:
    """Return the config for an annotation file.

    Args:
        data: The annotations.
        path: Their file, for the config and for messages.
        splits: Names of the training and the test split.
        request: What the user asks for.

    Raises:
        UserError: If the data cannot be trained in this way.
    """
    meta = data['metainfo']
    train, test = (videos_of_split(data, split, path) for split in splits)
    train = labelled_videos(train, splits[0], path)
    labelled_videos(test, splits[1], path)
    recipe, reason = _choose_recipe([*train, *test], request)
    _check_skeletons(train, path, splits[0], recipe)
    lookahead, min_frames = _choose_delay(train, test, request, path)
    turns, note = _choose_turns(train, meta, recipe, path)
    share, is_script = _find_script(train, meta, request)
    given = train, test, meta, recipe, path
    parts, others = _choose_parts(request, given), _note_others(request, given)
    choice = Choice(
        path,
        meta,
        splits,
        recipe,
        reason,
        longest=max(video['total_frames'] for video in train),
        segmentor=request.segmentor or ('asformer' if lookahead is None else 'ms_tcn2'),
        any_order=_choose_order(train, request, is_script, path, splits[0]),
        is_script=is_script,
        prefers_order=is_script and (share or 0) >= SCRIPT and lookahead is None,
        lookahead=lookahead,
        min_frames=min_frames,
        turns=turns,
        pairs=_choose_pairs(request, given),
        parts=parts,
        observers=request.observers,
    )
    plan = _plan(choice, train, request.epochs)
    lines = [
        f'recipe {recipe}, since {reason}; {len(meta["classes"])} classes; '
        f'{_note_splits(train, test, splits)}',
        note,
        others,
        *map(note_of, parts),
        plan.summary(recipe),
        _note_classes(train, test, meta),
        '' if share is None else _note_orders(share, choice),
        _note_sides(meta) if recipe == 'heatmap_cnn' else '',
        _note_min_duration(choice),
    ]
    return Chosen(choice, plan, [line for line in lines if line], others)


def _choose_delay(
    train: Sequence[VideoAnnotation],
    test: Sequence[VideoAnnotation],
    request: ConfigRequest,
    path: Path,
) -> tuple[int | None, int]:
    """Return the lookahead of a stream, None without, and its minimum duration."""
    if request.streaming is None:
        return None, 1
    if not request.pairs:
        _check_one_person([*train, *test], path)
    lookahead = _frames(request.streaming, train, path)
    return lookahead, _min_frames(train, lookahead)


def _note_splits(
    train: Sequence[VideoAnnotation],
    test: Sequence[VideoAnnotation],
    splits: tuple[str, str],
) -> str:
    """Return what a config trains and tests on."""
    return (
        f'trains on {splits[0]!r} ({counted(len(train), "video")}, '
        f'{_frames_of(train)}) and tests on {splits[1]!r} '
        f'({counted(len(test), "video")}).'
    )


def _plan(
    choice: Choice, videos: Sequence[VideoAnnotation], epochs: int | None
) -> Plan:
    """Return the length of the training; only coordinates may get two networks."""
    return plan_training(
        crop_lengths(videos, choice.crop_frames),
        choice.batch_size,
        epochs,
        may_be_two=choice.segmentor == 'asformer' and choice.recipe in _COORDINATES,
        few_labels=_has_few_labels(videos),
    )


def _has_few_labels(videos: Sequence[VideoAnnotation]) -> bool:
    """Return whether most frames of videos have no label."""
    labelled, frames = _count_frames(videos)
    return labelled < frames / 2


def _count_frames(videos: Sequence[VideoAnnotation]) -> tuple[int, int]:
    """Return how many frames of videos have labels, and how many there are."""
    labelled = sum(int(labelled_frames(video['label']).sum()) for video in videos)
    return labelled, sum(video['total_frames'] for video in videos)


def _frames_of(videos: Sequence[VideoAnnotation]) -> str:
    """Return how many frames videos have, and how many of them have labels."""
    labelled, frames = _count_frames(videos)
    if labelled == frames:
        return f'{frames} frames'
    return f'{labelled} of {frames} frames labelled'


def choose_splits(
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


def _find_script(
    videos: Sequence[VideoAnnotation], metainfo: Metainfo, request: ConfigRequest
) -> tuple[float | None, bool]:
    """Return how predictable the orders are, and whether they are a script."""
    share = predictability(videos, metainfo)
    is_script = share is not None and share >= SCRIPT
    if request.any_order is not None:
        is_script = not request.any_order
    # With few labels, crops do not show where in a script they are.
    return share, is_script and not _has_few_labels(videos)


def _choose_order(
    videos: Sequence[VideoAnnotation],
    request: ConfigRequest,
    is_script: bool,
    path: Path,
    split: str,
) -> bool:
    """Return whether to recombine videos, if they can be joined anywhere."""
    can_join = any(
        direct_boundaries(joint_label(video['label'])).size for video in videos
    )
    if request.any_order and not can_join:
        raise UserError(
            f'{path}: no video of split {split!r} has two adjacent labelled '
            'segments, so --any-order has nothing to recombine; leave it out.'
        )
    if request.any_order is not None:
        return request.any_order
    is_asformer = request.segmentor != 'ms_tcn2' and request.streaming is None
    return is_asformer and can_join and not is_script


def _choose_turns(
    videos: Sequence[VideoAnnotation], metainfo: Metainfo, recipe: str, path: Path
) -> tuple[list[Mapping[str, object]], str]:
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
        return turns, f'Up is {up}, since {reason}.'
    view, reason = camera_view(metainfo, videos)
    if view == 'side':
        return [], ''
    note = f'The camera looks from above, since {reason}: skeletons are turned by any'
    sided = [name for name in metainfo['classes'] if _SIDES.search(name)]
    if sided:
        why = f'since a class is named {sided[0]!r}'
        return [_TURN], f'{note} angle, and not mirrored, {why}.'
    return [_TURN, _MIRROR], f'{note} angle, and mirrored.'


def _choose_turning(
    videos: Sequence[VideoAnnotation], metainfo: Metainfo, recipe: str
) -> dict[str, object]:
    """Return options of a renderer that turns bodies that show a heading."""
    shown = bool(body_direction(Skeleton.get(metainfo['skeleton']))[0])
    if shown and recipe == 'pose3d':
        up, _ = up_direction(metainfo, videos)
        return {'vertical': 'xyz'.index(str(up)[-1])}
    if shown and camera_view(metainfo, videos)[0] == 'top':
        return {}
    return {'turn': False}


def _choose_pairs(request: ConfigRequest, given: tuple) -> dict[str, object] | None:
    """Return options of the renderer of pairs, None where nobody else is seen."""
    if not request.pairs:
        return None
    train, test, meta, recipe, path = given
    _check_pairs([*train, *test], path)
    first = {} if request.streaming is None else _first_person(train)
    return {**_choose_turning(train, meta, recipe), **first}


def _choose_parts(request: ConfigRequest, given: tuple) -> list[dict[str, object]]:
    """Return the configs of what is read besides; see the functions below."""
    parts = _choose_objects(*given) if request.objects else []
    return parts + (_choose_places(*given) if request.places else [])


def _choose_objects(
    train: Sequence[VideoAnnotation],
    test: Sequence[VideoAnnotation],
    metainfo: Metainfo,
    recipe: str,
    path: Path,
) -> list[dict[str, object]]:
    """Return the config of ObjectCoordinates, if coordinates can be beside objects."""
    found = [one for video in train for one in video.get('objects', ())]
    seen = {one['kind'] for one in found if np.any(one['score'])}
    kinds = {k: list(v) for k, v in metainfo.get('objects', {}).items() if k in seen}
    if not kinds or recipe not in _COORDINATES:
        return []
    for video in (*train, *test):
        if 'objects' not in video:
            raise UserError(
                f'{path}: video {video["frame_dir"]!r} has no `objects`, but others '
                'have; add them, an empty list if there are none, or use --no-objects.'
            )
    found += [one for video in test for one in video['objects']]
    in_3d = recipe == 'pose3d' and all('points_3d' in one for one in found)
    turning = _choose_turning(train, metainfo, 'pose3d' if in_3d else 'pose2d')
    dims = 3 if in_3d else 2
    return [{'type': 'ObjectCoordinates', 'dims': dims, 'kinds': kinds, **turning}]


def _choose_places(
    train: Sequence[VideoAnnotation],
    test: Sequence[VideoAnnotation],
    metainfo: Metainfo,
    recipe: str,
    path: Path,
) -> list[dict[str, object]]:
    """Return the config of PlaceCoordinates, if coordinates can be beside places."""
    every = {
        video['frame_dir']: zones(map(Place.of, video.get('places', ())))
        for video in (*train, *test)
    }
    shapes = {one.name: one.shape for own in every.values() for one in own}
    if not shapes or recipe not in _COORDINATES:
        return []
    for video, own in every.items():
        if missing := shapes.keys() - {one.name for one in own}:
            raise UserError(
                f'{path}: video {video!r} has no place {min(missing)!r}, but others '
                'have; add it, or use --no-places.'
            )
        for one in own:
            if not alike(one.shape, shapes[one.name]):
                raise UserError(
                    f'{path}: video {video!r} has {one.name!r} as a {one.shape}, but '
                    f'another has a {shapes[one.name]}; draw it alike, or use '
                    '--no-places.'
                )
    on_floor = all(one.space == 'floor' for own in every.values() for one in own)
    kind = 'pose3d' if on_floor else 'pose2d'
    if on_floor and recipe != kind:
        return []
    turning = _choose_turning(train, metainfo, kind)
    view = turning.pop('turn', True)
    dims = 3 if on_floor else 2
    part = {'type': 'PlaceCoordinates', 'dims': dims, 'places': shapes, **turning}
    return [{**part, 'view': True} if view else part]


def note_of(part: Mapping[str, Any]) -> str:
    """Return a line about what a part of the features describes."""
    if 'places' in part:
        return (
            'The model also sees where individuals are relative to places '
            f'({", ".join(part["places"])}), and needs these in new videos, too. To '
            'leave them out, use --no-places.'
        )
    return (
        f'The model also sees where objects are ({", ".join(part["kinds"])}), and '
        'needs them in new videos, too. To leave them out, use --no-objects.'
    )


def _first_person(videos: Sequence[VideoAnnotation]) -> dict[str, object]:
    """Return options of a causal PairCoordinates, if nothing says who is labelled.

    Who scores highest is known only at the end of a video.
    """
    return {} if all('individual' in video for video in videos) else {'person': 0}


def _note_classes(
    train: Sequence[VideoAnnotation], test: Sequence[VideoAnnotation], meta: Metainfo
) -> str:
    """Return a line about classes that are tested, but never shown in training."""
    seen, tested = (
        {
            tier.rows.start + int(c)
            for v in videos
            for tier, row in zip(tiers_of(meta), label_rows(v['label']), strict=True)
            for c in np.unique(row)
            if c >= 0
        }
        for videos in (train, test)
    )
    names = [repr(meta['classes'][c]) for c in sorted(tested - seen)]
    if not names:
        return ''
    return (
        f'No training video shows {", ".join(names)}, which will therefore not be '
        'found in the test videos.'
    )


def _note_others(request: ConfigRequest, given: tuple) -> str:
    """Return a line about who is read where videos show several individuals."""
    train, test, _, recipe, _ = given
    videos = [*train, *test]
    several = [video for video in videos if shows_several(video)]
    if request.pairs or recipe not in _COORDINATES or not several:
        return _PAIRS if request.pairs else ''
    named = all('individual' in video for video in several)
    who = 'whom labels describe' if named else 'with the highest scores of joints'
    return (
        f'{len(several)} of {counted(len(videos), "video")} show several individuals, '
        f'of whom only the one {who} is read; a config with --pairs also sees the '
        'nearest other.'
    )


def _note_orders(share: float, choice: Choice) -> str:
    """Return a line about the orders of actions and the option for other ones."""
    found = f'The previous action predicts {100 * share:.0f} % of the next ones'
    if choice.is_script:
        return (
            f'{found}, and training videos are kept whole and in order, as a script. '
            f'{"Labels in these orders are preferred. " * choice.prefers_order}'
            'If other orders may occur, use --any-order.'
        )
    if choice.any_order:
        return (
            f'{found}, and training videos are also recombined into new orders. If '
            'all videos follow one script, use --no-any-order.'
        )
    return ''


def _note_min_duration(choice: Choice) -> str:
    """Return a line about the minimum duration of a stream's labels, if it has one."""
    if choice.lookahead is None or choice.min_frames == 1:
        return ''
    return (
        f'Labels only change to one that lasts for {choice.min_frames} frames '
        f'(model.postprocess), so of the {choice.lookahead} frames of lookahead, the '
        f'model sees {choice.lookahead - choice.min_frames + 1}.'
    )


def _note_sides(metainfo: Metainfo) -> str:
    """Return a line about left and right if the skeleton does not know them."""
    if Skeleton.get(metainfo['skeleton']).flip_pairs:
        return ''
    return (
        'The skeleton names no pairs of left and right joints, so the heatmaps do not '
        'tell the sides apart; if it has any, name them in its flip_pairs.'
    )


def _check_one_person(videos: Sequence[VideoAnnotation], path: Path) -> None:
    """Raise UserError if a stream would have to choose among people."""
    for video in videos:
        persons = len(alone(video)['keypoint'])
        if persons > 1:
            raise UserError(
                f'{path}: video {video["frame_dir"]!r} has {persons} persons, but '
                '--streaming needs one, since a stream cannot know who will be the '
                'main person; keep one.'
            )


def shows_several(video: VideoAnnotation) -> bool:
    """Return whether a video shows more than one person."""
    return joints_seen(video).any(axis=(1, 2)).sum() > 1


def _check_pairs(videos: Sequence[VideoAnnotation], path: Path) -> None:
    """Raise UserError if a video shows nobody but one person."""
    for video in videos:
        if not shows_several(video):
            raise UserError(
                f'{path}: video {video["frame_dir"]!r} shows one person, but --pairs '
                'needs two or more; convert it with --others, or leave --pairs out.'
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


def _min_frames(videos: Sequence[VideoAnnotation], lookahead: int) -> int:
    """Return the minimum duration of a stream's labels.

    It takes at most half of the lookahead; the model sees the rest.
    """
    step = CausalMinDuration()
    step.fit(row for video in videos for row in label_rows(video['label']))
    return min(int(step.shortest), lookahead // 2 + 1)


def _choose_recipe(
    videos: Sequence[VideoAnnotation], request: ConfigRequest
) -> tuple[str, str]:
    """Return the name of a recipe for the videos, and the reason."""
    asked: str | None = request.recipe
    if request.streaming is not None and asked not in (None, *_COORDINATES):
        raise UserError(
            f'--recipe {asked}: --streaming needs coordinates; use pose2d or pose3d.'
        )
    if request.streaming is not None and request.segmentor == 'asformer':
        raise UserError(
            '--segmentor asformer: reads whole videos, so it cannot label streams; '
            'leave out --segmentor or --streaming.'
        )
    if request.pairs and asked not in (None, *_COORDINATES):
        raise UserError(
            f'--recipe {asked}: --pairs needs coordinates; use pose2d or pose3d.'
        )
    without = [v['frame_dir'] for v in videos if 'keypoint_3d' not in v]
    if asked == 'pose3d' and without:
        raise UserError(
            f'--recipe pose3d: video {without[0]!r} has no keypoint_3d, the first of '
            f'{len(without)} such videos; use pose2d.'
        )
    if asked is not None:
        return asked, '--recipe asks for it'
    if without:
        return 'pose2d', f'{len(without)} of {len(videos)} videos have no keypoint_3d'
    if request.streaming is None and not _show_joints(videos, 'keypoint'):
        return 'pose3d', 'the joints in 2D are always missing'
    return 'pose2d', (
        'cameras and pose estimators find joints in 2D (--recipe pose3d reads '
        'keypoint_3d)'
    )


def _check_skeletons(
    videos: Sequence[VideoAnnotation], path: Path, split: str, recipe: str
) -> None:
    """Raise UserError if no video shows a joint."""
    key: PlaceKey = 'keypoint_3d' if recipe == 'pose3d' else 'keypoint'
    if not _show_joints(videos, key):
        raise UserError(
            f'{path}: no video of split {split!r} shows a joint: {key} is always 0, or '
            f'keypoint_score always below {MIN_SCORE:g}, but recipes read skeletons; '
            'put poses into the file, or, for features that were computed elsewhere, '
            'write a config as in docs/datasets/common_layout.md.'
        )


def _show_joints(videos: Sequence[VideoAnnotation], key: PlaceKey) -> bool:
    """Return whether any video shows a joint."""
    return any(video[key][joints_seen(video)].any() for video in videos)
