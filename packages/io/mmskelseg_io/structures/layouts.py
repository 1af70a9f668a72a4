"""The joint layouts that are known by name, as dicts that Skeleton.get accepts."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

# Where a name states the side: leftWrist, wrist_left, l_wrist, wrist.L, RWrist.
_SIDES = (
    r'(?i)(.*?)(left|right)(.*)',
    r'(?i)()(l|r)[\W_]+(.+)',
    r'(?i)(.+)[\W_]+(l|r)(\d*)',
    r'()([LR])([A-Z].*)',
    r'(.*[a-z])([LR])(\d*)',
)
# Names of the joints of each body part that a tracker loses as a whole.
BODY_PARTS = {
    f'{side}_{part}': [f'{side}_{joint}' for joint in joints.split()]
    for part, joints in (
        ('arm', 'shoulder elbow wrist hand hand_tip thumb'),
        ('leg', 'hip knee ankle foot toe big_toe small_toe heel'),
    )
    for side in ('left', 'right')
}

# The most characters of a joint's name.
LONGEST_NAME = 200


def split_side(name: str) -> tuple[str, str]:
    """Return the side of a joint, possibly empty, and the rest of its name.

    >>> split_side('RWrist'), split_side('ear_left'), split_side('neck')
    (('right', 'wrist'), ('left', 'ear'), ('', 'neck'))
    """
    if len(name) > LONGEST_NAME:
        # Matching would take forever, and the name is rejected later anyway.
        return '', name
    for pattern in _SIDES:
        if match := re.fullmatch(pattern, name):
            side = 'left' if match[2][0] in 'lL' else 'right'
            return side, re.sub(r'[\W_]', '', match[1] + match[3]).lower()
    return '', re.sub(r'[\W_]', '', name).lower()


def mirrored_joints(joints: Sequence[str]) -> list[tuple[int, int]]:
    """Return the index pairs of joints whose names differ only in left and right.

    Pairs, and the two joints in each of them, follow the order of the joints.

    >>> mirrored_joints(['nose', 'earR', 'earL', 'tail'])
    [(1, 2)]
    """
    other = {'left': 'right', 'right': 'left'}
    places = {split_side(joint): i for i, joint in enumerate(joints)}
    pairs = (
        (i, places.get((other[side], rest), -1))
        for (side, rest), i in places.items()
        if side
    )
    return [(i, j) for i, j in pairs if i < j]


def mirrored_order(
    joints: Sequence[str], pairs: Sequence[tuple[int, int]] | None = None
) -> list[int]:
    """Return the index of the mirrored joint of each joint, by its name if need be.

    >>> mirrored_order(['nose', 'earR', 'earL', 'tail'])
    [0, 2, 1, 3]
    """
    order = list(range(len(joints)))
    for a, b in mirrored_joints(joints) if pairs is None else pairs:
        order[a], order[b] = b, a
    return order


#: The layouts by name.
LAYOUTS: dict[str, Mapping[str, object]] = {}


def _add(name: str, joints: str, chains: str, root: str = '') -> None:
    # A chain `a-b-c` has the limbs a-b and b-c.
    names = joints.split()
    LAYOUTS[name] = {
        'name': name,
        'joints': names,
        'limbs': [
            list(limb)
            for chain in chains.split()
            for limb in pairwise(chain.split('-'))
        ],
        'drop_groups': {
            part: [joint for joint in group if joint in names]
            for part, group in BODY_PARTS.items()
        },
        'root': root.split(),
    }


# Has the 17 limbs that MMAction2 draws (MMPose lists 19).
_add(
    'coco17',
    'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder '
    'left_elbow right_elbow left_wrist right_wrist left_hip right_hip left_knee '
    'right_knee left_ankle right_ankle',
    'nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear '
    'nose-left_shoulder-left_elbow-left_wrist '
    'nose-right_shoulder-right_elbow-right_wrist '
    'left_shoulder-left_hip-left_knee-left_ankle '
    'right_shoulder-right_hip-right_knee-right_ankle left_hip-right_hip',
)
# UW-IOM and TUM-Kitchen: the 13 joints of LCR-Net, the neck and the centre.
_add(
    'lcr15',
    'right_ankle left_ankle right_knee left_knee right_hip left_hip right_wrist '
    'left_wrist right_elbow left_elbow right_shoulder left_shoulder neck head center',
    'right_ankle-right_knee left_ankle-left_knee right_knee-right_hip '
    'left_knee-left_hip right_hip-center left_hip-center right_wrist-right_elbow '
    'left_wrist-left_elbow right_elbow-right_shoulder left_elbow-left_shoulder '
    'right_shoulder-neck left_shoulder-neck-head neck-center',
    'center',
)
# The joints that Kinect and COCO-17 pose estimators have in common.
_add(
    'body12',
    'left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist '
    'left_hip right_hip left_knee right_knee left_ankle right_ankle',
    'left_shoulder-right_shoulder left_shoulder-left_elbow-left_wrist '
    'right_shoulder-right_elbow-right_wrist left_shoulder-left_hip '
    'right_shoulder-right_hip left_hip-right_hip left_hip-left_knee-left_ankle '
    'right_hip-right_knee-right_ankle',
)
# Kinect 1, in the order of its SDK.
_add(
    'kinect20',
    'hip_center spine shoulder_center head '
    'left_shoulder left_elbow left_wrist left_hand '
    'right_shoulder right_elbow right_wrist right_hand '
    'left_hip left_knee left_ankle left_foot right_hip right_knee right_ankle '
    'right_foot',
    'hip_center-spine-shoulder_center-head '
    'shoulder_center-left_shoulder-left_elbow-left_wrist-left_hand '
    'shoulder_center-right_shoulder-right_elbow-right_wrist-right_hand '
    'hip_center-left_hip-left_knee-left_ankle-left_foot '
    'hip_center-right_hip-right_knee-right_ankle-right_foot',
    'hip_center',
)
# Kinect 2 (PKU-MMD, NTU RGB+D), in the order of its SDK.
_add(
    'kinect25',
    'spine_base spine_mid neck head left_shoulder left_elbow left_wrist left_hand '
    'right_shoulder right_elbow right_wrist right_hand left_hip left_knee left_ankle '
    'left_foot right_hip right_knee right_ankle right_foot spine_shoulder '
    'left_hand_tip left_thumb right_hand_tip right_thumb',
    'spine_base-spine_mid-spine_shoulder-neck-head '
    'spine_shoulder-left_shoulder-left_elbow-left_wrist-left_hand-left_hand_tip '
    'left_wrist-left_thumb '
    'spine_shoulder-right_shoulder-right_elbow-right_wrist-right_hand-right_hand_tip '
    'right_wrist-right_thumb spine_base-left_hip-left_knee-left_ankle-left_foot '
    'spine_base-right_hip-right_knee-right_ankle-right_foot',
    'spine_base',
)
_OPENPOSE_LIMBS = (
    'neck-nose neck-right_shoulder-right_elbow-right_wrist '
    'neck-left_shoulder-left_elbow-left_wrist right_hip-right_knee-right_ankle '
    'left_hip-left_knee-left_ankle nose-right_eye-right_ear nose-left_eye-left_ear'
)
# OpenPose's model BODY_25 (MCFS), which has a joint between the hips.
_add(
    'openpose_body25',
    'nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow '
    'left_wrist mid_hip right_hip right_knee right_ankle left_hip left_knee left_ankle '
    'right_eye left_eye right_ear left_ear left_big_toe left_small_toe left_heel '
    'right_big_toe right_small_toe right_heel',
    'neck-mid_hip-right_hip mid_hip-left_hip left_ankle-left_big_toe-left_small_toe '
    'left_ankle-left_heel right_ankle-right_big_toe-right_small_toe '
    'right_ankle-right_heel ' + _OPENPOSE_LIMBS,
    'mid_hip',
)
# OpenPose's model COCO.
_add(
    'openpose_coco18',
    'nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow '
    'left_wrist right_hip right_knee right_ankle left_hip left_knee left_ankle '
    'right_eye left_eye right_ear left_ear',
    f'neck-right_hip neck-left_hip {_OPENPOSE_LIMBS}',
)
# LARa as shared for action segmentation; docs/datasets/dest.md lists the assumptions.
_add(
    'lara19',
    'mid_hip right_hip right_knee right_ankle right_foot left_hip left_knee left_ankle '
    'left_foot spine head right_collar right_shoulder right_elbow right_wrist '
    'left_collar left_shoulder left_elbow left_wrist',
    'mid_hip-right_hip-right_knee-right_ankle-right_foot '
    'mid_hip-left_hip-left_knee-left_ankle-left_foot mid_hip-spine-head '
    'spine-right_collar-right_shoulder-right_elbow-right_wrist '
    'spine-left_collar-left_shoulder-left_elbow-left_wrist',
    'mid_hip',
)
# LARa's own files: each body segment is named after the joint at which it begins.
_add(
    'lara22',
    'head head_top left_collar left_elbow left_hip left_ankle left_shoulder left_knee '
    'left_toe left_wrist left_hand spine right_collar right_elbow right_hip '
    'right_ankle right_shoulder right_knee right_toe right_wrist right_hand mid_hip',
    'mid_hip-spine-head-head_top '
    'spine-left_collar-left_shoulder-left_elbow-left_wrist-left_hand '
    'spine-right_collar-right_shoulder-right_elbow-right_wrist-right_hand '
    'mid_hip-left_hip-left_knee-left_ankle-left_toe '
    'mid_hip-right_hip-right_knee-right_ankle-right_toe',
    'mid_hip',
)
# TCG, in alphabetical order of its names; docs/datasets/dest.md lists the assumptions.
_add(
    'tcg17',
    'chest head mid_hip left_shoulder left_ankle left_elbow left_wrist left_knee '
    'left_hip neck right_shoulder right_ankle right_elbow right_wrist right_knee '
    'right_hip spine',
    'head-neck-chest-left_shoulder-left_elbow-left_wrist '
    'chest-right_shoulder-right_elbow-right_wrist '
    'chest-spine-mid_hip-left_hip-left_knee-left_ankle '
    'mid_hip-right_hip-right_knee-right_ankle',
    'mid_hip',
)
