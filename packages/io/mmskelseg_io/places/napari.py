"""Shapes layers of napari, saved as CSV.

A row is a corner: the coordinates ``axis-0`` and ``axis-1`` are y and x; of more axes,
the last two count. Shapes have no names, so they are called after their kind and index:
``polygon 0``.
"""

from collections.abc import Iterator

import numpy as np

from mmskelseg_io.files.parsing import FilePath, number, read_dicts, whole
from mmskelseg_io.messages.errors import misfit
from mmskelseg_io.places.reading import (
    PLACE_FORMATS,
    Places,
    ellipse,
    make_place,
    places_by_video,
)
from mmskelseg_io.structures.places import Place, Shape

_COLUMNS = ('index', 'shape-type', 'vertex-index', 'axis-0', 'axis-1')
_SHAPES: dict[str, Shape] = {
    'polygon': 'polygon', 'rectangle': 'polygon', 'line': 'line', 'path': 'line',
    'ellipse': 'circle',
}  # fmt: skip


@PLACE_FORMATS.register(
    'napari', dict.fromkeys(('.csv', '.tsv'), lambda header: 'shape-type' in header)
)
def read_napari(path: FilePath) -> Places:
    """Return the places of a shapes layer."""
    return places_by_video(path, _places(path))


def _places(path: FilePath) -> Iterator[tuple[str, Place]]:
    found: dict[int, tuple[str, str, list[list[float]]]] = {}
    for where, row in read_dicts(path, *_COLUMNS):
        kind = row['shape-type']
        if kind not in _SHAPES:
            expected = f'one of {", ".join(_SHAPES)}'
            raise misfit(where, 'shape-type', kind, expected, 'delete the shape')
        axes = sorted(name for name in row if name.startswith('axis-'))[-2:]
        corner = [number(row[axis], where, axis) for axis in reversed(axes)]
        index = whole(row['index'], where, 'index')
        found.setdefault(index, (where, kind, []))[2].append(corner)
    for index, (where, kind, corners) in found.items():
        shape, points, radius = _SHAPES[kind], np.array(corners), 0.0
        if kind == 'ellipse':
            if len(points) != 4:
                what, expected = 'an ellipse', 'the 4 corners of the box around it'
                raise misfit(where, what, corners, expected, 'save the layer again')
            sides = np.diff(points, axis=0)[:2]
            a, b = (np.linalg.norm(sides, axis=1) / 2).tolist()
            turn = float(np.degrees(np.arctan2(sides[0, 1], sides[0, 0])))
            shape, points, radius = ellipse(points.mean(axis=0), a, b, turn)
        yield '', make_place(where, f'{kind} {index}', shape, points, radius)
