"""Predictions of DeepLabCut: the CSV or HDF5 file that ``analyze_videos`` writes.

There is a column for each coordinate, with three rows of names for a single animal, or
four for several::

    scorer,DLC_resnet50,DLC_resnet50,DLC_resnet50,...
    individuals,mouse1,mouse1,mouse1,...          (only for several animals)
    bodyparts,nose,nose,nose,...
    coords,x,y,likelihood,...
    0,102.5,88.1,0.99,...

The HDF5 file contains the same as a pandas table. It is read by h5py, since pandas
would run code that such a file may contain.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path

import numpy as np

from mmskelseg_io.files.hdf5 import Group, hdf5_attribute, open_hdf5
from mmskelseg_io.files.parsing import FilePath, check_widths
from mmskelseg_io.files.pickles import read_pickle
from mmskelseg_io.messages.errors import UserError, misfit, reading
from mmskelseg_io.poses.layouts import own_layout
from mmskelseg_io.poses.poses import Poses, check_size
from mmskelseg_io.poses.reading import POSE_FORMATS, read_table_rows

# (individual, body part, coordinate) of a column.
Column = tuple[str, str, str]
Columns = list[Column]
# The three or four names of each column, the frame numbers (T,), and the values.
Table = tuple[Sequence[object], np.ndarray, np.ndarray]
# The most columns of coordinates in a table, and the most frames: over ten hours.
_MOST_COLUMNS, _MOST_ROWS = 100_000, 2_000_000
_HEADS = ('scorer', 'individuals', 'bodyparts', 'coords')
_FRAMES = 'frames from 0, as analyze_videos writes, not labels of single images'
#: DeepLabCut's name for body parts that belong to no animal, such as corners.
SCENE = 'single'
#: The name of the one animal of a file without individuals.
ANIMAL = 'animal'


@POSE_FORMATS.register(
    'deeplabcut',
    {
        **dict.fromkeys(('.csv', '.tsv'), lambda header: header[0] == 'scorer'),
        **dict.fromkeys(('.h5', '.hdf5')),
    },
    ending='(DLC|DeepCut)_.+',
)
def read_deeplabcut(path: FilePath) -> Poses:
    """Return the poses of one video in a file of DeepLabCut.

    Body parts that belong to no animal (``single``) are skipped, with a note.
    """
    columns, frames, values = read_columns(path)
    people = list(dict.fromkeys(column[0] for column in columns))
    notes: tuple[str, ...] = ()
    if SCENE in people and len(people) > 1:
        people.remove(SCENE)
        notes = ('body parts of no animal (single) are skipped; --objects reads them',)
    parts = list(dict.fromkeys(c[1] for c in columns if c[0] == people[0]))
    shape = (len(people), max(frames) + 1, len(parts))
    check_size(shape, len(people) * len(frames), str(path))
    data = np.full((*shape, 3), np.nan)
    for row, person in enumerate(people):
        for joint, part in enumerate(parts):
            data[row, frames, joint] = points_of(
                columns, values, person, part, str(path)
            )
    return Poses(
        data[..., :2],
        data[..., 2],
        own_layout(parts, str(path)),
        people=tuple(people),
        notes=notes,
    )


def read_columns(
    path: FilePath,
) -> tuple[Mapping[Column, int], list[int], np.ndarray]:
    """Return the index of each column, frame numbers, and values (frames, columns)."""
    is_table = Path(path).suffix.lower() in ('.csv', '.tsv')
    columns, frames, values = (_read_csv if is_table else _read_hdf5)(path)
    spread = max(frames, default=0) > 1000 * (len(frames) + 10)
    if not frames or min(frames) < 0 or spread or len(set(frames)) < len(frames):
        raise UserError(
            f'{path}: frames are numbered from {min(frames, default=0)} to '
            f'{max(frames, default=0)} in {len(frames)} rows; expected each once, '
            'from 0.'
        )
    where = {column: i for i, column in enumerate(columns)}
    if len(where) < len(columns):
        raise UserError(f'{path}: two columns have the same name; export it again.')
    if any(coordinate == 'z' for *_, coordinate in columns):
        raise UserError(
            f'{path}: poses in 3D, which are not in pixels; give the file of one '
            'camera, as analyze_videos writes it.'
        )
    return where, frames, values


def points_of(
    columns: Mapping[Column, int],
    values: np.ndarray,
    owner: str,
    part: str,
    source: str,
) -> np.ndarray:
    """Return x, y and likelihood (1 without one) of a body part, (frames, 3)."""
    found = []
    for name in ('x', 'y', 'likelihood'):
        if (owner, part, name) in columns:
            found.append(values[:, columns[owner, part, name]])
        elif name == 'likelihood':
            found.append(np.ones(len(values)))
        else:
            raise UserError(f'{source}: no {name} of {owner} {part}.')
    return np.stack(found, axis=-1)


def _read_csv(path: FilePath) -> tuple[Columns, list[int], np.ndarray]:
    table = read_table_rows(path)
    rows = [row for _, row in table]
    heads = {row[0]: row[1:] for row in takewhile(lambda row: row[0] in _HEADS, rows)}
    if not {'scorer', 'bodyparts', 'coords'} <= heads.keys():
        starts = ', '.join(row[0] for row in rows[:4])
        expected = 'scorer, bodyparts, coords (and individuals)'
        raise misfit(path, 'the beginning of rows', starts, expected)
    body = rows[len(heads) :]
    width = len(heads['coords'])
    individuals = heads.get('individuals', [ANIMAL] * width)
    check_widths(table, path)
    with reading(path, remedy=f'expected numbers, in the first column {_FRAMES}'):
        frames = [int(row[0]) for row in body]
        cells = [
            [float(cell.replace(',', '.') or 'nan') for cell in row[1:]] for row in body
        ]
    columns = list(zip(individuals, heads['bodyparts'], heads['coords'], strict=True))
    return columns, frames, np.array(cells).reshape(-1, width)


def _read_hdf5(path: FilePath) -> tuple[Columns, list[int], np.ndarray]:
    with open_hdf5(path) as file:
        groups = [g for g in file.values() if 'pandas_type' in g.attrs]
        if len(groups) != 1:
            raise UserError(
                f'{path}: {len(groups)} tables of pandas, expected the one that '
                "DeepLabCut's analyze_videos writes."
            )
        group = groups[0]
        read = _table_format if 'table' in group else _fixed_format
        names, frames, values = read(group, str(path))
    named = [n for n in names if isinstance(n, tuple | list) and len(n) in (3, 4)]
    texts = all(isinstance(name, str) for column in named for name in column)
    if not names or len(named) < len(names) or not texts:
        expected = 'scorer, bodyparts and coords, and possibly individuals'
        raise misfit(path, 'the name of a column', (*names, names)[0], expected)
    if frames.ndim != 1 or frames.dtype.kind not in 'iu':
        raise misfit(path, 'the index of rows', frames, _FRAMES)
    if values.shape != (len(frames), len(names)) or values.dtype.kind not in 'fiu':
        raise misfit(path, 'the table', values, 'a number for each frame and column')
    columns = [(n[1] if len(n) == 4 else ANIMAL, n[-2], n[-1]) for n in named]
    return columns, frames.tolist(), values


def _table_format(group: Group, source: str) -> Table:
    """Return the content of a table that pandas wrote with format='table'."""
    table = group['table']
    blocks = [name for name in table.dtype.names if name.startswith('values_block_')]
    names: list[object] = []
    for block in blocks:
        kind = hdf5_attribute(table, f'{block}_kind', source)
        # Given a number, `bytes` would return that many zeros.
        names += read_pickle(bytes(memoryview(kind)), f'{source}: {block}_kind')
    rows = group.array('table', _MOST_ROWS)
    values = np.concatenate([rows[block] for block in blocks], axis=1)
    return names, rows['index'], values


def _fixed_format(group: Group, source: str) -> Table:
    """Return the content of a table that pandas wrote with format='fixed'."""
    if hdf5_attribute(group, 'nblocks', source) != 1 or 'axis1' not in group:
        raise UserError(
            f'{source}: not a single table of numbers over frames; export it as CSV.'
        )
    levels = []
    for i in range(int(hdf5_attribute(group, 'block0_items_nlevels', source))):
        level = group.texts(f'block0_items_level{i}')
        labels = group.array(f'block0_items_label{i}', _MOST_COLUMNS)
        levels.append([level[k] for k in labels])
    names = list(zip(*levels, strict=True))
    frames = group.array('axis1', _MOST_ROWS)
    return names, frames, group.array('block0_values')
