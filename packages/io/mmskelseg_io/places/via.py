"""Regions of VGG Image Annotator (VIA), version 2 or 3.

A region is called after its attribute ``name``, or else its only attribute; without
one, after its shape and number. Its video is that of the image.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mmskelseg_io.files.parsing import FilePath, check_shape, number, read_json
from mmskelseg_io.labels.reading import video_name
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.places.reading import (
    PLACE_FORMATS,
    Places,
    by_video,
    ellipse,
    make_place,
    rectangle,
)
from mmskelseg_io.structures.places import Place, Shape

_REMEDY = 'save the project in VIA again'
_IMAGES = {
    ...: {
        'filename': str,
        'regions': [{'shape_attributes': {'name': str}, 'region_attributes?': dict}],
    }
}
_PROJECT = {
    'attribute': {...: {'aname': str, 'options?': {...: str}}},
    'file': {...: {'fname': str}},
    'metadata': {...: {'vid': (str, int), 'xy?': list, 'av?': {...: str}}},
    'view': {...: {'fid_list': [(str, int)]}},
}
# The shapes of version 2, in the order of their numbers in version 3.
_SHAPES = (
    'point', 'rect', 'circle', 'ellipse', 'line', 'polyline', 'polygon'
)  # fmt: skip
# What version 2 calls the numbers of a shape.
_NUMBERS = {
    'point': ('cx', 'cy'),
    'rect': ('x', 'y', 'width', 'height'),
    'circle': ('cx', 'cy', 'r'),
    'ellipse': ('cx', 'cy', 'rx', 'ry'),
}
_POINTS: dict[str, Shape] = {'polygon': 'polygon', 'polyline': 'line', 'line': 'line'}


@PLACE_FORMATS.register('via', {'.json': None})
def read_via(path: FilePath) -> Places:
    """Return the regions of a project, or of the annotations that VIA 2 exports."""
    content = read_json(path, 'VIA', unique=True)
    check_shape(content, {}, str(path), _REMEDY)
    if 'metadata' in content and 'view' in content:
        check_shape(content, _PROJECT, str(path), _REMEDY)
        return by_video(path, _of_project(content, str(path)))
    images = content.get('_via_img_metadata', content)
    check_shape(images, _IMAGES, str(path), _REMEDY)
    return by_video(path, _of_images(images, str(path)))


def _of_images(images: Mapping[str, Any], path: str) -> Iterator[tuple[str, Place]]:
    """Yield the regions of version 2."""
    for image in images.values():
        for i, region in enumerate(image['regions']):
            where = f'{path}: region {i} of {image["filename"]!r}'
            known = region['shape_attributes']
            kind = known['name']
            if kind in _NUMBERS:
                values = [known.get(key) for key in _NUMBERS[kind]]
            else:
                each = (known.get(f'all_points_{axis}') for axis in 'xy')
                x, y = (one if isinstance(one, list) else [None] for one in each)
                values = [v for pair in zip(x, y, strict=False) for v in pair]
            shape, points, radius = _geometry(kind, values, where)
            name = _name(region.get('region_attributes') or {}) or f'{kind} {i}'
            place = make_place(where, name, shape, points, radius)
            yield video_name(image['filename']), place


def _of_project(project: Mapping[str, Any], path: str) -> Iterator[tuple[str, Place]]:
    """Yield the regions of version 3; those of all times of a video."""
    for key, entry in project['metadata'].items():
        if not entry.get('xy') or (entry.get('flg') or 0) & 1:
            continue
        where = f'{path}: metadata {key!r}'
        shown_files = project['view'].get(str(entry['vid']), {}).get('fid_list')
        if not shown_files or str(shown_files[0]) not in project['file']:
            raise UserError(f'{where}: its view shows no file; {_REMEDY}.')
        media = project['file'][str(shown_files[0])]['fname']
        index, *values = entry['xy']
        if index not in range(1, len(_SHAPES) + 1):
            raise UserError(f'{where}: has the shape {shown(index)}; draw a polygon.')
        kind = _SHAPES[index - 1]
        shape, points, radius = _geometry(kind, values, where)
        texts = {}
        for of, value in (entry.get('av') or {}).items():
            attribute = project['attribute'].get(of, {'aname': of})
            options = attribute.get('options') or {}
            texts[attribute['aname']] = options.get(value, value)
        place = make_place(
            where, _name(texts) or f'{kind} {key}', shape, points, radius
        )
        yield video_name(media), place


def _geometry(
    kind: str, values: Sequence[object], where: str
) -> tuple[Shape, object, float]:
    """Return shape, points and radius of the numbers of a shape."""
    known = [number(value, where, kind) for value in values]
    if kind in _NUMBERS and len(known) != len(_NUMBERS[kind]):
        raise UserError(
            f'{where}: a {kind} has {len(known)} numbers, expected '
            f'{", ".join(_NUMBERS[kind])}; {_REMEDY}.'
        )
    if kind == 'point':
        return 'point', [known], 0.0
    if kind == 'rect':
        return 'polygon', rectangle(known[:2], known[2:]), 0.0
    if kind in ('circle', 'ellipse'):
        return ellipse(np.array(known[:2]), known[2], known[-1])
    if kind not in _POINTS or len(known) % 2:
        raise UserError(f'{where}: has the shape {shown(kind)}; draw a polygon.')
    return _POINTS[kind], list(zip(known[::2], known[1::2], strict=True)), 0.0


def _name(attributes: Mapping[str, object]) -> str:
    texts = {key: v for key, v in attributes.items() if isinstance(v, str) and v}
    return texts.get('name') or (next(iter(texts.values())) if len(texts) == 1 else '')
