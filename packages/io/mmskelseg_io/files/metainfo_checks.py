"""Checks of metainfo: in annotation files, checkpoints, models and predictions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, TypeGuard, cast

from mmskelseg_io.files.typed import Rate
from mmskelseg_io.messages.errors import (
    CONTROL,
    MOST_OF_CLASS,
    UserError,
    reading,
    shown,
    unlike,
)
from mmskelseg_io.messages.options import (
    Count,
    Fraction,
    Positive,
    Where,
    expected,
    fits,
)
from mmskelseg_io.structures import Skeleton, is_data_layout
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.bodies import DIRECTIONS, VIEWS
from mmskelseg_io.structures.places import place_problems
from mmskelseg_io.structures.tiers import COLOR, flat_classes

# The most points of an object.
_MOST_POINTS = 1000


def is_text(value: object) -> TypeGuard[str]:
    """Return whether a value is a text that can be printed on a line."""
    return isinstance(value, str) and not CONTROL.search(value)


#: A text that people read.
Line = Annotated[str, Where('a text without control characters', is_text)]
_VALUES = {
    'up': Annotated[
        str, Where(f'one of {", ".join(DIRECTIONS)}', DIRECTIONS.__contains__)
    ],
    'view': Annotated[str, Where(f'one of {", ".join(VIEWS)}', VIEWS.__contains__)],
    **dict.fromkeys(('dataset', 'license', 'person'), Line),
    'fps': Rate | None,
    'kpt_thr': Fraction,
    'cm_per_pixel': Positive,
    'videos': Count,
}


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
    yield from _background_problems(meta)
    yield from _color_problems(meta)
    yield from value_problems(_VALUES, meta)
    yield from place_problems('places', meta.get('places', ()))
    if 'skeleton' in meta:
        yield from _skeleton_problems(meta['skeleton'])
    if 'objects' in meta:
        yield from _kind_problems(meta['objects'])


def _skeleton_problems(skeleton: object) -> Iterator[str]:
    if not is_data_layout(skeleton):
        expected = 'coco17, lcr15, mmpose:NAME or a dict with joints and limbs'
        yield unlike('skeleton', skeleton, expected, 'a file could run code')
        return
    try:
        Skeleton.get(skeleton)
    except (TypeError, ValueError) as error:
        yield f'skeleton: {error}'


def _kind_problems(kinds: object) -> Iterator[str]:
    if not isinstance(kinds, dict):
        yield unlike('objects', kinds, 'a dict with the names of points by kind')
        return
    for kind, points in kinds.items():
        yield from name_problems('objects, a kind,', kind)
        if (
            not isinstance(points, list | tuple)
            or not 0 < len(points) <= _MOST_POINTS
            or not all(is_text(name) and name for name in points)
            or len({*points}) < len(points)
        ):
            expected = f'a list of the different names of 1 to {_MOST_POINTS} points'
            yield unlike(f'objects, {kind!r},', points, expected)


def _tier_problems(meta: Metainfo) -> Iterator[str]:
    tiers = meta['tiers']
    if not isinstance(tiers, dict) or not tiers:
        yield unlike('tiers', tiers, 'a dict with the class names of each tier')
    for name, classes in tiers.items():
        yield from name_problems('tiers, a name,', name)
        yield from _class_problems(f'tiers, {name!r},', classes)
    flat = flat_classes(tiers)
    yield from _class_problems('tiers', flat)
    if 'classes' in meta and meta['classes'] not in (flat, tuple(flat)):
        expected = f'those of the tiers, {", ".join(flat)}'
        yield unlike('classes', meta['classes'], expected, 'leave it out')


def _class_problems(place: str, classes: Sequence[str]) -> Iterator[str]:
    if not isinstance(classes, list | tuple) or not classes:
        yield unlike(place, classes, 'a list of class names')
    ids: dict[str, int] = {}
    for i, name in enumerate(classes):
        yield from name_problems(f'{place}, id {i},', name)
        if len(name) > MOST_OF_CLASS:
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
    stated, tiers = meta.get('background'), meta.get('tiers')
    if tiers is None:
        tiers, stated = {'': meta.get('classes', [])}, {'': stated}
    if not isinstance(stated, dict | None):
        expected = 'None or a dict with the background class of each tier'
        yield unlike('background', stated, expected)
        return
    for name, value in (stated or {}).items():
        if name not in tiers:
            yield unlike('background, a tier,', name, f'one of {", ".join(tiers)}')
        elif value is not None and value not in tiers[name]:
            place = f'background, {name!r},' if name else 'background'
            expected = f'None or one of the classes {", ".join(tiers[name])}'
            yield unlike(place, value, expected)


def _color_problems(meta: Metainfo) -> Iterator[str]:
    colors = meta.get('colors', {})
    if not isinstance(colors, dict):
        yield unlike('colors', colors, 'a dict with the colors of classes by name')
        return
    known = flat_classes(meta.get('tiers') or {'': meta.get('classes', ())})
    for name, color in colors.items():
        if name not in known:
            yield unlike('colors, a class,', name, f'one of {", ".join(known)}')
        elif not isinstance(color, str) or not COLOR.fullmatch(color):
            yield unlike(f'colors, {name!r},', color, 'one like #0072b2')


def name_problems(what: str, name: object) -> Iterator[str]:
    """Yield what is wrong with a name, that of ``what``."""
    if not is_text(name) or not name.strip():
        yield unlike(what, name, 'a name without control characters')


def value_problems(
    hints: Mapping[str, object], values: Mapping[str, object]
) -> Iterator[str]:
    """Yield what is wrong with those values that do not fit the hints of their keys."""
    for key, hint in hints.items():
        if key in values and not fits(values[key], hint):
            yield unlike(key, values[key], expected(hint))
