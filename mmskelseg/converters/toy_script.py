"""The script of the toy person: the order of actions, and the key poses of each.

Lengths are in body heights and angles in radians. The position of a hand is (forward,
outward, up), relative to the point on the floor below the pelvis.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CLASSES = [
    'stand', 'walk', 'reach_high', 'bend_down', 'lift', 'hold_red', 'hold_blue',
    'carry_red', 'carry_blue', 'place_high', 'place_mid', 'place_low',
]  # fmt: skip
COLOURS = ('red', 'blue')
# Actions whose class includes the colour of the box, which does not affect any joint.
HOLDING = ('hold', 'carry')
# The actions that may follow an action, with their probabilities.
GRAMMAR: dict[str, dict[str, float]] = {
    'stand': {'walk': 0.6, 'bend_down': 0.2, 'reach_high': 0.2},
    'walk': {'stand': 0.3, 'bend_down': 0.35, 'reach_high': 0.35},
    'reach_high': {'hold': 0.5, 'carry': 0.5},
    'bend_down': {'lift': 1},
    'lift': {'hold': 0.45, 'carry': 0.55},
    'hold': {'carry': 0.4, 'place_high': 0.2, 'place_mid': 0.2, 'place_low': 0.2},
    'carry': {'hold': 0.25, 'place_high': 0.25, 'place_mid': 0.25, 'place_low': 0.25},
    'place_high': {'walk': 0.6, 'stand': 0.4},
    'place_mid': {'walk': 0.6, 'stand': 0.4},
    'place_low': {'walk': 0.6, 'stand': 0.4},
}
# Shortest and longest duration in seconds; that of walking depends on the distance.
SECONDS = {
    'stand': (0.7, 2.5),
    'reach_high': (1.2, 2.2),
    'bend_down': (0.7, 1.4),
    'lift': (0.8, 1.5),
    'hold': (0.6, 2.0),
    'place_high': (1.2, 2.2),
    'place_mid': (1.1, 2.0),
    'place_low': (1.3, 2.4),
}
WALKING = ('walk', 'carry')
Place = tuple[float, float, float]


def key_pose(
    crouch: float, pitch: float, hand: Place, other_hand: Place | None = None
) -> np.ndarray:
    """Return a pose, shape (8,): bend of knees and trunk, positions of both hands."""
    return np.array([crouch, pitch, *hand, *(other_hand or hand)])


REST = key_pose(0.02, 0.03, (0.03, 0.14, 0.50))
HOLD = key_pose(0.03, 0.02, (0.21, 0.08, 0.68))
LOW = key_pose(0.30, 1.20, (0.27, 0.09, 0.19))
TABLE = key_pose(0.05, 0.45, (0.36, 0.09, 0.56))
HIGH = key_pose(0.00, -0.03, (0.19, 0.09, 1.08))
REACH = key_pose(0.00, -0.03, (0.17, 0.10, 1.12), (0.04, 0.14, 0.53))
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


@dataclass
class Box:
    """A box, and the frames in which it is grasped and released."""

    colour: str
    grasped: int
    released: int


@dataclass
class Motion:
    """One performance, frame by frame.

    Shapes: label (T,); pose (T, 8), see :func:`key_pose`; place (T, 2) on the floor in
    metres; heading (T,), 0 to the right of the camera, -pi/2 towards it.
    """

    label: np.ndarray
    pose: np.ndarray
    place: np.ndarray
    heading: np.ndarray
    boxes: list[Box]


def perform(rng: np.random.Generator, frames: int, fps: float) -> Motion:
    """Return the motion of one video: a random order of actions from the grammar."""
    tempo = rng.uniform(0.8, 1.25)
    action, now = 'walk', 0.0
    here, facing = random_place(rng), 0.0
    starts: list[float] = []
    actions: list[str] = []
    poses, places, headings = [(0.0, REST)], [(0.0, here)], [(0.0, facing)]
    while now * fps < frames:
        if action in WALKING:
            there = random_place(rng)
            while np.linalg.norm(there - here) < 0.7:
                there = random_place(rng)
            way = there - here
            seconds = float(np.linalg.norm(way)) / (rng.uniform(0.6, 1.0) * tempo)
            places += [(now, here), (now + seconds, there)]
            facing = float(np.arctan2(way[1], way[0]))
            here = there
        else:
            seconds = rng.uniform(*SECONDS[action]) / tempo
            if actions and actions[-1] in WALKING:
                # To the left or right, more often towards the camera.
                towards = np.deg2rad(rng.uniform(-15, 40))
                facing = -towards if rng.random() < 0.5 else np.pi + towards
        turned = headings[-1][1]
        headings += [(now, turned), (now + min(0.4, seconds / 2), facing)]
        for share, pose in KEY_POSES[action]:
            poses.append((now + share * seconds, rng.normal(pose, SPREAD)))
        starts.append(now)
        actions.append(action)
        now += seconds
        following = GRAMMAR[action]
        action = str(rng.choice(list(following), p=list(following.values())))
    time = np.arange(frames) / fps
    angles = np.unwrap([angle for _, angle in headings])
    headings = [(key, angle) for (key, _), angle in zip(headings, angles, strict=True)]
    borders = np.array([*starts, now]) * fps
    boxes, names = handle(rng, actions, borders)
    return Motion(
        label=annotate(rng, borders[:-1], names, frames),
        pose=smooth(blend(poses, time), 2),
        place=smooth(walk_through(places, time), 3),
        heading=smooth(blend(headings, time), 3)[:, 0],
        boxes=boxes,
    )


def handle(
    rng: np.random.Generator, actions: list[str], borders: np.ndarray
) -> tuple[list[Box], list[str]]:
    """Return the boxes that are moved, and the class of each action.

    ``borders`` are the frames at which the actions begin, and the end of the last one.
    """
    boxes, names = [], []
    for action, start, end in zip(actions, borders[:-1], borders[1:], strict=True):
        if action in GRASP:
            grasped = round(start + GRASP[action] * (end - start))
            boxes.append(Box(rng.choice(COLOURS), grasped, round(borders[-1])))
        if action in RELEASE:
            boxes[-1].released = round(start + RELEASE[action] * (end - start))
        names.append(f'{action}_{boxes[-1].colour}' if action in HOLDING else action)
    return boxes, names


def random_place(rng: np.random.Generator) -> np.ndarray:
    """Return a place on the floor, shape (2,)."""
    return rng.uniform((-0.8, -0.25), (0.8, 0.25))


def annotate(
    rng: np.random.Generator, starts: np.ndarray, names: list[str], frames: int
) -> np.ndarray:
    """Return the label of each frame, with errors of a few frames at boundaries."""
    starts = np.round(starts + rng.uniform(-3, 3, len(starts)))
    index = np.searchsorted(starts, np.arange(frames), side='right') - 1
    ids = np.array([CLASSES.index(name) for name in names])
    return ids[np.maximum(index, 0)].astype(np.int64)


def blend(
    keys: Sequence[tuple[float, np.ndarray | float]], time: np.ndarray
) -> np.ndarray:
    """Return the values (T, D) at given times, easing from each key to the next."""
    key_time = np.array([key for key, _ in keys])
    value = np.array([np.atleast_1d(value) for _, value in keys])
    right = np.clip(np.searchsorted(key_time, time, side='right'), 1, len(keys) - 1)
    span = np.maximum(key_time[right] - key_time[right - 1], 1e-9)
    share = np.clip((time - key_time[right - 1]) / span, 0, 1)[:, None]
    ease = share**2 * (3 - 2 * share)
    return value[right - 1] * (1 - ease) + value[right] * ease


def walk_through(keys: list[tuple[float, np.ndarray]], time: np.ndarray) -> np.ndarray:
    """Return positions (T, 2) at given times, at a constant speed between keys."""
    key_time = [key for key, _ in keys]
    columns = np.array([place for _, place in keys]).T
    return np.stack([np.interp(time, key_time, column) for column in columns], axis=1)


def smooth(track: np.ndarray, sigma: float) -> np.ndarray:
    """Return tracks (T, D) filtered by a Gaussian of ``sigma`` frames."""
    reach = int(4 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(track, ((reach, reach), (0, 0)), mode='edge')
    columns = [np.convolve(column, kernel, 'valid') for column in padded.T]
    return np.stack(columns, axis=1) / kernel.sum()
