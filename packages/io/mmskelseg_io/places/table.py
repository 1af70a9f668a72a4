"""A table of places, with a row for each corner.

The columns are name, shape, x and y, and optionally video, radius and space. The rows
of a place stand together.
"""

from collections.abc import Iterator
from itertools import groupby

from mmskelseg_io.files.parsing import FilePath, Row, number, read_dicts
from mmskelseg_io.labels.text import write_rows
from mmskelseg_io.places.reading import (
    PLACE_FORMATS,
    Places,
    make_place,
    places_by_video,
)
from mmskelseg_io.structures.places import Place

_COLUMNS = ('name', 'shape', 'x', 'y')


@PLACE_FORMATS.register('csv', {'.csv': None, '.tsv': None})
def read_table(path: FilePath) -> Places:
    """Return the places of a table."""
    return places_by_video(path, _places(read_dicts(path, *_COLUMNS)))


def _places(rows: list[Row]) -> Iterator[tuple[str, Place]]:
    def key(row: Row) -> tuple[str, ...]:
        return row[1].get('video', ''), row[1]['name']

    for (video, name), group in groupby(rows, key):
        own = list(group)
        where, first = own[0]
        points = [[number(r[axis], place, axis) for axis in 'xy'] for place, r in own]
        text = first.get('radius', '')
        radius = number(text, where, 'radius') if text else 0.0
        shape, space = first['shape'], first.get('space') or 'image'
        yield video, make_place(where, name, shape, points, radius, space)  # type: ignore[arg-type]


def write_table(path: FilePath, places: Places) -> None:
    """Write places, which :func:`read_table` reads back."""
    rows = [
        [video, one.name, one.shape, x, y, one.radius or '', one.space]
        for video, own in places.items()
        for one in own
        for x, y in one.points.tolist()
    ]
    write_rows(path, ['video', *_COLUMNS, 'radius', 'space'], rows)
