"""People whose joints are placed by angles."""

import numpy as np

from mmskelseg_io.structures.skeleton import Skeleton

JOINTS = [
    'head', 'neck', 'left_ear', 'right_ear', 'nose',
    *(f'{side}_{part}' for side in ('left', 'right') for part in (
        'shoulder', 'elbow', 'wrist', 'hand', 'hip', 'knee', 'ankle', 'big_toe')),
]  # fmt: skip
BODY = Skeleton.get({'joints': JOINTS, 'limbs': []})


def person(
    trunk=(0, 0, 0), neck=(0, 0, 0), arm=(0, 0), elbow=0, wrist=0, knee=0, hip=0
) -> dict:
    """Return joints (3,) by name of somebody who faces along x; z is up.

    Trunk and neck have flexion, side bend and twist in degrees, arms elevation and the
    direction to which they are raised: 0 is forwards, 90 outwards, 180 backwards. The
    left half of the body is at positive y.
    """
    spine = _turned(*trunk)
    found = {'shoulder': spine @ [0, 0, 0.5]}
    found['neck'] = found['shoulder']
    head = spine @ _turned(*neck)
    found['head'] = found['neck'] + head @ [0, 0, 0.2]
    found['nose'] = found['head'] + head @ [0.1, 0, 0]
    for side, left in (('left', 1), ('right', -1)):
        found[f'{side}_ear'] = found['head'] + head @ [0, 0.08 * left, 0]
        at = found[f'{side}_shoulder'] = found['shoulder'] + spine @ [0, 0.2 * left, 0]
        raised, outwards = np.radians(arm)
        ahead = np.array([np.cos(outwards), left * np.sin(outwards), 0])
        bend = np.radians([0, elbow, elbow + wrist])
        parts = (('elbow', 0.3), ('wrist', 0.25), ('hand', 0.1))
        for (part, length), more in zip(parts, bend, strict=True):
            angle = raised + more
            at = at + length * spine @ (np.sin(angle) * ahead - [0, 0, np.cos(angle)])
            found[f'{side}_{part}'] = at
        at = found[f'{side}_hip'] = np.array([0, 0.1 * left, 0])
        for part, length, angle in (('knee', 0.4, hip), ('ankle', 0.4, hip - knee)):
            angle = np.radians(angle)
            at = at + length * np.array([np.sin(angle), 0, -np.cos(angle)])
            found[f'{side}_{part}'] = at
        found[f'{side}_big_toe'] = at + np.array([0.15, 0, 0])
    return found


def _turned(flexion, bend, twist) -> np.ndarray:
    """Return a frame flexed, then bent to the right, then twisted to the left."""
    f, b, t = np.radians([flexion, bend, twist])
    about_y = [[np.cos(f), 0, np.sin(f)], [0, 1, 0], [-np.sin(f), 0, np.cos(f)]]
    about_x = [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    about_z = [[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]]
    return np.array(about_y) @ about_x @ about_z


def video(*people: dict, joints=JOINTS) -> dict:
    """Return a video in 3D, a frame for each person, slowly enough for any movement."""
    points = np.array([[one[joint] for joint in joints] for one in people])[None]
    scores = np.ones(points.shape[:3])
    return {'keypoint_3d': points, 'keypoint_score': scores, 'fps': 1.0}


def filmed(*people: dict, right=(0, -1, 0), joints=JOINTS, down=(0, 0, -1)) -> dict:
    """Return a video of a camera, whose picture has these directions right and down.

    A person fills about 200 pixels, around (300, 300).
    """
    one = video(*people, joints=joints)
    plane = np.array([right, down], float).T
    return {'keypoint': 300 + 100 * one.pop('keypoint_3d') @ plane, **one}
