"""GeoJSON (RFC 7946), with coordinates in pixels, y down.

A circle is a point with the property ``radius``. Features have the properties ``name``
and, for places of one video, ``video``; places on the floor have ``space: floor``.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.parsing import FilePath, read_json
from mmskelseg_io.files.typed import typed
from mmskelseg_io.messages.errors import misfit
from mmskelseg_io.messages.options import Where
from mmskelseg_io.places.reading import (
    PLACE_FORMATS,
    Places,
    make_place,
    places_by_video,
)
from mmskelseg_io.structures.places import Place, Shape

_SHAPES: dict[str, Shape] = {
    'Polygon': 'polygon', 'LineString': 'line', 'Point': 'point'
}  # fmt: skip
_KINDS = ('FeatureCollection', 'Feature')
_REMEDY = 'export it as GeoJSON again, and shapes of other types in parts'


@dataclass(frozen=True)
class _Geometry:
    type: Annotated[str, Where(f'one of {", ".join(_SHAPES)}', _SHAPES.__contains__)]
    coordinates: list[Any]


@dataclass(frozen=True)
class _Properties:
    name: str = ''
    video: str = ''
    space: str = 'image'
    radius: float = 0.0


@dataclass(frozen=True)
class _Feature:
    type: Literal['Feature']
    geometry: _Geometry
    properties: _Properties = _Properties()


@dataclass(frozen=True)
class _Collection:
    features: list[_Feature]


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
    if not isinstance(content, dict) or content.get('type') != 'FeatureCollection':
        content = {'features': [content]}
    collection = typed(content, _Collection, path, _REMEDY)
    return places_by_video(path, _places(collection, str(path)))


def _places(collection: _Collection, path: str) -> Iterator[tuple[str, Place]]:
    for i, feature in enumerate(collection.features):
        where = f'{path}: feature {i}'
        kind, points = feature.geometry.type, feature.geometry.coordinates
        known = feature.properties
        if kind == 'Polygon':
            if len(points) != 1:
                remedy = 'a place has no holes'
                raise misfit(where, 'the number of rings', len(points), 'one', remedy)
            # The first corner comes again at the end.
            points = points[0][:-1] if points[0][:1] == points[0][-1:] else points[0]
        points = [points] if kind == 'Point' else points
        is_circle = kind == 'Point' and known.radius != 0
        shape: Shape = 'circle' if is_circle else _SHAPES[kind]
        name = known.name or f'place {i + 1}'
        place = make_place(where, name, shape, points, known.radius, known.space)
        yield known.video, place


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
