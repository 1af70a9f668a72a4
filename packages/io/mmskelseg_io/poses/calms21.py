"""Keypoints of CalMS21 and MABe; see :mod:`mmskelseg_io.files.calms21`."""

import numpy as np

from mmskelseg_io.files.calms21 import FPS, LabSequence, read_sequences
from mmskelseg_io.files.parsing import FilePath, numbers
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.poses.layouts import own_layout
from mmskelseg_io.poses.poses import Layout, Poses
from mmskelseg_io.poses.reading import POSE_FORMATS

#: The joints of CalMS21's mice.
MOUSE7: Layout = {
    'name': 'mouse7',
    'joints': [
        'nose', 'left_ear', 'right_ear', 'neck', 'left_hip', 'right_hip', 'tail_base'
    ],
    'limbs': [[0, 1], [0, 2], [1, 3], [2, 3], [3, 4], [3, 5], [4, 6], [5, 6]],
    'flip_pairs': [[1, 2], [4, 5]],
}  # fmt: skip
_SIZE = (570, 1024)
PEOPLE = ('resident', 'intruder')


def _is_own(key: str) -> bool:
    return key.startswith('annotator-id') or key == 'sequences'


@POSE_FORMATS.register('calms21', {'.json': _is_own})
def read_calms21(path: FilePath) -> Poses:
    """Return the poses of the only sequence in a file."""
    found = read_sequences(path)
    if len(found) != 1:
        raise UserError(
            f'{path}: has {len(found)} sequences ({listed([*found], 3)}); convert them '
            'by mmskelseg convert calms21.'
        )
    return poses_of(next(iter(found.values())))


def poses_of(one: LabSequence) -> Poses:
    """Return the poses of a sequence."""
    place = f'{one.place}: keypoints'
    points = numbers(one.content.keypoints, (-1, -1, -1, -1), place)
    if points.shape[2] == 2 and points.shape[3] != 2:
        points = points.transpose(0, 1, 3, 2)
    frames, people, joints, axes = points.shape
    if axes != 2 or not points.size:
        raise misfit(place, 'the array', points, 'frames, animals, x and y, joints')
    score = np.ones((frames, people, joints))
    if one.content.scores:
        where = f'{one.place}: scores'
        score = numbers(one.content.scores, (frames, people, joints), where)
    is_calms = one.fps is not None and joints == 7 and people == 2
    return Poses(
        points.transpose(1, 0, 2, 3),
        score.transpose(1, 0, 2),
        MOUSE7 if is_calms else own_layout(joints, one.place),
        img_shape=_SIZE if is_calms else None,
        fps=FPS if is_calms else None,
        people=PEOPLE
        if is_calms
        else tuple(f'animal{i}' for i in range(1, people + 1)),
    )
