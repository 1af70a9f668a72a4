"""The toy person's body in COCO-17, as a camera and a tracker see it."""

from dataclasses import dataclass

import numpy as np

from mmskelseg.converters.toy_script import CLASSES, Motion, smooth

# All lengths are in body heights.
HIP, SHOULDER, FOOT = 0.055, 0.115, 0.06
THIGH, SHANK, ANKLE = 0.245, 0.246, 0.04
TRUNK, UPPER_ARM, FOREARM = 0.29, 0.186, 0.15
# Nose, left and right eye, left and right ear, relative to the middle of the shoulders.
HEAD = [
    (0.065, 0, 0.115),
    (0.05, 0.02, 0.135),
    (0.05, -0.02, 0.135),
    (0, 0.045, 0.125),
    (0, -0.045, 0.125),
]
CYCLE = 0.62  # length of two steps
IMG_SHAPE = (480, 640)
FOCAL_LENGTH = 560  # in pixels


@dataclass
class Take:
    """Properties of one video, besides the motion itself."""

    height: float
    limbs: float
    left_handed: bool
    distance: float
    azimuth: float
    elevation: float
    shift: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> 'Take':
        """Return a take drawn at random."""
        return cls(
            height=rng.uniform(1.55, 1.9),
            limbs=rng.uniform(0.94, 1.06),
            left_handed=rng.random() < 0.5,
            distance=rng.uniform(3.9, 4.9),
            azimuth=rng.uniform(-0.2, 0.2),
            elevation=rng.uniform(0.9, 1.5),
            shift=rng.uniform(-25, 25),
        )


def body(
    motion: Motion, take: Take, rng: np.random.Generator, fps: float
) -> np.ndarray:
    """Return the joints in metres, shape (T, 17, 3): right, away, up."""
    frames = len(motion.label)
    sway = smooth(rng.normal(0, 1, (frames, 8)), 12) * 5
    pose = motion.pose + sway * (0.002, 0.012, *(0.006,) * 6)
    crouch, pitch, first, second = np.split(pose, (1, 2, 5), axis=1)
    hands = (first, second) if take.left_handed else (second, first)
    pitch = pitch[:, 0]

    # The phase of the walk in its cycle of two steps, and the length of the stride.
    step = np.diff(motion.place, axis=0, prepend=motion.place[:1])
    way = np.linalg.norm(step, axis=1)
    phase = 2 * np.pi * np.cumsum(way) / (CYCLE * take.height)
    stride = np.clip(way * fps / 0.6, 0, 1)
    bob = stride * (0.03 + 0.008 * np.cos(2 * phase))
    leg_length = (THIGH + SHANK) * take.limbs
    height = leg_length * (1 - crouch[:, 0] - bob) + ANKLE
    pelvis = point(-0.33 * TRUNK * np.sin(pitch), 0, height)
    chest = pelvis + TRUNK * trunk_axes(pitch)[1]

    joints = np.zeros((frames, 17, 3))
    forward, up = trunk_axes(0.7 * pitch)
    for joint, (ahead, left, above) in enumerate(HEAD):
        joints[:, joint] = chest + ahead * forward + above * up + (0, left, 0)
    # Arms swing opposite to the legs unless they carry something.
    walks = np.where(motion.label == CLASSES.index('walk'), stride, 0)
    swing = 0.09 * smooth(walks[:, None], 4)[:, 0] * np.sin(phase)
    for right, hand in enumerate(hands):
        sign = 1 - 2 * right
        twist = -sign * 0.015 * stride * np.sin(phase)
        joints[:, 5 + right : 11 : 2] = arm(chest, hand, twist, swing, take, sign)
        joints[:, 11 + right :: 2] = leg(pelvis, phase, stride, take, sign)
    return to_room(joints * take.height, motion)


def arm(
    chest: np.ndarray,
    hand: np.ndarray,
    twist: np.ndarray,
    swing: np.ndarray,
    take: Take,
    sign: int,
) -> np.ndarray:
    """Return shoulder, elbow and wrist (T, 3, 3) of the left (1) or right (-1) arm."""
    shoulder = chest + point(twist, sign * SHOULDER, 0)
    target = hand * (1, sign, 1) + point(-sign * swing, 0, 0)
    upper, lower = UPPER_ARM * take.limbs, FOREARM * take.limbs
    elbow, wrist = two_bones(shoulder, target, upper, lower, (-0.4, sign, -0.5))
    return np.stack([shoulder, elbow, wrist], axis=1)


def leg(
    pelvis: np.ndarray, phase: np.ndarray, stride: np.ndarray, take: Take, sign: int
) -> np.ndarray:
    """Return hip, knee and ankle (T, 3, 3) of the left (1) or right (-1) leg."""
    hip = pelvis + point(0, sign * HIP, 0)
    foot = point(
        sign * 0.25 * CYCLE * stride * np.sin(phase),
        sign * FOOT,
        ANKLE + 0.05 * stride * np.maximum(sign * np.cos(phase), 0),
    )
    thigh, shank = THIGH * take.limbs, SHANK * take.limbs
    knee, ankle = two_bones(hip, foot, thigh, shank, (1, 0, 0))
    return np.stack([hip, knee, ankle], axis=1)


def trunk_axes(pitch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the forward and the upward axis of a trunk that leans forward."""
    sine, cosine = np.sin(pitch), np.cos(pitch)
    return point(cosine, 0, -sine), point(sine, 0, cosine)


def point(
    forward: np.ndarray | float, left: float, up: np.ndarray | float
) -> np.ndarray:
    """Return points (T, 3) from coordinates, each an array (T,) or a constant."""
    return np.stack(np.broadcast_arrays(forward, left, up), axis=-1)


def two_bones(
    start: np.ndarray,
    target: np.ndarray,
    first: float,
    second: float,
    bend: tuple[float, float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle and the end (T, 3) of two bones that reach for a target.

    They have the lengths ``first`` and ``second``; the joint between them bends in the
    direction ``bend``. If the target is out of reach, the bones point at it.
    """
    way = target - start
    length = np.linalg.norm(way, axis=1, keepdims=True)
    way = way / length
    length = np.clip(length, abs(first - second) + 1e-3, (first + second) * 0.999)
    along = (first**2 - second**2 + length**2) / (2 * length)
    aside = np.array(bend) - way * (way @ np.array(bend))[:, None]
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    middle = start + along * way + np.sqrt(np.maximum(first**2 - along**2, 0)) * aside
    return middle, start + length * way


def to_room(joints: np.ndarray, motion: Motion) -> np.ndarray:
    """Return joints (forward, left, up) in the axes of the room: right, away, up."""
    cosine, sine = np.cos(motion.heading)[:, None], np.sin(motion.heading)[:, None]
    ahead, left, up = np.moveaxis(joints, -1, 0)
    right = ahead * cosine - left * sine + motion.place[:, :1]
    away = ahead * sine + left * cosine + motion.place[:, 1:]
    return np.stack([right, away, up], axis=-1)


def film(joints: np.ndarray, take: Take) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels (T, V, 2) and depth in metres (T, V) in the take's camera."""
    height, width = IMG_SHAPE
    cosine, sine = np.cos(take.azimuth), np.sin(take.azimuth)
    right, away, up = np.moveaxis(joints, -1, 0)
    depth = take.distance + right * sine + away * cosine
    x = FOCAL_LENGTH * (right * cosine - away * sine) / depth
    y = FOCAL_LENGTH * (take.elevation - up) / depth
    level = FOCAL_LENGTH * (0.95 - take.elevation) / take.distance
    centre = (width / 2 + take.shift, height / 2 + level)
    return np.stack([x, y], axis=-1) + centre, depth


def track(
    pixels: np.ndarray, depth: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return keypoints (T, 17, 2) and scores (T, 17) as from a tracker.

    Joints on the far side of the body are less certain. Some joints jump for a few
    frames with a low score, some are lost (score 0 at (0, 0)), and in a few frames all
    are lost.
    """
    frames = len(pixels)
    hidden = 1 / (1 + np.exp(-(depth - depth.mean(axis=1, keepdims=True)) / 0.05))
    loose = np.ones(17)
    loose[[7, 8, 9, 10, 15, 16]] = 1.5
    spread = (loose * (0.6 + 0.8 * hidden))[..., None]
    noise = 1.8 * drift(rng, frames) + rng.normal(0, 0.9, pixels.shape)
    pixels = pixels + spread * noise
    score = 0.94 - 0.3 * hidden + rng.normal(0, 0.03, hidden.shape)

    unsure = bursts(rng, frames, 0.002, 6) | (
        bursts(rng, frames, 0.004, 6) & (hidden > 0.7)
    )
    pixels = np.where(unsure[..., None], pixels + 10 * drift(rng, frames), pixels)
    score = np.where(unsure, rng.uniform(0.05, 0.35, score.shape), score)

    lost = bursts(rng, frames, 0.001, 8)
    lost[rng.choice(frames, max(1, frames // 600), replace=False)] = True
    pixels = np.where(lost[..., None], 0, pixels)
    score = np.where(lost, 0, np.clip(score, 0.05, 1))
    # Rounded, since the last bits of sines differ between machines.
    return pixels.round(2).astype(np.float32), score.round(3).astype(np.float32)


def drift(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Return noise of unit variance (T, 17, 2) that varies slowly over frames."""
    noise = smooth(rng.normal(0, 1, (frames, 34)), 3)
    return (noise / noise.std(axis=0)).reshape(frames, 17, 2)


def bursts(
    rng: np.random.Generator, frames: int, rate: float, mean: float
) -> np.ndarray:
    """Return whether each joint is in a random burst, shape (T, 17).

    Bursts start at a rate per frame and have a mean length in frames.
    """
    now = np.arange(frames)[:, None]
    start = rng.random((frames, 17)) < rate
    ends = np.where(start, now + rng.geometric(1 / mean, start.shape), 0)
    return np.maximum.accumulate(ends, axis=0) > now
