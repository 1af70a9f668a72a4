"""Joints in a CSV table, long or wide.

docs/keypoint_formats.md has an example of each. A cell that is empty or ``nan`` is a
missing joint; without scores the joints that are there count as certain.
"""

import re
from collections.abc import Iterator, Sequence
from math import inf

import numpy as np

from mmskelseg.interchange.parsing import FilePath, Rows, check_widths, read_rows
from mmskelseg.interchange.poses.layouts import in_order
from mmskelseg.interchange.poses.poses import Detection, Layout, Poses, gather
from mmskelseg.utils.errors import UserError

# What others call the columns.
_ALIASES = {
    'x': ('x',),
    'y': ('y',),
    'frame': ('frame', 'frame_idx', 'frame_id', 'frame_number', 'frame_index'),
    'person': ('person', 'person_id', 'track', 'track_id', 'individual'),
    'joint': ('joint', 'keypoint', 'bodypart', 'landmark', 'landmark_index'),
    'score': ('score', 'likelihood', 'confidence', 'visibility', 'conf'),
}
_WIDE = re.compile(r'(?i)(.+)[_. ](x|y|score|likelihood|confidence|visibility|conf|v)')


def read_table(path: FilePath, skeleton: Layout | None = None) -> Poses:
    """Return the poses in a CSV file, one video; frames are numbered from 0.

    Args:
        path: The file, with a header and commas, semicolons or tabs.
        skeleton: The layout. By default COCO's 17 where the joints have their names;
            else the names of the file, without limbs.
    """
    names, found = table_detections(path)
    order, layout, notes = in_order(names, skeleton, str(path))
    found = [Detection(d.frame, d.joints[order], track=d.track) for d in found]
    return gather(found, layout, str(path), notes=notes)


def table_detections(path: FilePath) -> tuple[list[str], list[Detection]]:
    """Return the names of the joints in a table, and its people."""
    rows = read_table_rows(path)
    header = rows[0][1]
    place = {
        key: index
        for key, names in _ALIASES.items()
        for index, name in enumerate(header)
        if name.lower() in names
    }
    long = {'joint', 'x', 'y'} <= place.keys()
    wide = {} if long else _wide_columns(header)
    if 'frame' not in place or not (long or wide):
        raise UserError(
            f'{path}: the columns are {", ".join(header)[:200]}; expected frame, joint,'
            ' x, y (and score, person), a row for each joint, or frame, NAME_x, NAME_y '
            '(and NAME_score) for each joint, a row for each frame.'
        )
    check_widths(rows, path)
    cells = _Cells(str(path), rows)
    if long:
        return _long(cells, place)
    return list(wide), list(_wide(cells, place, wide))


def read_table_rows(path: FilePath) -> Rows:
    """Return line number and cells of a header and at least one row below it."""
    rows = read_rows(path)
    if len(rows) < 2:
        raise UserError(f'{path}: {len(rows)} rows, expected a header and frames.')
    return rows


class _Cells:
    """The cells of a table as numbers, with messages that name row and column."""

    def __init__(self, source: str, rows: Rows) -> None:
        self.source, self.header = source, rows[0][1]
        self.lines, self.rows = zip(*rows[1:], strict=True)

    def number(self, row: int, column: int) -> float:
        cell = self.rows[row][column]
        try:
            return float(cell or 'nan')
        except ValueError:
            raise UserError(self._fault(row, column, 'a number')) from None

    def frame(self, row: int, column: int) -> int:
        value = self.number(row, column)
        if not 0 <= value < inf or value != int(value):
            raise UserError(self._fault(row, column, 'a whole number from 0'))
        return int(value)

    def _fault(self, row: int, column: int, expected: str) -> str:
        return (
            f'{self.source}: line {self.lines[row]}, column {self.header[column]} is '
            f'{self.rows[row][column][:40]!r}, expected {expected}.'
        )


def _wide_columns(header: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return the columns of each joint that has x and y."""
    found: dict[str, dict[str, int]] = {}
    for i, name in enumerate(header):
        if match := _WIDE.fullmatch(name):
            axis = match[2].lower()
            found.setdefault(match[1], {})[axis if axis in 'xy' else 'score'] = i
    return {name: axes for name, axes in found.items() if {'x', 'y'} <= axes.keys()}


def _wide(
    cells: _Cells, place: dict[str, int], joints: dict[str, dict[str, int]]
) -> Iterator[Detection]:
    for row in range(len(cells.rows)):
        values = np.ones((len(joints), 3))
        for joint, axes in enumerate(joints.values()):
            for i, axis in enumerate(('x', 'y', 'score')):
                if axis in axes:
                    values[joint, i] = cells.number(row, axes[axis])
        track = cells.rows[row][place['person']] if 'person' in place else '1'
        yield Detection(cells.frame(row, place['frame']), values, track=track or None)


def _long(cells: _Cells, place: dict[str, int]) -> tuple[list[str], list[Detection]]:
    names: dict[str, int] = {}
    people: dict[tuple[int, str], dict[int, list[float]]] = {}
    for i, row in enumerate(cells.rows):
        joint = names.setdefault(row[place['joint']], len(names))
        who = row[place['person']] if 'person' in place else '1'
        person = people.setdefault((cells.frame(i, place['frame']), who), {})
        if joint in person:
            raise UserError(
                f'{cells.source}: line {cells.lines[i]} repeats joint '
                f'{row[place["joint"]]} of a person and frame; give people a column '
                '`person`.'
            )
        score = cells.number(i, place['score']) if 'score' in place else 1.0
        xy = [cells.number(i, place[axis]) for axis in 'xy']
        person[joint] = [*xy, score]
    found = []
    for (frame, who), joints in people.items():
        values = np.zeros((len(names), 3))
        values[list(joints)] = list(joints.values())
        found.append(Detection(frame, values, track=who))
    return list(names), found
