"""The layouts of joints that have a name of ours, as dicts that Skeleton.get takes."""

from itertools import combinations
from typing import Any

_SIDES = ('left', 'right')
# Names of the joints of each body part that a tracker loses as a whole.
BODY_PARTS = {
    f'{side}_{part}': [f'{side}_{joint}' for joint in joints.split()]
    for part, joints in (('arm', 'shoulder elbow wrist'), ('leg', 'hip knee ankle'))
    for side in _SIDES
}


def _layout(name: str, joints: str, limbs: str) -> dict[str, Any]:
    flip_pairs = [
        (first, second)
        for first, second in combinations(joints.split(), 2)
        if {first, second} == {f'{side}_{first.partition("_")[2]}' for side in _SIDES}
    ]
    return {
        'name': name,
        'joints': joints.split(),
        'limbs': [limb.split('-') for limb in limbs.split()],
        'flip_pairs': flip_pairs,
        'drop_groups': BODY_PARTS,
    }


# With the 17 limbs that MMAction2 draws (MMPose's list has 19).
_COCO17 = _layout(
    'coco17',
    'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder '
    'left_elbow right_elbow left_wrist right_wrist left_hip right_hip left_knee '
    'right_knee left_ankle right_ankle',
    'nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear '
    'nose-left_shoulder left_shoulder-left_elbow left_elbow-left_wrist '
    'nose-right_shoulder right_shoulder-right_elbow right_elbow-right_wrist '
    'left_shoulder-left_hip left_hip-left_knee left_knee-left_ankle '
    'right_shoulder-right_hip right_hip-right_knee right_knee-right_ankle '
    'left_hip-right_hip',
)
# Of UW-IOM and TUM-Kitchen: LCR-Net's 13, the neck and the centre.
_LCR15 = _layout(
    'lcr15',
    'right_ankle left_ankle right_knee left_knee right_hip left_hip right_wrist '
    'left_wrist right_elbow left_elbow right_shoulder left_shoulder neck head center',
    'right_ankle-right_knee left_ankle-left_knee right_knee-right_hip '
    'left_knee-left_hip right_hip-center left_hip-center right_wrist-right_elbow '
    'left_wrist-left_elbow right_elbow-right_shoulder left_elbow-left_shoulder '
    'right_shoulder-neck left_shoulder-neck neck-head neck-center',
)
# Of Kinect 1, in the order of its SDK.
_KINECT20 = _layout(
    'kinect20',
    'hip_center spine shoulder_center head '
    'left_shoulder left_elbow left_wrist left_hand '
    'right_shoulder right_elbow right_wrist right_hand '
    'left_hip left_knee left_ankle left_foot right_hip right_knee right_ankle '
    'right_foot',
    'hip_center-spine spine-shoulder_center shoulder_center-head '
    'shoulder_center-left_shoulder left_shoulder-left_elbow left_elbow-left_wrist '
    'left_wrist-left_hand shoulder_center-right_shoulder right_shoulder-right_elbow '
    'right_elbow-right_wrist right_wrist-right_hand hip_center-left_hip '
    'left_hip-left_knee left_knee-left_ankle left_ankle-left_foot '
    'hip_center-right_hip right_hip-right_knee right_knee-right_ankle '
    'right_ankle-right_foot',
)
_KINECT20_PARTS = {
    part: [*joints, part.replace('arm', 'hand').replace('leg', 'foot')]
    for part, joints in BODY_PARTS.items()
}
LAYOUTS = {
    'coco17': _COCO17,
    'lcr15': {**_LCR15, 'root': ['center']},
    'kinect20': {
        **_KINECT20,
        'drop_groups': _KINECT20_PARTS,
        'root': ['hip_center'],
    },
}
