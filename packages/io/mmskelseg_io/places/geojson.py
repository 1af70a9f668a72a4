"""GeoJSON (RFC 7946), with coordinates in pixels, y down.

A circle is a point with the property ``radius``. Features have the properties ``name``
and, for places of one video, ``video``; places on the floor have ``space: floor``.
"""

import json
from collections.abc import Iterator
from typing import Any

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.parsing import FilePath, check_shape, read_json
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.places.reading import PLACE_FORMATS, Places, by_video, make_place
from mmskelseg_io.structures.places import Place, Shape

_SHAPES: dict[str, Shape] = {
    'Polygon': 'polygon', 'LineString': 'line', 'Point': 'point'
}  # fmt: skip
_KINDS = ('FeatureCollection', 'Feature')
_FEATURE = {
    'geometry': {'type': str, 'coordinates': list},
    'properties?': {'name?': str, 'video?': str, 'space?': str, 'radius?': float},
}
_REMEDY = 'export it as GeoJSON again'


@PLACE_FORMATS.register(
    'geojson',
    {
        '.geojson': None,
        '.json': lambda content: (
            isinstance(content, dict) and content.get('type') in _KINDS
        ),
    },
)
def read_geojson(path: FilePath) -> Places:
    """Return the places of a feature or a collection of them."""
    content = read_json(path, 'the program that drew it')
    check_shape(content, {'type': str}, str(path), _REMEDY)
    if content['type'] not in _KINDS:
        raise UserError(
            f'{path}: its type is {shown(content["type"])}, expected '
            f'{" or ".join(_KINDS)}; {_REMEDY}.'
        )
    features = [content]
    if content['type'] == 'FeatureCollection':
        check_shape(content, {'features': [dict]}, str(path), _REMEDY)
        features = content['features']
    return by_video(path, _places(features, str(path)))


def _places(features: list[dict[str, Any]], path: str) -> Iterator[tuple[str, Place]]:
    for i, feature in enumerate(features):
        where = f'{path}: feature {i}'
        check_shape(feature, _FEATURE, where, _REMEDY)
        geometry, known = feature['geometry'], feature.get('properties') or {}
        kind, points = geometry['type'], geometry['coordinates']
        if kind not in _SHAPES:
            raise UserError(
                f'{where}: is a {shown(kind)}, expected {", ".join(_SHAPES)}; split it '
                'into places of these.'
            )
        if kind == 'Polygon':
            if len(points) != 1:
                raise UserError(
                    f'{where}: has {len(points)} rings, expected one; a place has no '
                    'holes.'
                )
            # The first corner comes again at the end.
            points = points[0][:-1] if points[0][:1] == points[0][-1:] else points[0]
        points = [points] if kind == 'Point' else points
        radius = known.get('radius') or 0.0
        shape: Shape = 'circle' if kind == 'Point' and radius else _SHAPES[kind]
        name, space = known.get('name') or f'place {i + 1}', known.get('space')
        place = make_place(where, name, shape, points, radius, space or 'image')
        yield known.get('video') or '', place


def write_geojson(path: FilePath, places: Places) -> None:
    """Write places, which :func:`read_geojson` reads back."""
    kinds = {shape: kind for kind, shape in _SHAPES.items()} | {'circle': 'Point'}
    features = []
    for video, own in places.items():
        for one in own:
            points = one.points.tolist()
            coordinates: list = points[0] if kinds[one.shape] == 'Point' else points
            if one.shape == 'polygon':
                coordinates = [[*points, points[0]]]
            known = {'name': one.name, **({'video': video} if video else {})}
            known |= {k: v for k, v in one.record().items() if k in ('radius', 'space')}
            geometry = {'type': kinds[one.shape], 'coordinates': coordinates}
            kind = {'type': 'Feature', 'properties': known}
            features.append({**kind, 'geometry': geometry})
    content = {'type': 'FeatureCollection', 'features': features}
    atomic_write_text(path, json.dumps(content, ensure_ascii=False, indent=1))
