"""SimBA: the joints in a table of a project, such as one of ``targets_inserted``.

A row is a frame: a number, x, y and p of each joint, then features and behaviors.
Joints of several animals end in ``_1``, ``_2``, ... Frame rate and image size are those
of the project folder.
"""

import re

import numpy as np

from mmskelseg_io.files.parsing import FilePath, headed_rows, number
from mmskelseg_io.files.simba import EXPECTED, is_simba, simba_video
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses.layouts import own_layout
from mmskelseg_io.poses.poses import Poses, check_img_shape
from mmskelseg_io.poses.reading import POSE_FORMATS


@POSE_FORMATS.register('simba', dict.fromkeys(('.csv', '.tsv'), is_simba))
def read_simba(path: FilePath) -> Poses:
    """Return the poses of the animals of one video."""
    rows = headed_rows(path, is_simba, EXPECTED)
    if len(rows) < 2:
        raise UserError(f'{path}: no row below the header; export it again.')
    header = rows[0][1]
    column = {name: i for i, name in enumerate(header)}
    joints = [
        name[:-2]
        for name in header
        if name.endswith('_x') and {f'{name[:-1]}y', f'{name[:-1]}p'} <= column.keys()
    ]
    animals = _animals(joints)
    values = np.array([
        [
            [
                [number(row[column[f'{joint}_{axis}']], f'{path}: line {line}', joint)
                 for axis in 'xyp']
                for joint in own.values()
            ]
            for line, row in rows[1:]
        ]
        for own in animals.values()
    ])  # fmt: skip
    parts = list(next(iter(animals.values())))
    known = simba_video(path)
    size = known.img_shape and check_img_shape(list(known.img_shape), str(path))
    return Poses(
        values[..., :2],
        # Of smoothed poses, some exceed 1.
        np.clip(values[..., 2], 0, 1),
        own_layout(parts, str(path)),
        img_shape=size,
        fps=known.fps,
        people=tuple(f'animal{name}' for name in animals),
    )


def _animals(joints: list[str]) -> dict[str, dict[str, str]]:
    """Return the joints of each animal, by the names of their parts.

    >>> _animals(['nose_1', 'nose_2'])
    {'1': {'nose': 'nose_1'}, '2': {'nose': 'nose_2'}}
    >>> _animals(['nose', 'tail_1'])
    {'1': {'nose': 'nose', 'tail_1': 'tail_1'}}
    """
    parts = [re.fullmatch(r'(.+)_(\d+)', joint, re.ASCII) for joint in joints]
    found: dict[str, dict[str, str]] = {}
    for part in parts:
        if part:
            found.setdefault(part[2], {})[part[1]] = part[0]
    if not all(parts) or len({tuple(own) for own in found.values()}) != 1:
        return {'1': {joint: joint for joint in joints}}
    return found
