"""Checks of annotation files, in the order in which they are read.

A check yields messages; those about a video start with the faulty key. The first
message ends the reading, so a check may rely on all earlier ones, and types here are
those of a valid file.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, cycle
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np

from mmskelseg_io.files.metainfo_checks import (
    Line,
    described,
    is_text,
    metainfo_problems,
    name_problems,
    value_problems,
)
from mmskelseg_io.files.typed import Rate
from mmskelseg_io.messages.errors import CONTROL, UserError, shown
from mmskelseg_io.messages.options import Count, Where
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import (
    SKELETON_KEYS,
    AnnotationFile,
    VideoAnnotation,
)
from mmskelseg_io.structures.individuals import part_name
from mmskelseg_io.structures.objects import ObjectKey, ObjectKinds, TrackedObject
from mmskelseg_io.structures.places import place_problems
from mmskelseg_io.structures.splits import folds_of
from mmskelseg_io.structures.tiers import Tier, tiers_of

_REQUIRED = {
    'annotation file': ('split', 'annotations', 'metainfo'),
    'metainfo': ('classes', 'skeleton', 'dataset', 'background'),
    'video': (
        'frame_dir', 'total_frames', 'img_shape', 'keypoint', 'keypoint_score', 'label',
        'fps',
    ),
}  # fmt: skip
# A part of the annotations: (frame_dir, key), or ('split', name of the split).
Part = tuple[str, str]
#: The files that parts of the annotations were read from.
Files = Mapping[Part, Path]
_WHOLE: Part = ('', '')
# The largest coordinate, beyond any camera; products of coordinates stay finite.
_FARTHEST = 1e9


def _pair(words: str) -> Where:
    return Where(f'({words})', lambda pair: isinstance(pair, list | tuple))


_VALUES = {
    'img_shape': Annotated[tuple[Count, Count], _pair('height, width in whole pixels')],
    'fps': Rate,
    **dict.fromkeys(('filename', 'person', 'video'), Line),
    'part_of': Annotated[tuple[str, int], _pair('recording, first frame')],
}


def check_annotations(
    data: AnnotationFile, source: str, files: Files | None = None
) -> None:
    """Raise a UserError for the first fault in annotations.

    The message names ``source``, usually the path of the file, or the one of ``files``
    from which the faulty part was read.
    """
    for part, problem in _problems(data):
        raise UserError(f'{(files or {}).get(part, source)}: {problem}')


def _problems(data: AnnotationFile) -> Iterator[tuple[Part, str]]:
    yield from _at(_WHOLE, _key_problems('annotation file', data))
    meta, videos, split = data['metainfo'], data['annotations'], data['split']
    yield from _at(_WHOLE, _key_problems('metainfo', meta))
    yield from _at(_WHOLE, (f'metainfo {one}' for one in metainfo_problems(meta)))
    if not isinstance(videos, list) or not videos:
        expected = 'expected a list of at least one video'
        yield _WHOLE, f'annotations is {described(videos)}, {expected}.'
    skeleton, tiers = Skeleton.get(meta['skeleton']), tiers_of(meta)
    for i, video in enumerate(videos):
        name = video.get('frame_dir', i) if isinstance(video, dict) else i
        problems = chain(
            _video_problems(video, skeleton, tiers),
            _object_problems(video, meta.get('objects', {})),
        )
        for problem in problems:
            yield (str(name), problem.split()[0]), f'video {name!r}: {problem}'
    yield from _at(_WHOLE, _name_problems(videos))
    if not isinstance(split, dict) or {type(name) for name in split} != {str}:
        expected = 'expected a dict with `train` and `test`'
        yield _WHOLE, f'split is {described(split)}, {expected}.'
    names = {video['frame_dir'] for video in videos}
    for name, members in split.items():
        if '{{' in name:
            # Configs that name it would contain a template of MMEngine.
            yield _WHOLE, f'the name of split {described(name)} holds {{{{; rename it.'
        if CONTROL.search(name):
            problem = f'the name of split {described(name)} holds control characters.'
            yield _WHOLE, problem
        yield from _at(('split', name), _member_problems(name, members, names))
    for name in split:
        yield from _at(('split', name), _half_problems(name, split))
    for train, test in folds_of(split).values():
        yield from _at(('split', train), _fold_problems(train, test, split))


def _at(part: Part, problems: Iterable[str]) -> Iterator[tuple[Part, str]]:
    return ((part, problem) for problem in problems)


def _key_problems(what: str, value: Mapping[str, object]) -> Iterator[str]:
    required = ', '.join(_REQUIRED[what])
    if not isinstance(value, dict):
        yield f'the {what} is {described(value)}, expected a dict with {required}.'
    instead = {'tiers': 'classes', 'observers': 'label'}
    given = {*value, *(instead[key] for key in value if key in instead)}
    missing = [key for key in _REQUIRED[what] if key not in given]
    if missing:
        yield (
            f'the {what} lacks {", ".join(missing)}; it needs the keys {required} '
            '(see docs/data_format.md).'
        )


def _video_problems(
    video: VideoAnnotation, skeleton: Skeleton, tiers: Sequence[Tier]
) -> Iterator[str]:
    yield from _key_problems('video', video)
    name = video['frame_dir']
    yield from name_problems('frame_dir is', name)
    yield from _keypoint_problems(video['keypoint'], skeleton)
    shape = video['keypoint'].shape[:3]
    yield from _individual_problems(video, shape[0])
    if 'observers' in video:
        yield from _observer_problems(video['observers'])
    yield from _length_problems(video, shape[1], tiers)
    shapes: dict[Literal['keypoint_score', 'keypoint_3d', 'risk'], tuple[int, ...]] = {
        'keypoint_score': shape,
        'keypoint_3d': (*shape, 3),
        'risk': shape[1:2],
    }
    for key, expected in shapes.items():
        if key not in video:
            continue
        if not _is_numerical(video[key]):
            yield f'{key} is {described(video[key])}, expected a numerical array.'
        if video[key].shape != expected:
            yield f'{key} has shape {video[key].shape}, but keypoint needs {expected}.'
    yield from _value_problems(video, tiers)
    yield from value_problems(_VALUES, video)
    yield from place_problems('places', video.get('places', ()))


def _keypoint_problems(keypoint: np.ndarray, skeleton: Skeleton) -> Iterator[str]:
    if not _is_numerical(keypoint):
        yield f'keypoint is {described(keypoint)}, expected a numerical array.'
    if keypoint.ndim != 4 or keypoint.shape[-1] != 2 or 0 in keypoint.shape:
        yield (
            f'keypoint has shape {keypoint.shape}, expected (persons, frames, joints, '
            '2), none of them 0; for one person, put an axis of length 1 in front.'
        )
    if keypoint.shape[2] != skeleton.num_joints:
        yield (
            f'keypoint has {keypoint.shape[2]} joints, but the skeleton '
            f'{skeleton.name!r} has {skeleton.num_joints}; set metainfo skeleton to '
            'the layout of the poses.'
        )


def _individual_problems(video: VideoAnnotation, persons: int) -> Iterator[str]:
    names = video.get('individuals', ())
    if 'individuals' in video and not (
        isinstance(names, list | tuple) and len(names) == persons
    ):
        yield (
            f'individuals is {shown(names)}, expected a list of the names of the '
            f'{persons} in keypoint.'
        )
    for name in names:
        yield from name_problems('individuals has the name', name)
    if len({*names}) < len(names):
        yield f'individuals is {shown(names)}; give each its own name.'
    index = video.get('individual', 0)
    if not isinstance(index, int | np.integer) or not 0 <= index < persons:
        yield f'individual is {shown(index)}, expected an index up to {persons - 1}.'


def _observer_problems(observers: object) -> Iterator[str]:
    if not isinstance(observers, dict) or not observers:
        yield (
            f'observers is {described(observers)}, expected a dict with the labels of '
            'each observer by name.'
        )
    for name in cast(dict, observers):
        yield from name_problems('observers has the name', name)


def _labels(video: VideoAnnotation) -> dict[str, np.ndarray]:
    """Return label, and that of each observer, by their names in messages."""
    own = {'label': video['label']} if 'label' in video else {}
    observers = video.get('observers', {})
    return own | {f'observers {who!r}': one for who, one in observers.items()}


def _name_problems(videos: Sequence[VideoAnnotation]) -> Iterator[str]:
    """Yield names that videos have in common, also once individuals are read apart."""
    for name, count in Counter(video['frame_dir'] for video in videos).items():
        if count > 1:
            yield f'{count} videos have the frame_dir {name!r}; give each its own.'
    found: dict[str, str] = {}
    for video in videos:
        name = video['frame_dir']
        own = {name: f'the video {name!r}'}
        if 'individuals' in video:
            own = {
                part_name(name, who): f'{who!r} of the video {name!r}'
                for who in video['individuals']
            }
        for part, whose in own.items():
            if part in found:
                yield f'{found[part]} and {whose} are both {part!r}; rename one.'
            found[part] = whose


def _length_problems(
    video: VideoAnnotation, frames: int, tiers: Sequence[Tier]
) -> Iterator[str]:
    rows = {'individuals': len(video.get('individuals', ())), 'tiers': len(tiers)}
    if not tiers[0].name:
        rows['tiers'] = 0
    expected = tuple(n for n in rows.values() if n)
    for key, label in _labels(video).items():
        if not isinstance(label, np.ndarray) or label.dtype.kind not in 'iu':
            yield (
                f'{key} is {described(label)}, expected an integer array with the '
                'class id of each frame; convert it with astype(int64).'
            )
        if label.shape[:-1] != expected and label.shape[-1:] == (frames,):
            named = ' and '.join(
                f'{n} {what.removesuffix("s") if n == 1 else what}'
                for what, n in rows.items()
                if n
            )
            yield (
                f'{key} has shape {label.shape}, but with {named or "one tier"} it '
                f'must be {(*expected, frames)}.'
            )
        if label.shape != (*expected, frames):
            yield (
                f'{key} has shape {label.shape}, but keypoint has {frames} frames; '
                'labels and poses must come from the same frames, so cut the longer of '
                'the two.'
            )
    total = video['total_frames']
    if not isinstance(total, int | np.integer) or total != frames:
        yield (
            f'total_frames is {described(total)}, but keypoint has {frames} frames; '
            f'set total_frames to {frames}.'
        )


def _value_problems(video: VideoAnnotation, tiers: Sequence[Tier]) -> Iterator[str]:
    for key in SKELETON_KEYS:
        # Comparisons with NaN are false.
        if key in video and not (
            video[key].min() >= -_FARTHEST and video[key].max() <= _FARTHEST
        ):
            values = video[key].reshape(*video[key].shape[:3], -1)
            far = np.any(~(np.abs(values) <= _FARTHEST), axis=-1)
            frame, joint, person = np.argwhere(far.transpose(1, 2, 0))[0]
            worst = values[person, frame, joint]
            what = 'NaN or infinite'
            if np.isfinite(worst).all():
                what = f'{worst[np.abs(worst).argmax()]:g}, beyond {_FARTHEST:g},'
            yield (
                f'{key} is {what} in frame {frame}, joint {joint}, the first '
                f'of {far.sum()} such joints; set a missing joint to 0 and its '
                'keypoint_score to 0.'
            )
    wrong = np.flatnonzero(~np.isfinite(video.get('risk', 0)))
    if wrong.size:
        yield (
            f'risk is NaN or infinite in frame {wrong[0]}; complete it or leave it out.'
        )
    score = video['keypoint_score']
    if (score < 0).any():
        frame, joint, person = np.argwhere((score < 0).transpose(1, 2, 0))[0]
        yield (
            f'keypoint_score is {score[person, frame, joint]:g} in frame {frame}, '
            f'joint {joint}, expected 0 (missing) or more.'
        )
    for name, label in _labels(video).items():
        yield from _id_problems(name, label, tiers)


def _id_problems(key: str, label: np.ndarray, tiers: Sequence[Tier]) -> Iterator[str]:
    rows = zip(cycle(tiers), label.reshape(-1, label.shape[-1]), strict=False)
    for tier, row in rows:
        count, stated = len(tier.classes), 'metainfo classes'
        wrong = np.flatnonzero((row < -1) | (row >= count))
        if tier.name:
            stated = f'tier {tier.name!r}'
        if wrong.size:
            yield (
                f'{key} is {row[wrong[0]]} in frame {wrong[0]}, the first of '
                f'{wrong.size} out of range; expected 0 to {count - 1}, since {stated} '
                f'has {count} names, or -1 for no label.'
            )


def _object_problems(video: VideoAnnotation, kinds: ObjectKinds) -> Iterator[str]:
    objects = video.get('objects', [])
    if not isinstance(objects, list | tuple):
        yield f'objects is {described(objects)}, expected a list of objects.'
    names = set()
    for i, one in enumerate(objects):
        if not isinstance(one, dict) or not {'name', 'kind', 'points', 'score'} <= {
            *one
        }:
            yield (
                f'objects has {described(one)} at index {i}, expected a dict with '
                'name, kind, points and score.'
            )
        name = one['name']
        yield from name_problems(f'objects has at index {i} the name', name)
        if name in names:
            yield f'objects has the name {name!r} twice; give each its own.'
        names.add(name)
        place = f'objects, {name!r},'
        if not is_text(one['kind']) or one['kind'] not in kinds:
            yield (
                f'{place} has the kind {shown(one["kind"])}, expected one of metainfo '
                f'objects: {", ".join(kinds) or "none"}.'
            )
        points = len(kinds[one['kind']])
        yield from _point_problems(place, one, (video['total_frames'], points))


def _point_problems(
    place: str, one: TrackedObject, shape: tuple[int, int]
) -> Iterator[str]:
    shapes: dict[ObjectKey, tuple[int, ...]] = {
        'points': (*shape, 2),
        'score': shape,
        'points_3d': (*shape, 3),
    }
    for key, expected in shapes.items():
        if key not in one:
            continue
        value = one[key]
        if not _is_numerical(value) or value.shape != expected:
            yield (
                f'{place} has {key} {described(value)}, expected a numerical array of '
                f'shape {expected}: (frames, points of its kind).'
            )
        least = 0 if key == 'score' else -_FARTHEST
        # Comparisons with NaN are false.
        wrong = np.argwhere(~((value >= least) & (value <= _FARTHEST)))
        if len(wrong):
            frame, point = wrong[0, :2]
            yield (
                f'{place} has {key} {value[tuple(wrong[0])]:g} in frame {frame}, point '
                f'{point}, expected {least:g} to {_FARTHEST:g}; set a point that is '
                'not seen to 0, with score 0.'
            )


def _member_problems(
    name: str, members: Sequence[str], videos: Collection[str]
) -> Iterator[str]:
    if not isinstance(members, list | tuple) or not members:
        yield (
            f'split {name!r} is {described(members)}, expected a list of at least one '
            'frame_dir.'
        )
    for video in members:
        if not isinstance(video, str) or video not in videos:
            yield (
                f'split {name!r} names the video {video!r}, which is not among the '
                f'{len(videos)} annotated ones; annotate it or leave it out.'
            )
    for video, count in Counter(members).items():
        if count > 1:
            yield f'split {name!r} names the video {video!r} {count} times.'


def _half_problems(name: str, split: Mapping[str, Sequence[str]]) -> Iterator[str]:
    fold = name.rpartition('/')[0]
    train, test = f'{fold}/train', f'{fold}/test'
    if fold and not {train, test} <= split.keys():
        yield f'split {name!r} is half a fold; name its splits {train!r} and {test!r}.'


def _fold_problems(
    train: str, test: str, split: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    both = {*split[train]} & {*split[test]}
    if both:
        yield (
            f'the video {min(both)!r} is in both {train!r} and {test!r}; keep it in '
            'only one, or the test results are meaningless.'
        )


def _is_numerical(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in 'fiu'
