"""Joints in a CSV table, long or wide.

docs/keypoint_formats.md has an example of each. A joint is missing if x or y is empty,
``nan`` or ``NA``. A joint without a score, as one placed manually in SLEAP, scores 1.
"""

import re
from collections.abc import Mapping, Sequence
from math import isnan, nan

import numpy as np

from mmskelseg_io.files.parsing import FilePath, Row, as_dicts, number, whole
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses.layouts import own_layout
from mmskelseg_io.poses.poses import Detection, Poses, check_pixels, gather
from mmskelseg_io.poses.reading import POSE_FORMATS, read_table_rows

#: What tables, and objects of JSON, call the number of a frame.
FRAME = ('frame', 'frame_idx', 'frame_id', 'frame_number', 'frame_index')
# Names of the columns in files of other tools.
_ALIASES = {
    'x': ('x',),
    'y': ('y',),
    'frame': FRAME,
    'person': ('person', 'person_id', 'track', 'track_id', 'individual'),
    'joint': ('joint', 'keypoint', 'bodypart', 'landmark', 'landmark_index'),
    'score': ('score', 'likelihood', 'confidence', 'visibility', 'conf'),
}
# The name of a joint, and whether it is that of a coordinate.
_PART = re.compile(r'(?i)(.+)[_. ](?:([xy])|\w+)')
_WIDE = re.compile(r'(?i)(.+)[_. ](x|y|score|likelihood|confidence|visibility|conf|v)')


@POSE_FORMATS.register('csv', {'.csv': None, '.tsv': None})
def read_table(path: FilePath) -> Poses:
    """Return the poses of one video in a table; frames are numbered from 0."""
    names, found, unread = table_detections(path)
    notes = []
    if min((d.frame for d in found), default=0) == 1:
        notes.append(
            'frames are numbered from 1; they count from 0, so frame 0 is empty'
        )
    if unread:
        notes.append(f'columns of joints that are not read: {listed(unread, 3)}')
    poses = gather(found, own_layout(names, str(path)), str(path), notes=notes)
    check_pixels(poses, str(path), 'multiply x by the width of the image, y by height')
    return poses


def table_detections(path: FilePath) -> tuple[list[str], list[Detection], list[str]]:
    """Return joints in a table, detections of people, and unread columns of joints."""
    rows = read_table_rows(path)
    header = rows[0][1]
    columns = {
        key: name
        for key, names in _ALIASES.items()
        for name in header
        if name.lower() in names
    }
    long = {'joint', 'x', 'y'} <= columns.keys()
    wide = {} if long else _wide_columns(header)
    if 'frame' not in columns or not (long or wide):
        raise UserError(
            f'{path}: the columns are {listed(header, 8)}; expected frame, joint,'
            ' x, y (and score, person) with a row for each joint, or frame and NAME_x, '
            'NAME_y (and NAME_score) of each joint with a row for each frame.'
        )
    used = {column for axes in wide.values() for column in axes.values()}
    parts = [_PART.fullmatch(column) for column in header if column not in used]
    unread = [part[0] for part in parts if part and (part[1] in wide or part[2])]
    names, found = _detections(as_dicts(rows, path), columns, wide)
    return names, found, unread if wide else []


def _wide_columns(header: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the columns of each joint that has x and y."""
    found: dict[str, dict[str, str]] = {}
    for column in header:
        if match := _WIDE.fullmatch(column):
            axis = match[2].lower()
            found.setdefault(match[1], {})[axis if axis in 'xy' else 'score'] = column
    return {name: axes for name, axes in found.items() if {'x', 'y'} <= axes.keys()}


def _detections(
    rows: list[Row], columns: dict[str, str], wide: dict[str, dict[str, str]]
) -> tuple[list[str], list[Detection]]:
    """Return the names of joints, and people by frame.

    A row has the columns of several joints (``wide``), or names its joint.
    """
    names: dict[str, int] = {name: i for i, name in enumerate(wide)}
    people: dict[tuple[int, str, str], dict[int, list[float]]] = {}
    for where, row in rows:
        frame = frame_number(row, columns['frame'], where)
        who = row[columns['person']] if 'person' in columns else '1'
        # People without a name have a row each.
        apart = where if wide and not who else ''
        for name, axes in (wide or {row[columns['joint']]: columns}).items():
            person = people.setdefault((frame, who, apart), {})
            joint = names.setdefault(name, len(names))
            if joint in person:
                raise UserError(
                    f'{where} repeats joint {name} of person {who} in frame {frame}; '
                    'add a column `person` for several people.'
                )
            x, y, score = (
                _number(row, axes[axis], where) if axis in axes else nan
                for axis in ('x', 'y', 'score')
            )
            person[joint] = [x, y, 1.0 if isnan(score) else score]
    found = []
    for (frame, who, apart), joints in people.items():
        values = np.zeros((len(names), 3))
        values[list(joints)] = list(joints.values())
        found.append(Detection(frame, values, track=None if apart else who))
    return list(names), found


def _number(row: dict[str, str], column: str, where: str) -> float:
    """Return a cell as a number, NaN if it is empty, or what R writes there."""
    if row[column].lower() in ('', 'nan', 'na'):
        return nan
    return number(row[column], where, f'column {column}')


def frame_number(row: Mapping[str, object], key: str, where: str) -> int:
    """Return the frame of a row or an object, which counts from 0."""
    frame = whole(row[key], where, key)
    if frame < 0:
        raise UserError(f'{where}: {key} is {frame}, expected 0 or above.')
    return frame
