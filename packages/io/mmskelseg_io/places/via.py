"""Regions of VGG Image Annotator (VIA), version 2 or 3.

A region is called after its attribute ``name``, or else its only attribute; without
one, after its shape and number. Its video is that of the image.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.files.via import NUMBERS, Region, read_regions
from mmskelseg_io.messages.errors import misfit
from mmskelseg_io.places.reading import (
    PLACE_FORMATS,
    Places,
    ellipse,
    make_place,
    places_by_video,
    rectangle,
)
from mmskelseg_io.structures.places import Place, Shape

_REMEDY = 'save the project in VIA again'
_POINTS: dict[str, Shape] = {'polygon': 'polygon', 'polyline': 'line', 'line': 'line'}


@PLACE_FORMATS.register('via', {'.json': None})
def read_via(path: FilePath) -> Places:
    """Return the regions of a project, or of the annotations that VIA 2 exports."""
    _, regions = read_regions(path)
    return places_by_video(path, map(_place, regions))


def _place(region: Region) -> tuple[str, Place]:
    place, kind = region.place, region.shape
    shape, points, radius = geometry(kind, region.numbers, place)
    name = _name(region.attributes) or f'{kind} {region.key}'
    return video_name(region.file), make_place(place, name, shape, points, radius)


def geometry(
    kind: str, known: Sequence[float], where: str
) -> tuple[Shape, object, float]:
    """Return shape, points and radius of the numbers of a shape."""
    if kind in NUMBERS and len(known) != len(NUMBERS[kind]):
        raise misfit(where, kind, known, ', '.join(NUMBERS[kind]), _REMEDY)
    if kind == 'point':
        return 'point', [known], 0.0
    if kind == 'rect':
        return 'polygon', rectangle(known[:2], known[2:]), 0.0
    if kind in ('circle', 'ellipse'):
        return ellipse(np.array(known[:2]), known[2], known[-1])
    if kind not in _POINTS or len(known) % 2:
        expected = f'x and y of each point of a shape: {", ".join(_POINTS)}'
        raise misfit(where, kind, known, expected, 'draw a polygon')
    return _POINTS[kind], list(zip(known[::2], known[1::2], strict=True)), 0.0


def _name(attributes: Mapping[str, str]) -> str:
    texts = {key: text for key, text in attributes.items() if text}
    return texts.get('name') or (next(iter(texts.values())) if len(texts) == 1 else '')
