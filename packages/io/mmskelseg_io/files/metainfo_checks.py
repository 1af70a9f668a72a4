"""Checks of metainfo: in annotation files, checkpoints, models and predictions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard, cast

import numpy as np

from mmskelseg_io.files.inputs import RATES, is_rate
from mmskelseg_io.messages.errors import (
    CONTROL,
    MOST_OF_CLASS,
    UserError,
    reading,
    shown,
)
from mmskelseg_io.messages.options import Count, Fraction, Positive, misfits
from mmskelseg_io.structures import Skeleton, is_data_layout
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.bodies import DIRECTIONS, VIEWS
from mmskelseg_io.structures.places import place_problems
from mmskelseg_io.structures.tiers import flat_classes

# Texts that people read.
_TEXTS = ('dataset', 'license', 'person')
# The most points of an object.
_MOST_POINTS = 1000


def check_metainfo(meta: Mapping[str, object], source: str) -> Metainfo:
    """Return metainfo of which any key may be missing, after checking the others.

    Raises:
        UserError: If a value is none that an annotation file could have.
    """
    found = cast(Metainfo, meta)
    with reading(source):
        for problem in metainfo_problems(found):
            raise UserError(f'{source}: {problem}')
    return found


def metainfo_problems(meta: Metainfo) -> Iterator[str]:
    """Yield what is wrong with the keys that there are; the first ends the checking."""
    if 'tiers' in meta:
        yield from _tier_problems(meta)
    elif 'classes' in meta:
        yield from _class_problems('classes', meta['classes'])
    stated = (('up', meta.get('up'), DIRECTIONS), ('view', meta.get('view'), VIEWS))
    for key, value, allowed in stated:
        if key in meta and value not in allowed:
            yield f'{key} is {shown(value)}, expected one of {", ".join(allowed)}.'
    yield from _background_problems(meta)
    for key in _TEXTS:
        yield from text_problems(key, meta.get(key, ''))
    if meta.get('fps') is not None and not is_rate(meta['fps']):
        yield f'fps is {shown(meta["fps"])}, expected {RATES}.'
    numbers = {'kpt_thr': Fraction, 'cm_per_pixel': Positive, 'videos': Count}
    yield from misfits(numbers, meta)
    yield from place_problems('places', meta.get('places', ()))
    if 'skeleton' in meta:
        yield from _skeleton_problems(meta['skeleton'])
    if 'objects' in meta:
        yield from _kind_problems(meta['objects'])


def _skeleton_problems(skeleton: object) -> Iterator[str]:
    if not is_data_layout(skeleton):
        yield (
            f'skeleton is {shown(skeleton)}, expected coco17, lcr15, mmpose:NAME or a '
            'dict with joints and limbs; the path of a file could run code.'
        )
        return
    try:
        Skeleton.get(skeleton)
    except (TypeError, ValueError) as error:
        yield f'skeleton: {error}'


def _kind_problems(kinds: object) -> Iterator[str]:
    if not isinstance(kinds, dict):
        yield (
            f'objects is {described(kinds)}, expected a dict with the names of the '
            'points of each kind.'
        )
        return
    for kind, points in kinds.items():
        if not is_text(kind) or not kind.strip():
            yield (
                f'objects has a kind {shown(kind)}, expected a name without control '
                'characters.'
            )
        if (
            not isinstance(points, list | tuple)
            or not 0 < len(points) <= _MOST_POINTS
            or not all(is_text(name) and name for name in points)
            or len({*points}) < len(points)
        ):
            yield (
                f'objects, {kind!r}, is {shown(points)}, expected a list of the '
                f'different names of its 1 to {_MOST_POINTS} points.'
            )


def _tier_problems(meta: Metainfo) -> Iterator[str]:
    tiers = meta['tiers']
    if not isinstance(tiers, dict) or not tiers:
        yield (
            f'tiers is {described(tiers)}, expected a dict with the class names of '
            'each tier.'
        )
    for name, classes in tiers.items():
        if not is_text(name) or not name.strip():
            yield (
                f'tiers has a tier {shown(name)}, expected a name without control '
                'characters.'
            )
        yield from _class_problems(f'tiers, {name!r},', classes)
    flat = flat_classes(tiers)
    yield from _class_problems('tiers', flat)
    if 'classes' in meta and meta['classes'] not in (flat, tuple(flat)):
        yield (
            f'classes is {described(meta["classes"])}, which are not those of the '
            f'tiers, {", ".join(flat)}; leave it out.'
        )


def _class_problems(place: str, classes: Sequence[str]) -> Iterator[str]:
    if not isinstance(classes, list | tuple) or not classes:
        yield f'{place} is {described(classes)}, expected a list of class names.'
    ids: dict[str, int] = {}
    for i, name in enumerate(classes):
        if not is_text(name) or not name.strip():
            yield (
                f'{place} has {shown(name)} for id {i}, expected a name without '
                'control characters.'
            )
        elif len(name) > MOST_OF_CLASS:
            yield (
                f'{place} has a name of {len(name)} letters for id {i}, but at most '
                f'{MOST_OF_CLASS} can be shown; shorten it.'
            )
        if ids.setdefault(name, i) != i:
            yield (
                f'{place} has {shown(name)} for the ids {ids[name]} and {i}; give each '
                'class a name of its own.'
            )


def _background_problems(meta: Metainfo) -> Iterator[str]:
    background = meta.get('background')
    if 'tiers' not in meta:
        pairs = [('background', background, meta.get('classes', []))]
    elif background is not None and not isinstance(background, dict):
        yield (
            f'background is {shown(background)}, expected None or a dict with the '
            'background class of each tier.'
        )
        return
    else:
        for name in background or {}:
            if name not in meta['tiers']:
                yield (
                    f'background names the tier {shown(name)}, expected one of '
                    f'{", ".join(meta["tiers"])}.'
                )
        pairs = [
            (f'background, {name!r},', value, meta['tiers'][name])
            for name, value in (background or {}).items()
        ]
    for place, value, classes in pairs:
        if value is not None and value not in classes:
            yield (
                f'{place} is {shown(value)}, expected None or one of the classes '
                f'{", ".join(classes)}.'
            )


def is_text(value: object) -> TypeGuard[str]:
    """Return whether a value is a text that can be printed on a line."""
    return isinstance(value, str) and not CONTROL.search(value)


def text_problems(key: str, value: object, *, least: int = 0) -> Iterator[str]:
    """Yield what is wrong with a text on a line, of at least so many characters."""
    if not is_text(value) or len(value) < least:
        expected = 'expected a text without control characters'
        yield f'{key} is {described(value)}, {expected}.'


def described(value: object) -> str:
    """Return a short description of a value for a message."""
    if isinstance(value, np.ndarray):
        return f'an array of {value.dtype} with shape {value.shape}'
    if isinstance(value, dict | list) and value:
        return f'a {type(value).__name__} of length {len(value)}'
    return shown(value)
