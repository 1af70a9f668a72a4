"""Joint angles of a person, from joints in 3D, or as far as one camera shows them.

Angles are in degrees, 0 in an upright stance with hanging arms. The axes of segments
follow the International Society of Biomechanics (Wu et al. 2002 and 2005), as far as
joints without markers on them allow:

- The pelvis has its right-left axis from the hips, made horizontal, and faces forward
  at a right angle to it. The trunk is the line from the middle of the hips to that of
  the shoulders; in the pelvis' frame it is first flexed, then bent to the side, then
  twisted (ISB's order Z-X-Y). Flexion is positive, extension negative. Side bends are
  positive to the right, twists to the left.
- The neck is the line from its base (or the middle of the shoulders) to the head (the
  middle of the ears, where these are known), in the frame of the trunk, as REBA and
  RULA measure it.
- The shoulder's flexion is the arm's elevation from the trunk's line, negative if it is
  raised backwards rather than forwards or sideways; its abduction is the part outwards
  of the plane in which flexion happens.
- Elbow, wrist and knee have the angle between the two segments that meet there, 0 if
  they are in line. The hip has that between thigh and trunk in the sagittal plane, and
  an abduction.

The axes of a data set in 3D are right-handed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from logging import WARNING

import numpy as np

from mmskelseg_behaviour.posture.limits import Failures, limits_of
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.structures.annotations import Metainfo, PlaceKey, VideoAnnotation
from mmskelseg_io.structures.bodies import joints_seen, up_direction
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.layouts import split_side
from mmskelseg_io.structures.skeleton import Skeleton

SIDES = ('left', 'right')
#: Joints of each side without which a skeleton is no person's.
NEEDED = ('shoulder', 'elbow', 'wrist', 'hip')
# What a person seen from the side shows, and one seen from the front or the back.
_PROFILE = ('flexion', 'wrist_bend', 'arm_from_vertical', 'foot_lift')
_FRONTAL = ('side_bend', 'abduction', 'foot_lift', 'hand_sideways')
_VISIBLE = {'side': _PROFILE, 'front': _FRONTAL}
#: The names of all angles.
ANGLES = (
    *(f'{part}_{a}' for part in ('trunk', 'neck')
      for a in ('flexion', 'side_bend', 'twist')),
    *(f'{side}_{a}' for side in SIDES for a in (
        'shoulder_flexion', 'shoulder_abduction', 'elbow_flexion', 'wrist_bend',
        'hip_flexion', 'hip_abduction', 'knee_flexion')),
)  # fmt: skip
# The joints of a part, the first that a skeleton has, by the rest of their names.
_NAMES = {
    'shoulder': ('shoulder',),
    'elbow': ('elbow',),
    'wrist': ('wrist',),
    'hand': ('handtip', 'middlefinger1', 'index', 'hand'),
    'hip': ('hip',),
    'knee': ('knee',),
    'ankle': ('ankle', 'foot'),
    'toe': ('bigtoe', 'footindex', 'toe', 'foot'),
    'ear': ('ear',),
}
_NECK = ('neckbase', 'neck', 'spineshoulder', 'shouldercenter', 'thorax', 'chest')
_HEAD = ('head', 'headtop')
_SOURCES = {
    '3d': 'joints in 3D',
    'side': 'a camera at the side',
    'top': 'a camera above',
}
# The flexions that say most of a moment, by the part of the body in REBA.
_FLEXIONS = {'trunk': 'trunk', 'neck': 'neck', 'legs': 'knee', 'arm': 'shoulder'}
# Lines from left to right.
_LINES = ('shoulder', 'hip', 'ear')
# The distance of the shoulders is about so much of that between shoulders and hips.
_WIDTH = 0.7
# People are seen from a side if they are turned by less than this from it.
_TURNED = np.radians(30)
# Knees that are bent by more degrees than this show which way is forwards.
_BENT = 30
# Nobody turns round in less time than this, in seconds.
_TURNING = 0.3


@dataclass(frozen=True)
class Posture:
    """What joints show of a person's posture in T frames.

    Angles are NaN where they are not seen, or are none that people have.

    Args:
        measures: The ``ANGLES`` (T,) in degrees; ``left_arm_from_vertical``, the angle
            between the upper arm and one that hangs; ``left_hand_sideways``, how far
            the wrist is from the middle of the body, in which 1 is the place of its own
            shoulder; the same of the right; and ``foot_lift``, by how much of a shank
            one ankle is above the other.
        source: ``3d``, or the ``view`` of a camera, ``side`` or ``top``.
        failures: Where angles are none that people have.
    """

    measures: Mapping[str, np.ndarray]
    source: str
    failures: Failures

    def __getitem__(self, name: str) -> np.ndarray:
        return self.measures[name]

    @cached_property
    def shares(self) -> dict[str, float]:
        """In which share of the frames each angle is known, without failures."""
        counts = ~self.failures.frames
        return {
            name: float(np.isfinite(self[name][counts]).mean()) if counts.any() else 0.0
            for name in ANGLES
        }

    def note(self) -> str:
        """Return from what the angles are, and which of them are not known."""
        shares: dict[str, float] = {}
        for name, share in self.shares.items():
            side, _, part = name.partition('_')
            part = part if side in SIDES else name
            shares[part] = max(shares.get(part, 0), share)
        seen = [
            part + f' (in {share:.0%} of frames)' * (share < 1)
            for part, share in shares.items()
            if share
        ]
        unseen = [part for part, share in shares.items() if not share]
        words = [f'angles from {_SOURCES[self.source]}: {", ".join(seen) or "none"}']
        words += [f'not seen: {", ".join(unseen)}'] * bool(unseen)
        return '; '.join(words).replace('_', ' ')

    def flexions(self, frame: int) -> dict[str, int]:
        """Return the known flexions of a frame in degrees, by part of the body.

        Of arms and knees, it is the greater.
        """
        found = {}
        for part, joint in _FLEXIONS.items():
            names = [name for name in ANGLES if name.endswith(f'{joint}_flexion')]
            angles = [float(self[name][frame]) for name in names]
            known = [angle for angle in angles if np.isfinite(angle)]
            if known:
                greater = max(known, key=abs)
                found[part] = round(greater)
        return found


def measure(
    video: VideoAnnotation, skeleton: Skeleton, metainfo: Metainfo
) -> Posture | None:
    """Return the posture of the first person of a video, or of its individual.

    Joints are found by their names. Of joints in 2D, only that is measured which the
    ``view`` of the metainfo allows: from the side, flexion while the person is seen in
    profile, and side bends and abduction while seen from the front or the back; from
    the top, twists. None if the skeleton is not that of a person.
    """
    in_3d = 'keypoint_3d' in video
    key: PlaceKey = 'keypoint_3d' if in_3d else 'keypoint'
    own = alone(video)
    found = np.asarray(own[key][0], np.float64)
    seen = joints_seen(own, key)[0] & np.isfinite(found).all(axis=-1)
    points = _parts(np.where(seen[..., None], found, np.nan), skeleton)
    if points is None:
        return None
    source = '3d' if in_3d else metainfo.get('view', 'side')
    if in_3d:
        up, name = _up(points, video, metainfo), video.get('frame_dir', 'video')
        measures = _in_3d(points, up, name)
    elif source == 'top':
        measures = _from_above(points)
    else:
        measures = _in_2d(points, video['fps'])
    angles = {name: measures[name] for name in ANGLES}
    failures = Failures.of(angles, video['fps'])
    for name, values in angles.items():
        is_wrong = failures.beyond[name] | failures.jumps[name]
        measures[name] = np.where(is_wrong, np.nan, values)
    return Posture(measures, source, failures)


def _parts(joints: np.ndarray, skeleton: Skeleton) -> dict[str, np.ndarray] | None:
    """Return the joints that postures are measured with, (T, D), NaN if there is none.

    None if one of ``NEEDED`` is not among the names of a side.
    """
    column = {split_side(name): i for i, name in enumerate(skeleton.joints)}
    none = np.full_like(joints[:, 0], np.nan)

    def of(side: str, names: tuple[str, ...]) -> np.ndarray:
        known = [column[side, name] for name in names if (side, name) in column]
        return joints[:, known[0]] if known else none

    if any((side, part) not in column for side in SIDES for part in NEEDED):
        return None
    points = {
        f'{side}_{part}': of(side, names)
        for side in SIDES
        for part, names in _NAMES.items()
    }
    for part in ('shoulder', 'hip', 'ear'):
        points[part] = (points[f'left_{part}'] + points[f'right_{part}']) / 2
    points['neck'] = _first(of('', _NECK), points['shoulder'])
    points['head'] = _first(points['ear'], of('', _HEAD))
    points['nose'] = of('', ('nose',))
    return points


def _first(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(points), others, points)


def _up(
    points: Mapping[str, np.ndarray], video: VideoAnnotation, metainfo: Metainfo
) -> np.ndarray:
    """Return the direction that points up, (3,)."""
    name, _ = up_direction(metainfo, [video])
    if name is None:
        return np.full(3, np.nan)
    up = np.eye(3)['xyz'.index(name[-1])]
    if 'up' in metainfo:
        return -up if name[0] == '-' else up
    # Only the axis is known; people stand on it.
    trunk = (points['shoulder'] - points['hip']) @ up
    known = trunk[np.isfinite(trunk)]
    return up * np.sign(np.median(known)) if known.size else np.full(3, np.nan)


def _in_3d(
    points: Mapping[str, np.ndarray], up: np.ndarray, name: str
) -> dict[str, np.ndarray]:
    hips = points['right_hip'] - points['left_hip']
    right = _unit(hips - _dot(hips, up) * up)
    found = _measures(points, up, right, _lines(points))
    ahead = []
    for side in SIDES:
        hip, knee, ankle = (points[f'{side}_{p}'] for p in ('hip', 'knee', 'ankle'))
        is_bent = found[f'{side}_knee_flexion'] > _BENT
        ahead += [_dot(knee - (hip + ankle) / 2, np.cross(up, right))[is_bent, 0]]
    behind = np.concatenate(ahead) < 0
    if behind.sum() > behind.size / 2:
        print_log(
            f'{name}: knees bend backwards, so angles are wrong: the axes of '
            'keypoint_3d are left-handed, or left and right joints are swapped; negate '
            'one of the axes.',
            WARNING,
        )
    return found


def _lines(points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the lines from left to right shoulder, hip and ear, each (T, D)."""
    return {part: points[f'right_{part}'] - points[f'left_{part}'] for part in _LINES}


def _in_2d(points: Mapping[str, np.ndarray], fps: float) -> dict[str, np.ndarray]:
    """Return what is seen of somebody in front of a camera, by frame."""
    width = points['right_shoulder'] - points['left_shoulder']
    trunk = np.linalg.norm(points['shoulder'] - points['hip'], axis=-1)
    share = np.abs(width[:, 0]) / np.maximum(trunk, 1e-9) / _WIDTH
    right = np.sign(width[:, 0])
    is_profile = share < np.sin(_TURNED)
    ahead = _ahead(points, is_profile, fps)
    views = {
        # Depth is the second axis of somebody in profile, the first one of others.
        'side': (ahead, (1, 0), is_profile),
        'front': (right, (0, 1), share > np.cos(_TURNED)),
    }
    found: dict[str, np.ndarray] = {}
    up = np.array([0.0, 0.0, 1.0])
    for view, (sign, (forward, sideways), is_seen) in views.items():
        lifted = {
            name: np.stack(
                [
                    sign * forward * xy[:, 0],
                    # The right is at negative y of somebody who faces along x.
                    -sign * sideways * xy[:, 0],
                    -xy[:, 1],
                ],
                axis=-1,
            )
            for name, xy in points.items()
        }
        axis = np.broadcast_to([0.0, -1.0, 0.0], (len(sign), 3))
        axes = dict.fromkeys(_LINES, axis) if forward else _lines(lifted)
        for name, values in _measures(lifted, up, axis, axes).items():
            visible = name.endswith(_VISIBLE[view])
            shown = np.where(is_seen & visible, values, np.nan)
            found[name] = _first(found.get(name, shown), shown)
    return found


def _ahead(
    points: Mapping[str, np.ndarray], is_profile: np.ndarray, fps: float
) -> np.ndarray:
    """Return 1 where somebody in profile faces the right of the image, -1 the left.

    It is found over each stretch of time in profile, since nobody turns round without
    being seen from the front or the back. NaN if nothing shows it.
    """
    votes = np.nansum([*_votes(points)], axis=0)
    facing = np.full(len(votes), np.nan)
    frames = np.flatnonzero(is_profile)
    ends = np.flatnonzero(np.diff(frames) > max(1, _TURNING * fps)) + 1
    for stretch in np.split(frames, ends):
        facing[stretch] = np.sign(votes[stretch].sum()) or np.nan
    return facing


def _votes(points: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
    """Yield areas (T,), positive where they speak for facing right.

    Knees, toes, elbows and noses turn to one side only from the segments before them,
    however far the person bends; the area between the two segments says to which, and
    is least for the nose. A trunk that leans far leans forwards.
    """

    def area(*joints: str) -> np.ndarray:
        first, middle, last = (points[joint] for joint in joints)
        return _area(middle - first, last - middle)

    for side in SIDES:
        hip, knee, ankle, toe, shoulder, elbow, wrist = (
            f'{side}_{part}'
            for part in ('hip', 'knee', 'ankle', 'toe', 'shoulder', 'elbow', 'wrist')
        )
        yield area(hip, knee, ankle)
        yield -area(knee, ankle, toe)
        yield -area(shoulder, elbow, wrist)
    yield area('neck', 'head', 'nose')
    trunk = points['shoulder'] - points['hip']
    lean = np.degrees(np.arctan2(trunk[:, 0], -trunk[:, 1]))
    is_clear = np.abs(lean) > -limits_of('trunk_flexion')[0]
    yield np.where(is_clear, np.sign(lean) * (trunk**2).sum(axis=-1), 0)


def _area(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the area between vectors of an image, positive if they turn clockwise."""
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


def _from_above(points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what a camera above shows: twists, since lines from left to right turn."""
    lines = {
        # y points down in an image.
        part: np.stack([line[:, 0], -line[:, 1], 0 * line[:, 0]], axis=-1)
        for part, line in _lines(points).items()
    }
    up = np.array([0.0, 0.0, 1.0])
    none = np.full(len(lines['hip']), np.nan)
    return {
        **dict.fromkeys(_all_names(), none),
        'trunk_twist': _turn(lines['hip'], lines['shoulder'], up),
        'neck_twist': _turn(lines['shoulder'], lines['ear'], up),
    }


def _all_names() -> list[str]:
    own = [
        f'{side}_{m}' for side in SIDES for m in ('arm_from_vertical', 'hand_sideways')
    ]
    return [*ANGLES, *own, 'foot_lift']


def _measures(
    points: Mapping[str, np.ndarray],
    up: np.ndarray,
    right: np.ndarray,
    axes: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return all measures.

    Args:
        points: The joints, each (T, 3).
        up: The direction that points up, (3,).
        right: That of the pelvis to its right, horizontal, (T, 3).
        axes: From the left to the right shoulder, hip and ear, each (T, 3).
    """
    trunk = _unit(points['shoulder'] - points['hip'])
    # The trunk's own frame: turned with the shoulders.
    own_right = _unit(axes['shoulder'] - _dot(axes['shoulder'], trunk) * trunk)
    neck = _unit(points['head'] - points['neck'])
    found = {
        **_bends('trunk', trunk, np.broadcast_to(up, trunk.shape), right),
        'trunk_twist': _turn(right, axes['shoulder'], trunk),
        **_bends('neck', neck, trunk, own_right),
        'neck_twist': _turn(own_right, axes['ear'], neck),
    }
    half = np.linalg.norm(axes['shoulder'], axis=-1) / 2
    for side, outward in (('left', -1.0), ('right', 1.0)):
        shoulder, elbow, wrist, hand, hip, knee, ankle = (
            points[f'{side}_{part}']
            for part in ('shoulder', 'elbow', 'wrist', 'hand', 'hip', 'knee', 'ankle')
        )
        arm, forearm, thigh = elbow - shoulder, wrist - elbow, knee - hip
        across = _dot(wrist - points['shoulder'], own_right)[:, 0] * outward
        legs = _limb(thigh, trunk, right, outward)
        arms = _limb(arm, trunk, own_right, outward)
        found |= {
            f'{side}_shoulder_flexion': _elevation(arm, trunk, own_right),
            f'{side}_shoulder_abduction': arms[1],
            f'{side}_elbow_flexion': _angle(arm, forearm),
            f'{side}_wrist_bend': _angle(forearm, hand - wrist),
            f'{side}_hip_flexion': legs[0],
            f'{side}_hip_abduction': legs[1],
            f'{side}_knee_flexion': _angle(thigh, ankle - knee),
            f'{side}_arm_from_vertical': _angle(arm, np.broadcast_to(-up, arm.shape)),
            f'{side}_hand_sideways': across / half,
        }
    shank = np.mean(
        [
            np.linalg.norm(points[f'{s}_knee'] - points[f'{s}_ankle'], axis=-1)
            for s in SIDES
        ],
        axis=0,
    )
    lift = _dot(points['left_ankle'] - points['right_ankle'], up)[:, 0]
    return {**found, 'foot_lift': np.abs(lift) / shank}


def _bends(
    part: str, line: np.ndarray, up: np.ndarray, right: np.ndarray
) -> dict[str, np.ndarray]:
    """Return flexion and side bend of a line, in the frame of two axes (T, 3)."""
    forward = np.cross(up, right)
    flexion = np.arctan2(_dot(line, forward), _dot(line, up))
    side = np.arcsin(np.clip(_dot(line, right), -1, 1))
    return {
        f'{part}_flexion': np.degrees(flexion)[:, 0],
        f'{part}_side_bend': np.degrees(side)[:, 0],
    }


def _limb(
    line: np.ndarray, trunk: np.ndarray, right: np.ndarray, outward: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return flexion, from -90 to 270, and abduction of a limb that hangs at 0."""
    line = _unit(line)
    forward = _unit(np.cross(trunk, right))
    flexion = np.degrees(np.arctan2(_dot(line, forward), -_dot(line, trunk)))[:, 0]
    side = np.arcsin(np.clip(outward * _dot(line, right), -1, 1))
    # No limb reaches further back, so that is one that is raised beyond the vertical.
    return np.where(flexion < -90, flexion + 360, flexion), np.degrees(side)[:, 0]


def _elevation(arm: np.ndarray, trunk: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the angle between arm and trunk, negative if it is raised backwards."""
    raised = _angle(arm, -trunk)
    ahead = _dot(arm, np.cross(trunk, right))[:, 0]
    is_behind = (ahead < -np.abs(_dot(arm, right)[:, 0])) & (raised < 90)
    return np.where(is_behind, -raised, raised)


def _turn(first: np.ndarray, second: np.ndarray, about: np.ndarray) -> np.ndarray:
    """Return by how much one line is turned from another about an axis, (T,)."""
    a, b = (line - _dot(line, about) * about for line in (first, second))
    sine = _dot(np.cross(a, b), np.broadcast_to(about, a.shape))
    return np.degrees(np.arctan2(sine, _dot(a, b)))[:, 0]


def _angle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the angle between vectors (T, 3), 0 to 180, of shape (T,)."""
    cosine = _dot(_unit(first), _unit(second))[:, 0]
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first * second).sum(axis=-1, keepdims=True)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1; NaN where they have no length."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 1e-9, length, np.nan)
