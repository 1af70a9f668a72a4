"""The toy person in COCO-17: what it does, and how a camera and a tracker see it.

Lengths are in body heights and angles in radians, unless another unit is named. A place
on the floor is a complex number, so that turning multiplies by ``exp(1j * angle)``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicHermiteSpline
from scipy.ndimage import gaussian_filter1d

CLASSES = [
    'stand', 'walk', 'reach_high', 'bend_down', 'lift', 'hold_red', 'hold_blue',
    'carry_red', 'carry_blue', 'place_high', 'place_mid', 'place_low',
]  # fmt: skip
COLOURS = ('red', 'blue')
# Actions whose class includes the colour of the box, which does not affect any joint.
HOLDING = ('hold', 'carry')
WALKING = ('walk', 'carry')
# The actions that may follow an action, with their probabilities.
GRAMMAR: dict[str, dict[str, float]] = {
    'stand': {'walk': 0.6, 'bend_down': 0.2, 'reach_high': 0.2},
    'walk': {'stand': 0.3, 'bend_down': 0.35, 'reach_high': 0.35},
    'reach_high': {'hold': 0.5, 'carry': 0.5},
    'bend_down': {'lift': 1},
    'lift': {'hold': 0.45, 'carry': 0.55},
    'hold': {'carry': 0.4, 'place_high': 0.2, 'place_mid': 0.2, 'place_low': 0.2},
    'carry': {'hold': 0.25, 'place_high': 0.25, 'place_mid': 0.25, 'place_low': 0.25},
    **{f'place_{at}': {'walk': 0.6, 'stand': 0.4} for at in ('high', 'mid', 'low')},
}
# Shortest and longest duration in seconds; that of walking depends on the distance.
SECONDS = {
    'stand': (0.7, 2.5), 'reach_high': (1.2, 2.2), 'bend_down': (0.7, 1.4),
    'lift': (0.8, 1.5), 'hold': (0.6, 2.0), 'place_high': (1.2, 2.2),
    'place_mid': (1.1, 2.0), 'place_low': (1.3, 2.4),
}  # fmt: skip
# Key poses: bend of the knees and of the trunk, and the positions of the dominant hand
# and of the other, each forward, outward and up from the floor below the pelvis.
REST = np.array([0.02, 0.03, *(0.03, 0.14, 0.50) * 2])
HOLD = np.array([0.03, 0.02, *(0.21, 0.08, 0.68) * 2])
LOW = np.array([0.30, 1.20, *(0.27, 0.09, 0.19) * 2])
TABLE = np.array([0.05, 0.45, *(0.36, 0.09, 0.56) * 2])
HIGH = np.array([0.00, -0.03, *(0.19, 0.09, 1.08) * 2])
REACH = np.array([0.00, -0.03, 0.17, 0.10, 1.12, 0.04, 0.14, 0.53])
SPREAD = np.array([0.015, 0.06, *(0.025, 0.015, 0.03) * 2])
# The poses of each action, with the fraction of its duration at which each is reached.
# An action starts in the last pose of the previous action.
KEY_POSES = {
    'stand': [(0.35, REST), (1, REST)],
    'walk': [(0.25, REST), (1, REST)],
    'reach_high': [(0.5, REACH), (0.62, REACH), (1, HOLD)],
    'bend_down': [(0.9, LOW), (1, LOW)],
    'lift': [(0.1, LOW), (1, HOLD)],
    'hold': [(0.3, HOLD), (1, HOLD)],
    'carry': [(0.25, HOLD), (1, HOLD)],
    'place_high': [(0.5, HIGH), (0.65, HIGH), (1, REST)],
    'place_mid': [(0.45, TABLE), (0.6, TABLE), (1, REST)],
    'place_low': [(0.5, LOW), (0.62, LOW), (1, REST)],
}
# The fraction of an action's duration at which a box is grasped or released.
GRASP = {'reach_high': 0.6, 'lift': 0.1}
RELEASE = {'place_high': 0.55, 'place_mid': 0.5, 'place_low': 0.55}

HIP, SHOULDER, FOOT, ANKLE, TRUNK = 0.055, 0.115, 0.06, 0.04, 0.29
THIGH, SHANK = LEG = np.array([0.245, 0.246])
ARM = np.array([0.186, 0.15])
# Nose, left and right eye, left and right ear, relative to the middle of the shoulders.
HEAD = np.array([
    (0.065, 0, 0.115), (0.05, 0.02, 0.135), (0.05, -0.02, 0.135), (0, 0.045, 0.125),
    (0, -0.045, 0.125),
])  # fmt: skip
SIDES = np.array([1, -1])  # left and right
CYCLE = 0.62  # length of two steps
FPS = 30.0
IMG_SHAPE = (480, 640)
FOCAL_LENGTH = 560  # in pixels


class Take(NamedTuple):
    """Properties of one video, besides the motion itself, in metres and pixels."""

    height: float
    limbs: float  # length relative to that of most people
    hand: float  # below 0.5 if left-handed
    distance: float
    azimuth: float
    elevation: float
    shift: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> 'Take':
        """Return a take drawn at random."""
        low = cls(1.55, 0.94, 0, 3.9, -0.2, 0.9, -25)
        return cls(*rng.uniform(low, cls(1.9, 1.06, 1, 4.9, 0.2, 1.5, 25)))


@dataclass
class Motion:
    """One performance, frame by frame.

    Shapes: label (T,); pose (T, 8), see ``REST``; place (T,) on the floor in metres,
    right + 1j * away; heading (T,), 0 to the right of the camera, -pi/2 towards it. A
    box has a colour, and frames in which it appears, is grasped, released, and is gone.
    """

    label: np.ndarray
    pose: np.ndarray
    place: np.ndarray
    heading: np.ndarray
    boxes: list[tuple[str, int, int, int, int]]


def perform(rng: np.random.Generator, frames: int) -> Motion:
    """Return the motion of one video: a random order of actions from the grammar."""

    def random_place() -> complex:
        return complex(*rng.uniform((-0.8, -0.25), (0.8, 0.25)))

    tempo = rng.uniform(0.8, 1.25)
    action, now = 'walk', 0.0
    here, facing = random_place(), 0.0
    # Each action with its first frame and the number of boxes grasped so far.
    actions: list[tuple[str, float, int]] = []
    grasped: list[int] = []
    released: list[int] = []
    poses, places = [(0.0, REST)], []
    headings: list[tuple[float, float]] = []
    while now * FPS < frames:
        turned = facing
        if action in WALKING:
            there = random_place()
            while abs(there - here) < 0.7:
                there = random_place()
            seconds = abs(there - here) / (rng.uniform(0.6, 1.0) * tempo)
            places += [(now, here), (now + seconds, there)]
            here, facing = there, float(np.angle(there - here))
        else:
            seconds = rng.uniform(*SECONDS[action]) / tempo
            if actions[-1][0] in WALKING:
                # To the left or right, more often towards the camera.
                towards = np.deg2rad(rng.uniform(-15, 40))
                facing = -towards if rng.random() < 0.5 else np.pi + towards
        # By the shorter way.
        facing = turned + math.remainder(facing - turned, math.tau)
        headings += [(now, turned), (now + min(0.4, seconds / 2), facing)]
        for share, pose in KEY_POSES[action]:
            poses.append((now + share * seconds, rng.normal(pose, SPREAD)))
        for moments, shares in ((grasped, GRASP), (released, RELEASE)):
            if action in shares:
                moments.append(round((now + shares[action] * seconds) * FPS))
        actions.append((action, now * FPS, len(grasped)))
        now += seconds
        following = GRAMMAR[action]
        action = str(rng.choice(list(following), p=list(following.values())))
    # A box that is still held is released at the end.
    if len(released) < len(grasped):
        released.append(round(now * FPS))
    colours = [str(rng.choice(COLOURS)) for _ in grasped]
    # A box is there from the release of the previous one until the next one is grasped.
    spells = [0, *released[:-1]], grasped, released, [*grasped[1:], frames]
    time = np.arange(frames) / FPS
    when, where = map(np.array, zip(*places, strict=True))
    return Motion(
        label=annotate(rng, actions, colours, frames),
        pose=smooth(blend(poses, time), 2),
        place=smooth(np.interp(time, when, where), 3),
        heading=smooth(blend(headings, time), 3),
        boxes=list(zip(colours, *spells, strict=False)),
    )


def annotate(
    rng: np.random.Generator,
    actions: Sequence[tuple[str, float, int]],
    colours: Sequence[str],
    frames: int,
) -> np.ndarray:
    """Return the label of each frame, with errors of up to three at boundaries."""
    names = [f'{a}_{colours[n - 1]}' if a in HOLDING else a for a, _, n in actions]
    starts = np.array([start for _, start, _ in actions])
    starts = np.round(starts + rng.uniform(-3, 3, len(starts)))
    index = np.searchsorted(starts, np.arange(frames), side='right') - 1
    ids = np.array([CLASSES.index(name) for name in names], np.int64)
    return ids[np.maximum(index, 0)]


def blend(
    keys: Sequence[tuple[float, np.ndarray | float]], time: np.ndarray
) -> np.ndarray:
    """Return the values (T, ...) at given times, easing from each key to the next."""
    times, values = map(np.array, zip(*keys, strict=True))
    return CubicHermiteSpline(times, values, 0 * values)(np.minimum(time, times[-1]))


def smooth(track: np.ndarray, sigma: float) -> np.ndarray:
    """Return tracks (T, ...) filtered by a Gaussian of ``sigma`` frames."""
    return gaussian_filter1d(track, sigma, axis=0, mode='nearest')


def body(motion: Motion, take: Take, rng: np.random.Generator) -> np.ndarray:
    """Return the joints in metres, shape (T, 17, 3): right, away, up."""
    frames = len(motion.label)
    sway = smooth(rng.normal(0, 1, (frames, 8)), 12) * 5
    pose = motion.pose + sway * (0.002, 0.012, *(0.006,) * 6)
    crouch, pitch, hands = pose[:, :1], pose[:, 1:2], pose[:, 2:].reshape(-1, 2, 3)
    if take.hand >= 0.5:
        hands = hands[:, ::-1]
    # The phase of the walk in its cycle of two steps, and the length of the stride.
    way = np.abs(np.diff(motion.place, prepend=motion.place[0]))[:, None]
    phase = 2 * np.pi * np.cumsum(way, axis=0) / (CYCLE * take.height)
    stride = np.clip(way * FPS / 0.6, 0, 1)
    bob = stride * (0.03 + 0.008 * np.cos(2 * phase))
    height = (THIGH + SHANK) * take.limbs * (1 - crouch - bob) + ANKLE
    pelvis = point(-0.33 * TRUNK * np.sin(pitch), 0, height)
    chest = pelvis + TRUNK * point(np.sin(pitch), 0, np.cos(pitch))
    # The head leans forward less than the trunk.
    ahead, left, above = HEAD.T
    sine, cosine = np.sin(0.7 * pitch), np.cos(0.7 * pitch)
    head = point(ahead * cosine + above * sine, left, above * cosine - ahead * sine)
    # Arms swing opposite to the legs unless they carry something.
    walks = np.where(motion.label == CLASSES.index('walk'), stride[:, 0], 0)
    swing = 0.09 * smooth(walks, 4)[:, None] * np.sin(phase)
    twist = -SIDES * 0.015 * stride * np.sin(phase)
    wrists = hands * point(1, SIDES, 1) - point(SIDES * swing, 0, 0)
    shoulders = chest + point(twist, SIDES * SHOULDER, 0)
    lift = stride * np.maximum(SIDES * np.cos(phase), 0)
    feet = point(
        SIDES * 0.25 * CYCLE * stride * np.sin(phase), SIDES * FOOT, ANKLE + 0.05 * lift
    )
    hips = pelvis + point(0, SIDES * HIP, 0)
    arms = two_bones(shoulders, wrists, ARM * take.limbs, point(-0.4, SIDES, -0.5))
    legs = two_bones(hips, feet, LEG * take.limbs, point(1, 0, 0))
    forward, left, up = take.height * np.concatenate([chest + head, arms, legs], 1).T
    floor = (forward + 1j * left) * np.exp(1j * motion.heading) + motion.place
    return np.stack([floor.real, floor.imag, up]).T


def point(
    forward: np.ndarray | float, left: np.ndarray | float, up: np.ndarray | float
) -> np.ndarray:
    """Return points (..., 3) from coordinates, each an array or a constant."""
    return np.stack(np.broadcast_arrays(forward, left, up), axis=-1)


def two_bones(
    start: np.ndarray, target: np.ndarray, lengths: np.ndarray, bend: np.ndarray
) -> np.ndarray:
    """Return start, middle and end of both sides' bones that reach for a target.

    The joint between the two bones of a side bends in the direction ``bend``. If the
    target (T, 2, 3) is out of reach, they point at it. The result is (T, 6, 3).
    """
    first, second = lengths
    way = target - start
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    way = way / length
    length = np.clip(length, abs(first - second) + 1e-3, (first + second) * 0.999)
    along = (first**2 - second**2 + length**2) / (2 * length)
    aside = bend - way * (way * bend).sum(axis=-1, keepdims=True)
    aside /= np.linalg.norm(aside, axis=-1, keepdims=True)
    middle = start + along * way + np.sqrt(np.maximum(first**2 - along**2, 0)) * aside
    joints = np.stack([start, middle, start + length * way], axis=1)
    return joints.reshape(len(joints), 6, 3)


def film(joints: np.ndarray, take: Take) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels (T, V, 2) and depth in metres (T, V) in the take's camera."""
    height, width = IMG_SHAPE
    right, away, up = np.moveaxis(joints, -1, 0)
    turned = (right + 1j * away) * np.exp(1j * take.azimuth)
    depth = take.distance + turned.imag
    seen = np.stack([turned.real, take.elevation - up], -1) / depth[..., None]
    level = FOCAL_LENGTH * (0.95 - take.elevation) / take.distance
    return FOCAL_LENGTH * seen + (width / 2 + take.shift, height / 2 + level), depth


def track(
    pixels: np.ndarray, depth: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return keypoints (T, 17, 2) and scores (T, 17) as from a tracker.

    Joints on the far side of the body are less certain. Some joints jump for a few
    frames with a low score, some are lost (score 0 at (0, 0)), and in a few frames all
    are lost.
    """
    frames, shape = len(pixels), depth.shape

    def drift() -> np.ndarray:
        """Return noise of unit variance that varies slowly over frames."""
        noise = smooth(rng.normal(0, 1, pixels.shape), 3)
        return noise / noise.std(axis=0)

    def bursts(rate: float, mean: float) -> np.ndarray:
        """Return whether joints are in bursts, of a rate and mean length in frames."""
        now = np.arange(frames)[:, None]
        start = rng.random(shape) < rate
        ends = np.where(start, now + rng.geometric(1 / mean, shape), 0)
        return np.maximum.accumulate(ends, axis=0) > now

    hidden = 1 / (1 + np.exp(-(depth - depth.mean(axis=1, keepdims=True)) / 0.05))
    loose = np.ones(17)
    loose[[7, 8, 9, 10, 15, 16]] = 1.5
    noise = 1.8 * drift() + rng.normal(0, 0.9, pixels.shape)
    pixels = pixels + (loose * (0.6 + 0.8 * hidden))[..., None] * noise
    score = 0.94 - 0.3 * hidden + rng.normal(0, 0.03, shape)
    unsure = bursts(0.002, 6) | (bursts(0.004, 6) & (hidden > 0.7))
    pixels[unsure] += 10 * drift()[unsure]
    score = np.where(unsure, rng.uniform(0.05, 0.35, shape), score).clip(0.05, 1)
    lost = bursts(0.001, 8)
    lost[rng.choice(frames, max(1, frames // 600), replace=False)] = True
    pixels[lost] = score[lost] = 0
    # Rounded, since the last bits of sines differ between machines.
    return pixels.round(2).astype(np.float32), score.round(3).astype(np.float32)
