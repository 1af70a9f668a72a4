"""The choice of a config for an annotation file, from its content and what is asked."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from mmskelseg.engine.jobs import ConfigRequest, SplitRequest
from mmskelseg.engine.lengths import CROP_FRAMES, crop_lengths, plan_training
from mmskelseg.engine.new_config import Choice
from mmskelseg.engine.orders import Order, order_of
from mmskelseg.engine.partners import recall_without_and_with
from mmskelseg.models.postprocessors import CausalMinDuration
from mmskelseg_io.files.annotations import labelled_videos, split_names, videos_of_split
from mmskelseg_io.messages.counts import counted, listed
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
    only_in_3d,
    up_direction,
)
from mmskelseg_io.structures.clips import are_clips, one_action, places_in_recordings
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.places import Place, alike, zones
from mmskelseg_io.structures.segments import direct_boundaries
from mmskelseg_io.structures.splits import folds_of
from mmskelseg_io.structures.tiers import (
    joint_label,
    label_rows,
    labelled_frames,
    tiers_of,
)
from mmskelseg_runtime.features.relations import body_direction

# Augmentations of bodies that point in any direction, besides those of the recipe.
_TURN: Mapping[str, object] = {'type': 'RandomRotation', 'degrees': 180, 'seed': 1}
_TURN_3D: Mapping[str, object] = {**_TURN, 'type': 'RandomRotation3D'}
_MIRROR: Mapping[str, object] = {'type': 'RandomHorizontalFlip'}
_COORDINATES = ('pose2d', 'pose3d')
# The nearest other is seen if that raises the part of frames that is found by this.
_GAIN = 0.02
# Short clips of two may show one alone.
_MOST = 0.9
_SIDES = re.compile(r'left|right', re.IGNORECASE)
#: The fields of a choice that a question answers, and the line that explains them.
Answer: TypeAlias = tuple[dict[str, Any], str]


@dataclass(frozen=True)
class Given:
    """What a config is chosen from: labelled videos of two splits, and a request."""

    path: Path
    meta: Metainfo
    splits: tuple[str, str]
    train: Sequence[VideoAnnotation]
    test: Sequence[VideoAnnotation]
    request: ConfigRequest

    @property
    def videos(self) -> list[VideoAnnotation]:
        """Those of both splits."""
        return [*self.train, *self.test]

    @cached_property
    def order(self) -> Order | None:
        """How predictable the order of actions is, if there is one."""
        return order_of(self.train, self.meta)

    @cached_property
    def rates(self) -> list[float]:
        """The frame rates of the training videos, the lowest first."""
        return sorted({float(video['fps']) for video in self.train})

    @cached_property
    def clips(self) -> list[VideoAnnotation]:
        """The training videos that are clips, if they are to be joined."""
        if not are_clips(self.train):
            return []
        return [v for v in self.train if one_action(v['label']) is not None]

    @cached_property
    def longest(self) -> int:
        """Number of frames of the longest training video, or of joined clips."""
        lengths = [video['total_frames'] for video in self.train]
        if self.clips:
            return max(*lengths, min(sum(lengths), CROP_FRAMES))
        return max(lengths)

    @cached_property
    def has_few_labels(self) -> bool:
        """Whether most frames of the training videos have no label."""
        labelled, frames = _count_frames(self.train)
        return labelled < frames / 2


def choose(
    data: AnnotationFile, path: Path, splits: tuple[str, str], request: ConfigRequest
) -> Choice:
    """Return the config for an annotation file.

    Args:
        data: The annotations.
        path: Their file, for the config and for messages.
        splits: Names of the training and the test split.
        request: What the user asks for.

    Raises:
        UserError: If the data cannot be trained in this way.
    """
    train, test = (
        labelled_videos(videos_of_split(data, split, path), split, path)
        for split in splits
    )
    given = Given(path, data['metainfo'], splits, train, test, request)
    choice = Choice(path, data['metainfo'], splits, given.longest)
    lines = {}
    for name, question in QUESTIONS.items():
        fields, lines[name] = question(given, choice)
        choice = replace(choice, **fields)
    return replace(choice, lines={name: line for name, line in lines.items() if line})


def asked_splits(
    data: AnnotationFile, path: Path, request: SplitRequest
) -> tuple[str | None, str | None]:
    """Return the training and the test split that are asked for or usual, if known.

    Raises:
        UserError: If the file lacks what is asked for, or a video is in both.
    """
    split, pairs, given = data['split'], folds_of(data['split']), str(path)
    asked = request.train, request.test
    if request.fold is not None:
        if any(asked):
            raise UserError('--fold names both splits; leave out --train and --test.')
        if request.fold not in pairs:
            raise UserError(
                f'{path}: there is no fold {request.fold!r}, of two splits such as '
                f'{request.fold}/train and {request.fold}/test; choose one of '
                f'{listed([*filter(None, pairs)])}.'
            )
        return pairs[request.fold]
    for pair in pairs.values():
        if all(name in (None, own) for name, own in zip(asked, pair, strict=True)):
            return pair
    usual = (name if name in split else None for name in ('train', 'test'))
    train, test = (name or other for name, other in zip(asked, usual, strict=True))
    members = [{*split_names(data, name, given)} for name in (train, test) if name]
    both = set.intersection(*members) if len(members) == 2 else None
    if both:
        raise UserError(
            f'{path}: the video {min(both)!r} is in both {train!r} and {test!r}, so '
            'the test would be meaningless; choose other splits.'
        )
    return train, test


def choose_splits(
    data: AnnotationFile, path: Path, request: SplitRequest
) -> tuple[str, str]:
    """Return the names of the training and the test split.

    Raises:
        UserError: If one is not known.
    """
    train, test = asked_splits(data, path, request)
    if train is None or test is None:
        lacking = [k for k, v in (('train', train), ('test', test)) if v is None]
        raise UserError(
            f'{path}: has no split {" and no split ".join(map(repr, lacking))}, but '
            f'{listed([*data["split"]])}; name one with '
            f'{" and ".join(f"--{name}" for name in lacking)}, add it to the file, or '
            'use `mmskelseg fit`, which holds out videos itself.'
        )
    return train, test


def _recipe(given: Given, choice: Choice) -> Answer:
    """What to read."""
    recipe, reason = _asked_recipe(given.request), '--recipe asks for it'
    without = [v['frame_dir'] for v in given.videos if 'keypoint_3d' not in v]
    if recipe == 'pose3d' and without:
        raise UserError(
            f'--recipe pose3d: video {without[0]!r} has no keypoint_3d, the first of '
            f'{len(without)} such videos; use pose2d.'
        )
    if recipe is None:
        recipe = 'pose2d'
        reason = (
            'cameras and pose estimators find joints in 2D (--recipe pose3d reads '
            'keypoint_3d)'
        )
        if without:
            reason = f'{len(without)} of {len(given.videos)} videos have no keypoint_3d'
        elif given.request.streaming is None and only_in_3d(given.meta):
            recipe, reason = 'pose3d', 'keypoint is only a view of keypoint_3d'
        elif given.request.streaming is None and not _show_joints(given.videos):
            recipe, reason = 'pose3d', 'the joints in 2D are always missing'
    key: PlaceKey = 'keypoint_3d' if recipe == 'pose3d' else 'keypoint'
    if not _show_joints(given.train, key):
        raise UserError(
            f'{given.path}: no video of split {given.splits[0]!r} shows a joint: {key} '
            f'is always 0, or keypoint_score always below {MIN_SCORE:g}, but recipes '
            'read skeletons; put poses into the file, or, for features that were '
            'computed elsewhere, write a config as in docs/datasets/common_layout.md.'
        )
    train, test = given.splits
    line = (
        f'recipe {recipe}, since {reason}; {len(given.meta["classes"])} classes; '
        f'trains on {train!r} ({counted(len(given.train), "video")}, '
        f'{_frames_of(given.train)}) and tests on {test!r} '
        f'({counted(len(given.test), "video")}).'
    )
    return {'recipe': recipe, 'reason': reason}, line


def _rates(given: Given, choice: Choice) -> Answer:
    """Whether frames last equally long."""
    return {}, '' if len(given.rates) == 1 else (
        f'videos have {given.rates[0]:g} to {given.rates[-1]:g} frames per second, and '
        'each is read at its own; `mmskelseg fit` reads all at one.'
    )


def _asked_recipe(request: ConfigRequest) -> str | None:
    """Return the recipe that is asked for, if it goes together with the rest."""
    is_other = request.recipe not in (None, *_COORDINATES)
    if request.streaming is not None and is_other:
        raise UserError(
            f'--recipe {request.recipe}: --streaming needs coordinates; use pose2d or '
            'pose3d.'
        )
    if request.streaming is not None and request.segmentor == 'asformer':
        raise UserError(
            '--segmentor asformer: reads whole videos, so it cannot label streams; '
            'leave out --segmentor or --streaming.'
        )
    if request.pairs and is_other:
        raise UserError(
            f'--recipe {request.recipe}: --pairs needs coordinates; use pose2d or '
            'pose3d.'
        )
    return request.recipe


def _show_joints(videos: Sequence[VideoAnnotation], key: PlaceKey = 'keypoint') -> bool:
    """Return whether any video shows a joint."""
    return any(video[key][joints_seen(video)].any() for video in videos)


def _network(given: Given, choice: Choice) -> Answer:
    """Which network segments, with which delay of a stream, and what it learns."""
    request = given.request
    fields: dict[str, Any] = {'observers': request.observers}
    if request.streaming is not None:
        if not request.pairs:
            _check_one_person(given)
        fields['lookahead'] = lookahead = _frames(request.streaming, given)
        step = CausalMinDuration()
        step.fit(row for video in given.train for row in label_rows(video['label']))
        # It takes at most half of the lookahead; the model sees the rest.
        fields['min_frames'] = min(int(step.shortest), lookahead // 2 + 1)
    usual = 'asformer' if request.streaming is None else 'ms_tcn2'
    return {**fields, 'segmentor': request.segmentor or usual}, ''


def _check_one_person(given: Given) -> None:
    """Raise UserError if a stream would have to choose among people."""
    for video in given.videos:
        persons = len(alone(video)['keypoint'])
        if persons > 1:
            raise UserError(
                f'{given.path}: video {video["frame_dir"]!r} has {persons} persons, '
                'but --streaming needs one, since a stream cannot know who will be the '
                'main person; keep one.'
            )


def _frames(seconds: float, given: Given) -> int:
    """Return the number of whole frames within a time."""
    rates = given.rates
    if len(rates) > 1:
        raise UserError(
            f'{given.path}: --streaming needs videos of one frame rate, but they have '
            f'{rates[0]:g} to {rates[-1]:g} frames per second; convert them to one.'
        )
    longest = given.longest
    if seconds * rates[0] >= longest:
        raise UserError(
            f'{given.path}: --streaming {seconds:g} waits {seconds:g} s for each '
            f'label, but the longest training video lasts {longest / rates[0]:g} s; '
            'use fewer seconds, or leave --streaming out to label whole videos.'
        )
    # 0.3 s at 10 frames per second are 3 frames, despite rounding.
    return int(seconds * rates[0] + 1e-6)


def _turns(given: Given, choice: Choice) -> Answer:
    """How to augment bodies that point in any direction."""
    if choice.recipe == 'pose3d':
        up, reason = up_direction(given.meta, given.train)
        if up is None:
            raise UserError(
                f'{given.path}: which axis of keypoint_3d points up is unknown, since '
                f"{reason}; state it in the file, such as metainfo['up'] = 'z', or use "
                '--recipe pose2d.'
            )
        turns = [_TURN_3D] if faces_everywhere(given.train, up) else []
        return {'turns': turns}, f'Up is {up}, since {reason}.'
    view, reason = camera_view(given.meta, given.train)
    if view == 'side':
        return {}, ''
    note = f'The camera looks from above, since {reason}: skeletons are turned by any'
    sided = [name for name in given.meta['classes'] if _SIDES.search(name)]
    if sided:
        why = f'since a class is named {sided[0]!r}'
        return {'turns': [_TURN]}, f'{note} angle, and not mirrored, {why}.'
    return {'turns': [_TURN, _MIRROR]}, f'{note} angle, and mirrored.'


def _turning(given: Given, recipe: str) -> dict[str, object]:
    """Return options of a renderer that turns bodies that show a heading."""
    shown = bool(body_direction(Skeleton.get(given.meta['skeleton']))[0])
    if shown and recipe == 'pose3d':
        up, _ = up_direction(given.meta, given.train)
        return {'vertical': 'xyz'.index(str(up)[-1])}
    if shown and camera_view(given.meta, given.train)[0] == 'top':
        return {}
    return {'turn': False}


def _pairs(given: Given, choice: Choice) -> Answer:
    """Who is read where videos show several individuals."""
    asked, options = given.request.pairs, _turning(given, choice.recipe)
    named = all('individual' in video for video in given.videos)
    who = 'that labels describe' if named else 'with the highest scores of joints'
    alone = [v['frame_dir'] for v in given.videos if not _shows_several(v)]
    if asked:
        if not show_several(given.videos):
            raise UserError(
                f'{given.path}: video {alone[0]!r} shows one person, the first of '
                f'{len(alone)} such videos, but --pairs needs two or more; convert it '
                'with --others, or leave --pairs out.'
            )
        if choice.lookahead is not None and not named:
            # Who scores highest is known only at the end of a video.
            options['person'] = 0
        return {'pairs': options}, (
            f'The individual {who} is seen with the nearest other.'
        )
    count = len(given.videos)
    if choice.recipe not in _COORDINATES or len(alone) == count:
        return {}, ''
    line = (
        f'{count - len(alone)} of {counted(count, "video")} show several '
        f'individuals, of whom only the one {who} is read; a config with --pairs also '
        'sees the nearest other.'
    )
    may_be_pairs = asked is None and choice.lookahead is None and len(given.train) > 1
    if not may_be_pairs or not show_several(given.videos):
        return {}, line
    dims: Literal[2, 3] = 3 if choice.recipe == 'pose3d' else 2
    own, both = recall_without_and_with(given.train, given.meta, dims, options)
    found = (
        f'in a quick look at held-out recordings, {100 * both:.0f} % of the frames of '
        f'a class are found with the nearest other, and {100 * own:.0f} % without'
    )
    if both < own + _GAIN:
        return {}, f'{line} It is left out, since {found}.'
    return {'pairs': options}, (
        f'The individual {who} is seen with the nearest other, since {found}. To leave '
        'the other out, use --no-pairs.'
    )


def show_several(videos: Sequence[VideoAnnotation]) -> bool:
    """Return whether nine of ten videos show more than one person."""
    return sum(map(_shows_several, videos)) >= _MOST * len(videos)


def _shows_several(video: VideoAnnotation) -> bool:
    return joints_seen(video).any(axis=(1, 2)).sum() > 1


def _objects(given: Given, choice: Choice) -> Answer:
    """Which objects are seen, if coordinates can be beside them."""
    found = [one for video in given.train for one in video.get('objects', ())]
    seen = {one['kind'] for one in found if np.any(one['score'])}
    stated = given.meta.get('objects', {})
    kinds = {k: list(v) for k, v in stated.items() if k in seen}
    if not given.request.objects or not kinds or choice.recipe not in _COORDINATES:
        return {}, ''
    for video in given.videos:
        if 'objects' not in video:
            raise UserError(
                f'{given.path}: video {video["frame_dir"]!r} has no `objects`, but '
                'others have; add them, an empty list if there are none, or use '
                '--no-objects.'
            )
    found += [one for video in given.test for one in video['objects']]
    in_3d = choice.recipe == 'pose3d' and all('points_3d' in one for one in found)
    dims, turning = (3, 'pose3d') if in_3d else (2, 'pose2d')
    part = {'type': 'ObjectCoordinates', 'dims': dims, 'kinds': kinds}
    return {'parts': [*choice.parts, part | _turning(given, turning)]}, (
        f'The model also sees where objects are ({", ".join(kinds)}), and '
        'needs them in new videos, too. To leave them out, use --no-objects.'
    )


def _places(given: Given, choice: Choice) -> Answer:
    """Which places are seen, if coordinates can be beside them."""
    every = {
        video['frame_dir']: zones(map(Place.of, video.get('places', ())))
        for video in given.videos
    }
    shapes = {one.name: one.shape for own in every.values() for one in own}
    if not given.request.places or not shapes or choice.recipe not in _COORDINATES:
        return {}, ''
    for video, own in every.items():
        if missing := shapes.keys() - {one.name for one in own}:
            raise UserError(
                f'{given.path}: video {video!r} has no place {min(missing)!r}, but '
                'others have; add it, or use --no-places.'
            )
        for one in own:
            if not alike(one.shape, shapes[one.name]):
                raise UserError(
                    f'{given.path}: video {video!r} has {one.name!r} as a {one.shape}, '
                    f'but another has a {shapes[one.name]}; draw it alike, or use '
                    '--no-places.'
                )
    on_floor = all(one.space == 'floor' for own in every.values() for one in own)
    if on_floor and choice.recipe != 'pose3d':
        return {}, ''
    dims, turning = (3, 'pose3d') if on_floor else (2, 'pose2d')
    part: dict[str, object] = {'type': 'PlaceCoordinates', 'dims': dims}
    part |= {'places': shapes, **_turning(given, turning)}
    if part.pop('turn', True):
        part['view'] = True
    return {'parts': [*choice.parts, part]}, (
        f'The model also sees where individuals are relative to places '
        f'({", ".join(shapes)}), and needs these in new videos, too. To leave them '
        'out, use --no-places.'
    )


def _clips(given: Given, choice: Choice) -> Answer:
    """Whether clips of one action each are joined into recordings."""
    if not given.clips:
        return {}, ''
    order = ', in the order of their names' * bool(places_in_recordings(given.clips))
    line = (
        f'{len(given.clips)} of {counted(len(given.train), "training video")} are '
        'clips of one action each, which are joined anew in each epoch into recordings'
        f'{order}.'
    )
    if all(one_action(video['label']) is not None for video in given.test):
        line += (
            ' So are the test videos, so scores do not say how the model does on '
            'recordings of several actions.'
        )
    return {'clips': True}, line


def _script(given: Given, choice: Choice) -> Answer:
    """Whether videos are kept whole, since their actions follow a script."""
    is_predicted = given.order is not None and given.order.is_script
    asked = given.request.any_order
    is_script = is_predicted if asked is None else not asked
    # With few labels, crops do not show where in a script they are.
    is_script = is_script and not given.has_few_labels
    prefers = is_script and is_predicted and choice.lookahead is None
    return {'is_script': is_script, 'prefers_order': prefers}, ''


def _length(given: Given, choice: Choice) -> Answer:
    """How long to train; only coordinates may get two networks."""
    plan = plan_training(
        crop_lengths(given.train, choice.crop_frames, joined=choice.clips),
        choice.batch_size,
        given.request.epochs,
        may_be_two=choice.segmentor == 'asformer' and choice.recipe in _COORDINATES,
        few_labels=given.has_few_labels,
    )
    return {'plan': plan}, plan.summary(choice.recipe)


def _classes(given: Given, choice: Choice) -> Answer:
    """Which classes are tested, but never shown in training."""
    tiers = tiers_of(given.meta)
    seen, tested = (
        {
            tier.rows.start + int(c)
            for video in videos
            for tier, row in zip(tiers, label_rows(video['label']), strict=True)
            for c in np.unique(row)
            if c >= 0
        }
        for videos in (given.train, given.test)
    )
    names = [repr(given.meta['classes'][c]) for c in sorted(tested - seen)]
    if not names:
        return {}, ''
    return {}, (
        f'No training video shows {", ".join(names)}, which will therefore not be '
        'found in the test videos.'
    )


def _order(given: Given, choice: Choice) -> Answer:
    """Whether to recombine videos, if they can be joined anywhere."""
    asked = given.request.any_order
    can_join = any(
        direct_boundaries(joint_label(video['label'])).size for video in given.train
    )
    if asked and not can_join:
        raise UserError(
            f'{given.path}: no video of split {given.splits[0]!r} has two adjacent '
            'labelled segments, so --any-order has nothing to recombine; leave it out.'
        )
    usual = choice.segmentor == 'asformer' and can_join and not choice.is_script
    fields = {'any_order': usual if asked is None else asked}
    if given.order is None:
        return fields, ''
    share, chance = (100 * one for one in given.order)
    found = f'The previous action predicts {share:.0f} % of the next ones'
    if chance > share / 2:
        found += f' (frequencies alone, {chance:.0f} %)'
    if choice.is_script:
        return fields, (
            f'{found}, and training videos are kept whole and in order, as a script. '
            f'{"Labels in these orders are preferred. " * choice.prefers_order}'
            'If other orders may occur, use --any-order.'
        )
    if fields['any_order']:
        doubt = 'This is in doubt: `mmskelseg fit` compares both. '
        return fields, (
            f'{found}, and training videos are also recombined into new orders. '
            f'{doubt * given.order.is_in_doubt}If all videos follow one script, use '
            '--no-any-order.'
        )
    return fields, ''


def _sides(given: Given, choice: Choice) -> Answer:
    """Whether heatmaps tell left from right."""
    has_pairs = Skeleton.get(given.meta['skeleton']).flip_pairs
    if choice.recipe != 'heatmap_cnn' or has_pairs:
        return {}, ''
    return {}, (
        'The skeleton names no pairs of left and right joints, so the heatmaps do not '
        'tell the sides apart; if it has any, name them in its flip_pairs.'
    )


def _duration(given: Given, choice: Choice) -> Answer:
    """How long labels of a stream last at least."""
    if choice.lookahead is None or choice.min_frames == 1:
        return {}, ''
    return {}, (
        f'Labels only change to one that lasts for {choice.min_frames} frames '
        f'(model.postprocess), so of the {choice.lookahead} frames of lookahead, the '
        f'model sees {choice.lookahead - choice.min_frames + 1}.'
    )


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


#: What is asked, in this order: each question knows the answers to those before it.
QUESTIONS: Mapping[str, Callable[[Given, Choice], Answer]] = {
    'recipe': _recipe,
    'rates': _rates,
    'network': _network,
    'turns': _turns,
    'pairs': _pairs,
    'objects': _objects,
    'places': _places,
    'clips': _clips,
    'script': _script,
    'length': _length,
    'classes': _classes,
    'order': _order,
    'sides': _sides,
    'duration': _duration,
}
