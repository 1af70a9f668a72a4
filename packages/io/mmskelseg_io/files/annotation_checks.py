"""Checks of annotation files, in the order in which they are read.

A check yields messages; those about a video start with the faulty key. The first
message ends the reading, so a check may rely on all earlier ones, and types here are
those of a valid file.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, cycle
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from mmskelseg_io.files.metainfo_checks import (
    Line,
    is_text,
    metainfo_problems,
    name_problems,
    value_problems,
)
from mmskelseg_io.files.typed import Rate
from mmskelseg_io.messages.errors import CONTROL, UserError, unlike
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
        yield _WHOLE, unlike('annotations', videos, 'a list of at least one video')
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
        yield _WHOLE, unlike('split', split, 'a dict with `train` and `test`')
    names = {video['frame_dir'] for video in videos}
    for name, members in split.items():
        # Configs that name it would contain a template of MMEngine.
        if '{{' in name or CONTROL.search(name):
            expected = 'a name without {{ and control characters'
            yield _WHOLE, unlike('the name of a split', name, expected, 'rename it')
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
        yield unlike(f'the {what}', value, f'a dict with {required}')
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
    yield from name_problems('frame_dir', video['frame_dir'])
    yield from _keypoint_problems(video['keypoint'], skeleton)
    shape = video['keypoint'].shape[:3]
    yield from _individual_problems(video, shape[0])
    if 'observers' in video:
        observers = video['observers']
        if not isinstance(observers, dict) or not observers:
            expected = 'a dict with the labels of each observer by name'
            yield unlike('observers', observers, expected)
        for name in observers:
            yield from name_problems('observers, a name,', name)
    yield from _label_problems(video, shape[1], tiers)
    total = video['total_frames']
    if not isinstance(total, int | np.integer) or total != shape[1]:
        yield unlike('total_frames', total, f'the {shape[1]} frames of keypoint')
    shapes: dict[Literal['keypoint_score', 'keypoint_3d', 'risk'], tuple[int, ...]] = {
        'keypoint_score': shape,
        'keypoint_3d': (*shape, 3),
        'risk': shape[1:2],
    }
    for key, wanted in shapes.items():
        if key in video and not _is_array(video[key], wanted):
            expected = f'a numerical array of shape {wanted}, as keypoint needs'
            yield unlike(key, video[key], expected)
    for part in SKELETON_KEYS:
        if part in video:
            least = 0 if part == 'keypoint_score' else -_FARTHEST
            values = np.moveaxis(video[part], 0, -1)
            remedy = 'set a missing joint to 0 and its keypoint_score to 0'
            yield from _bound_problems(part, values, least, ('frame', 'joint'), remedy)
    risk = video.get('risk', np.zeros(1))
    yield from _bound_problems('risk', risk, -_FARTHEST, ('frame',), 'or leave it out')
    yield from value_problems(_VALUES, video)
    yield from place_problems('places', video.get('places', ()))


def _keypoint_problems(keypoint: np.ndarray, skeleton: Skeleton) -> Iterator[str]:
    axes = np.shape(keypoint) if _is_array(keypoint) else ()
    if len(axes) != 4 or axes[3] != 2 or 0 in axes:
        expected = 'a numerical array (persons, frames, joints, 2), none of them 0'
        remedy = 'for one person, put an axis of length 1 in front'
        yield unlike('keypoint', keypoint, expected, remedy)
    if keypoint.shape[2] != skeleton.num_joints:
        yield (
            f'keypoint has {keypoint.shape[2]} joints, but {skeleton.name!r} has '
            f'{skeleton.num_joints}; set metainfo skeleton to the layout of the poses.'
        )


def _individual_problems(video: VideoAnnotation, persons: int) -> Iterator[str]:
    names = video.get('individuals', [*map(str, range(persons))])
    if not isinstance(names, list | tuple) or len(names) != persons:
        expected = f'a list of the names of the {persons} in keypoint'
        yield unlike('individuals', names, expected)
    for name in names:
        yield from name_problems('individuals, a name,', name)
    if len({*names}) < len(names):
        yield unlike('individuals', names, 'a name of its own for each')
    index = video.get('individual', 0)
    if not isinstance(index, int | np.integer) or not 0 <= index < persons:
        yield unlike('individual', index, f'an index up to {persons - 1}')


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


def _label_problems(
    video: VideoAnnotation, frames: int, tiers: Sequence[Tier]
) -> Iterator[str]:
    """Yield what is wrong with label, and with that of each observer."""
    labels = {'label': video['label']} if 'label' in video else {}
    for who, one in video.get('observers', {}).items():
        labels[f'observers {who!r}'] = one
    axes = {
        'individuals': len(video.get('individuals', ())),
        'tiers': len(tiers) if tiers[0].name else 0,
        'frames': frames,
    }
    shape = tuple(filter(None, axes.values()))
    rows = ' x '.join(f'{n} {axis}' for axis, n in axes.items() if n)
    for key, label in labels.items():
        if not _is_array(label, shape, 'iu'):
            expected = f'an integer array of shape {shape}: class ids of {rows}'
            remedy = 'convert it, or cut the longer of labels and poses'
            yield unlike(key, label, expected, remedy)
        for tier, row in zip(cycle(tiers), label.reshape(-1, frames), strict=False):
            count, axis = len(tier.classes), ('frame',)
            stated = f'tier {tier.name!r}' if tier.name else 'metainfo classes'
            remedy = f'since {stated} has {count} names, and -1 is no label'
            yield from _bound_problems(key, row, -1, axis, remedy, count - 1)


def _bound_problems(
    key: str,
    values: np.ndarray,
    least: float,
    axes: Sequence[str],
    remedy: str,
    most: float = _FARTHEST,
) -> Iterator[str]:
    """Yield the first of values out of bounds; the first axes have names."""
    # Comparisons with NaN are false.
    if values.min() >= least and values.max() <= most:
        return
    wrong = np.argwhere(~((values >= least) & (values <= most)))
    place = ', '.join(f'{axis} {i}' for axis, i in zip(axes, wrong[0], strict=False))
    yield (
        f'{key} is {values[tuple(wrong[0])]:g} in {place}, the first of {len(wrong)} '
        f'such values, expected {least:g} to {most:g}; {remedy}.'
    )


def _object_problems(video: VideoAnnotation, kinds: ObjectKinds) -> Iterator[str]:
    objects = video.get('objects', [])
    if not isinstance(objects, list | tuple):
        yield unlike('objects', objects, 'a list of objects')
    names = set()
    needed = {'name', 'kind', 'points', 'score'}
    for i, one in enumerate(objects):
        if not isinstance(one, dict) or not needed <= {*one}:
            expected = 'a dict with name, kind, points and score'
            yield unlike(f'objects, index {i},', one, expected)
        name = one['name']
        yield from name_problems(f'objects, the name at index {i},', name)
        if name in names:
            yield f'objects has the name {name!r} twice; give each its own.'
        names.add(name)
        if not is_text(one['kind']) or one['kind'] not in kinds:
            expected = f'one of metainfo objects: {", ".join(kinds) or "none"}'
            yield unlike(f'objects, {name!r}, kind', one['kind'], expected)
        shape = video['total_frames'], len(kinds[one['kind']])
        yield from _point_problems(f'objects, {name!r},', one, shape)


def _point_problems(
    place: str, one: TrackedObject, shape: tuple[int, int]
) -> Iterator[str]:
    shapes: dict[ObjectKey, tuple[int, ...]] = {
        'points': (*shape, 2),
        'score': shape,
        'points_3d': (*shape, 3),
    }
    for key, wanted in shapes.items():
        if key not in one:
            continue
        if not _is_array(one[key], wanted):
            expected = f'a numerical array of shape {wanted}: (frames, points of it)'
            yield unlike(f'{place} {key}', one[key], expected)
        least = 0 if key == 'score' else -_FARTHEST
        remedy = 'set a point that is not seen to 0, with score 0'
        axes = ('frame', 'point')
        yield from _bound_problems(f'{place} {key}', one[key], least, axes, remedy)


def _member_problems(
    name: str, members: Sequence[str], videos: Collection[str]
) -> Iterator[str]:
    if not isinstance(members, list | tuple) or not members:
        yield unlike(f'split {name!r}', members, 'a list of at least one frame_dir')
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


def _is_array(
    value: object, shape: tuple[int, ...] | None = None, kinds: str = 'fiu'
) -> bool:
    """Return whether a value is an array of numbers, of this shape if it is given."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds:
        return False
    return shape in (None, value.shape)
