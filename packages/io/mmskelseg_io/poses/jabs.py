"""Pose files of JABS: ``VIDEO_pose_est_v2.h5`` and later versions, of mice.

The group ``poseest`` has ``points`` (T, M, 12, 2), y before x, and ``confidence``
(T, M, 12), 0 for joints that were not found. Version 2 has one animal and no axis M.
Version 3 has tracks (``instance_track_id``) of the first ``instance_count`` animals;
later ones have identities from 1 (``instance_embed_id``) where ``id_mask`` is 0, and
perhaps names for them (``external_identity_mapping``).
"""

import heapq

import numpy as np

from mmskelseg_io.files.hdf5 import Group, open_hdf5
from mmskelseg_io.files.jabs import mouse_name
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses.layouts import own_layout
from mmskelseg_io.poses.poses import Layout, Poses, check_size
from mmskelseg_io.poses.reading import POSE_FORMATS

_JOINTS = (
    'nose', 'left_ear', 'right_ear', 'base_neck', 'left_front_paw', 'right_front_paw',
    'center_spine', 'left_rear_paw', 'right_rear_paw', 'base_tail', 'mid_tail',
    'tip_tail',
)  # fmt: skip
#: The joints of JABS' mice.
MOUSE12: Layout = {
    'name': 'mouse12',
    'joints': list(_JOINTS),
    'limbs': [
        [0, 1], [0, 2], [0, 3], [3, 6], [6, 9], [9, 10], [10, 11], [4, 6], [5, 6],
        [7, 9], [8, 9],
    ],
    'flip_pairs': [[1, 2], [4, 5], [7, 8]],
}  # fmt: skip
_IDENTITIES = ('instance_embed_id', 'id_mask')
_NAMES = 'external_identity_mapping'
_TRACKS = ('instance_track_id', 'instance_count')


@POSE_FORMATS.register(
    'jabs',
    dict.fromkeys(('.h5', '.hdf5'), lambda items: 'poseest' in items),
    ending=r'_pose_est_v\d+',
)
def read_jabs(path: FilePath) -> Poses:
    """Return the poses of the mice of one video; they are called as in annotations."""
    with open_hdf5(path) as file:
        group, names = file.get('poseest'), []
        if not isinstance(group, Group):
            raise UserError(f'{path}: has no group poseest; name a pose file of JABS.')
        wanted = ('points', 'confidence', *_IDENTITIES, *_TRACKS)
        arrays = {k: group.array(k) for k in wanted if k in group}
        if _NAMES in group:
            numbered = group[_NAMES].dtype.kind in 'iu'
            names = (
                [*map(str, group.array(_NAMES).ravel().tolist())]
                if numbered
                else group.texts(_NAMES)
            )
    points, score = _checked(arrays, str(path))
    who = _identities(arrays, score, str(path))
    people = int(who.max(initial=-1)) + 1
    frames, _, joints = score.shape
    check_size((people, frames, joints), int((who >= 0).sum()), str(path))
    if not people:
        raise UserError(f'{path}: no animal in it has an identity; track them first.')
    keypoint = np.zeros((people, frames, joints, 2), np.float32)
    confidence = np.zeros((people, frames, joints), np.float32)
    at = np.nonzero(who >= 0)
    keypoint[who[at], at[0]] = points[at][..., ::-1]
    confidence[who[at], at[0]] = score[at]
    known = joints == len(_JOINTS)
    layout = MOUSE12 if known else own_layout(joints, str(path))
    if len(names) < people:
        names = [*map(str, range(people))]
    mice = tuple(map(mouse_name, names[:people]))
    return Poses(keypoint, confidence, layout, people=mice)


def _checked(arrays: dict[str, np.ndarray], path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return points (T, M, V, 2) and confidence (T, M, V) after checking all shapes."""
    points, score = (arrays.get(k, np.zeros(0)) for k in ('points', 'confidence'))
    if points.ndim == 3:
        points, score = points[:, None], score[:, None]
    fits = points.ndim == 4 and points.shape == (*score.shape, 2) and points.size > 0
    for key in (*_IDENTITIES, *_TRACKS):
        if fits and key in arrays:
            axes = 1 if key == 'instance_count' else 2
            fits &= arrays[key].shape == score.shape[:axes]
            fits &= arrays[key].dtype.kind in 'biu'
    if not fits:
        found = ', '.join(f'{key} {array.shape}' for key, array in arrays.items())
        raise UserError(
            f'{path}: poseest has {found or "nothing"}, expected points (frames, '
            'animals, joints, 2), confidence (frames, animals, joints), and identities '
            'or tracks (frames, animals).'
        )
    return points, score


def _identities(
    arrays: dict[str, np.ndarray], score: np.ndarray, path: str
) -> np.ndarray:
    """Return the identity of each animal (T, M), from 0, or -1 if it has none."""
    if {*_IDENTITIES} <= arrays.keys():
        ids = arrays['instance_embed_id'].astype(np.int64)
        who = np.where(arrays['id_mask'] == 0, ids - 1, -1)
    elif {*_TRACKS} <= arrays.keys():
        who = _of_tracks(arrays['instance_track_id'], arrays['instance_count'])
    elif score.shape[1] == 1:
        who = np.zeros(score.shape[:2], np.int64)
    else:
        raise UserError(
            f'{path}: {score.shape[1]} animals, without instance_embed_id and id_mask, '
            'or instance_track_id and instance_count, to tell them apart.'
        )
    if who.max(initial=-1) >= max(score.shape[0], score.shape[1]):
        raise UserError(
            f'{path}: instance_embed_id is up to {who.max() + 1} in '
            f'{score.shape[0]} frames; copy the file again.'
        )
    return np.maximum(who, -1)


def _of_tracks(tracks: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return identities of tracks as JABS assigns them.

    A new track gets the smallest identity whose track has ended.
    """
    free = list(range(tracks.shape[1]))
    identity: dict[int, int] = {}
    before: list[int] = []
    who = np.full(tracks.shape, -1)
    for t, count in enumerate(counts.tolist()):
        now = tracks[t, :count].tolist()
        for track in {*before} - {*now}:
            heapq.heappush(free, identity[track])
        for i, track in enumerate(now):
            if track not in identity:
                identity[track] = heapq.heappop(free)
            who[t, i] = identity[track]
        before = now
    return who
