"""SimBA's ROI definitions: three tables in ROI_definitions.h5, by video."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmskelseg_io.files.hdf5 import Group, hdf5_attribute, open_hdf5
from mmskelseg_io.files.parsing import FilePath, number
from mmskelseg_io.files.pickles import read_pickle
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.places.reading import (
    PLACE_FORMATS,
    Places,
    make_place,
    places_by_video,
    rectangle,
)
from mmskelseg_io.structures.places import Place

if TYPE_CHECKING:
    import h5py

_TABLES = ('rectangles', 'circleDf', 'polygons')
_REMEDY = 'save the ROIs in SimBA again'
# The most values of a table.
_MOST = 1_000_000


@PLACE_FORMATS.register('simba', {'.h5': None})
def read_simba(path: FilePath) -> Places:
    """Return the rectangles, circles and polygons of each video."""
    with open_hdf5(path) as file:
        if not any(name in file for name in _TABLES):
            raise UserError(
                f'{path}: has {", ".join(file) or "nothing"}, expected the tables '
                f'{", ".join(_TABLES)} of SimBA; name its ROI_definitions.h5.'
            )
        tables = [(n, _rows(file[n], str(path))) for n in _TABLES if n in file]
    return places_by_video(path, _places(tables, str(path)))


def _places(
    tables: Sequence[tuple[str, list[dict[str, Any]]]], path: str
) -> Iterator[tuple[str, Place]]:
    for table, rows in tables:
        for i, row in enumerate(rows):
            where = f'{path}: row {i} of {table}'

            def known(*names: str, row: Mapping = row, where: str = where) -> list:
                return [number(row.get(name), where, name) for name in names]

            name = row.get('Name')
            if table == 'circleDf':
                center, (radius,) = known('centerX', 'centerY'), known('radius')
                place = make_place(where, name, 'circle', [center], radius)
            elif table == 'polygons':
                place = make_place(where, name, 'polygon', row.get('vertices'))
            else:
                start = known('topLeftX', 'topLeftY')
                points = rectangle(start, known('width', 'height'))
                place = make_place(where, name, 'polygon', points)
            yield str(row.get('Video', '')), place


def _rows(group: Group, path: str) -> list[dict[str, Any]]:
    """Return the rows of a table that pandas wrote with format='fixed'."""
    count = hdf5_attribute(group, 'nblocks', path)
    if count is None:
        raise UserError(f'{path}: {group.name} is no table of pandas; {_REMEDY}.')
    columns: dict[str, Sequence] = {}
    for i in range(int(count)):
        names = group.texts(f'block{i}_items')
        data = group[f'block{i}_values']
        values: Any = _objects(data, path) if data.dtype.hasobject else None
        if values is None:
            values = group.array(f'block{i}_values', _MOST)
            values = values.T if values.ndim == 2 else []
        elif all(isinstance(row, list) for row in values):
            values = [list(column) for column in zip(*values, strict=True)]
        else:
            # A column of its own.
            values = [values]
        columns |= dict(zip(names, values, strict=False))
    length = min(map(len, columns.values()), default=0)
    return [{name: own[k] for name, own in columns.items()} for k in range(length)]


def _objects(data: 'h5py.Dataset', path: str) -> list:
    """Return what PyTables pickled, as nested lists, without running code."""
    if data.shape != (1,):
        raise UserError(f'{path}: {data.name} has the shape {data.shape}; {_REMEDY}.')
    content = np.asarray(data[0], np.uint8).tobytes()
    found = read_pickle(content, path)
    if isinstance(found, np.ndarray):
        found = found.tolist()
    if not isinstance(found, list):
        raise UserError(f'{path}: {data.name} is {shown(found)}; {_REMEDY}.')
    return found
