"""Make the toy data set: a figure that walks, reaches, bends, lifts and places boxes.

It has one person with COCO-17 joints, filmed by a camera and followed by a simulated
tracker that jitters, loses joints and gives uncertain scores, and a clip of each video.
The skeleton does not show the colour of a box, and the clip hardly shows motion. The
data set is for trying the tools without any download: scores on it say nothing about
real people. The same arguments give the same annotations.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmskelseg.converters import building, options
from mmskelseg.converters.toy_person import (
    FOCAL_LENGTH,
    IMG_SHAPE,
    Take,
    body,
    film,
    track,
)
from mmskelseg.converters.toy_script import CLASSES, Motion, perform, smooth
from mmskelseg.runtime.cli.command_line import number_from, whole_from
from mmskelseg.runtime.files.video import written_video
from mmskelseg.runtime.messages.progress import progress_bar
from mmskelseg.runtime.structures.annotations import Metainfo, VideoAnnotation

EXAMPLES = """example:
  %(prog)s data/toy
"""
FPS = 30.0
FOLDS = 3
# The keypoints' image is larger than the clip by this factor.
SHRINK = 4
HEIGHT, WIDTH = (side // SHRINK for side in IMG_SHAPE)
# Joints of each part of the body, its thickness in metres, and its material.
BODY = [
    ([5, 6, 12, 11], 0.10, 'shirt'),
    ([3, 4], 0.21, 'skin'),
    ([5, 7], 0.10, 'shirt'),
    ([6, 8], 0.10, 'shirt'),
    ([7, 9], 0.08, 'skin'),
    ([8, 10], 0.08, 'skin'),
    ([11, 13], 0.14, 'trousers'),
    ([12, 14], 0.14, 'trousers'),
    ([13, 15], 0.10, 'trousers'),
    ([14, 16], 0.10, 'trousers'),
]
BOX = 0.45
SQUARE = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
BOARD = np.array([(-0.7, 0.6), (0.7, 0.6)])
Colour = tuple[int, ...]


def make_video(
    number: int, seconds: float, seed: int, folder: Path | None
) -> VideoAnnotation:
    """Return an annotated video, and write its clip to ``videos`` in the folder.

    The first video has frames without labels.
    """
    rng = np.random.default_rng((seed, number))
    frames = round(rng.uniform(0.9, 1.1) * seconds * FPS)
    take = Take.random(rng)
    motion = perform(rng, frames, FPS)
    joints = body(motion, take, rng, FPS)
    keypoint, score = track(*film(joints, take), rng)
    if number == 1:
        for start in rng.integers(0, frames, 3):
            motion.label[start : start + round(frames * rng.uniform(0.01, 0.02))] = -1
    name = f'toy_{number:02d}'
    shared: VideoAnnotation = {'img_shape': IMG_SHAPE, 'fps': FPS}
    arrays = (keypoint[None], score[None], motion.label)
    video = building.annotation(shared, name, *arrays)
    if folder is not None:
        video['filename'] = f'videos/{name}.mp4'
        # A separate generator, so that the annotation does not depend on the clip.
        rng = np.random.default_rng((seed, number, 1))
        with written_video(folder / video['filename'], FPS, (HEIGHT, WIDTH)) as put:
            for picture in pictures(joints, motion, take, rng, FPS):
                put(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return video


def pictures(
    joints: np.ndarray, motion: Motion, take: Take, rng: np.random.Generator, fps: float
) -> Iterator[np.ndarray]:
    """Yield an RGB picture (H, W, 3) of each frame of a person's joints (T, 17, 3)."""
    frames = len(joints)
    room, colours = scenery(rng), paints(rng)
    lamps, power = lamp_maps(rng), lamp_power(rng, frames, fps)
    there = box_spells(motion, frames)
    pixels, depth = film(np.append(joints, box_paths(joints, motion, take), 1), take)
    pixels, scale = pixels / SHRINK, FOCAL_LENGTH / SHRINK / depth
    for i in range(frames):
        picture = room.copy()
        parts = [
            (scale[i, part].mean(), pixels[i, part], width, colours[cover])
            for part, width, cover in BODY
        ]
        for k in np.flatnonzero(there[i]):
            middle, size, box = pixels[i, 17 + k], scale[i, 17 + k], motion.boxes[k]
            if not box.grasped <= i < box.released:
                board = middle + size * BOX * BOARD
                draw(picture, board, 0.06 * size, colours['board'])
            parts.append((size, middle + size * BOX * SQUARE, 0, colours[box.colour]))
        # Near parts cover far ones.
        for size, outline, width, colour in sorted(parts, key=lambda part: part[0]):
            draw(picture, outline, width * size, colour)
        light = np.tensordot(power[i], lamps, 1)[..., None]
        yield np.minimum(picture * light, 255).astype(np.uint8)


def draw(
    picture: np.ndarray, outline: np.ndarray, width: float, colour: Colour
) -> None:
    """Draw a line, or a filled convex polygon, through points (n, 2) in pixels."""
    bits = 4  # for fractions of a pixel
    points = np.round(outline * 2**bits).astype(np.int32)
    closed = len(points) > 2
    if closed:
        cv2.fillConvexPoly(picture, points, colour, cv2.LINE_AA, bits)
    thickness = max(1, round(width))
    cv2.polylines(picture, [points], closed, colour, thickness, cv2.LINE_AA, bits)


def box_paths(joints: np.ndarray, motion: Motion, take: Take) -> np.ndarray:
    """Return the centre of each box in the room, shape (T, boxes, 3).

    It moves with the dominant hand, and otherwise stays where it is grasped or
    released.
    """
    lead, other = (0, 1) if take.left_handed else (1, 0)
    across = joints[:, 5 + other] - joints[:, 5 + lead]
    held = joints[:, 9 + lead] + 0.4 * across
    now, last = np.arange(len(joints)), len(joints) - 1
    times = [
        np.clip(now, min(box.grasped, last), min(box.released, last))
        for box in motion.boxes
    ]
    return held[np.array(times, int).reshape(-1, len(now)).T]


def box_spells(motion: Motion, frames: int) -> np.ndarray:
    """Return whether each box is visible, shape (T, boxes).

    A box appears when the previous one is released, and disappears when the next one is
    grasped.
    """
    comes = [0, *(box.released for box in motion.boxes)][:-1]
    goes = [*(box.grasped for box in motion.boxes), frames][1:]
    now = np.arange(frames)[:, None]
    return (now >= np.array(comes, int)) & (now < np.array(goes, int))


def random_colour(rng: np.random.Generator, low: int, high: int) -> Colour:
    """Return a nearly grey colour, unlike that of a box."""
    values = rng.uniform(low, high) + rng.uniform(-10, 10, 3)
    return tuple(int(value) for value in values)


def paints(rng: np.random.Generator) -> dict[str, Colour]:
    """Return the colours of the boxes, their board and the person's parts."""
    skin = rng.uniform(0.5, 1.1) * np.array((180, 160, 150))
    return {
        'red': (235, 30, 30),
        'blue': (30, 30, 235),
        'board': (60, 50, 45),
        'shirt': random_colour(rng, 20, 80),
        'trousers': random_colour(rng, 20, 60),
        'skin': tuple(int(value) for value in skin),
    }


def scenery(rng: np.random.Generator) -> np.ndarray:
    """Return the background: a wall with objects on it, and the floor."""
    picture = np.full((HEIGHT, WIDTH, 3), random_colour(rng, 95, 135), np.uint8)
    for _ in range(rng.integers(4, 8)):
        middle = rng.uniform((0, 0), (WIDTH, 0.7 * HEIGHT))
        outline = middle + rng.uniform(6, 36, 2) * SQUARE
        draw(picture, outline, 1, random_colour(rng, 75, 155))
    picture[round(0.8 * HEIGHT) :] = random_colour(rng, 75, 115)
    return picture


def lamp_maps(rng: np.random.Generator) -> np.ndarray:
    """Return how much daylight and two lamps illuminate each pixel, shape (3, H, W)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    places = rng.uniform(((0, 0), (0.6, 0)), ((0.4, 0.4), (1, 0.4)))
    lamps = [np.exp(-4 * ((x - left) ** 2 + (y - top) ** 2)) for left, top in places]
    return np.array([np.ones_like(x), *lamps], np.float32)


def lamp_power(rng: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """Return the brightness of daylight and the lamps in each frame, shape (T, 3).

    All of them drift; the lamps also flicker and are switched on and off every few
    seconds.
    """
    drift = smooth(rng.normal(0, 1, (frames, 3)), fps)
    power = np.exp(0.15 * drift / drift.std(axis=0)) * (0.65, 0.45, 0.45)
    switched = np.cumsum(rng.random((frames, 2)) < 1 / (3 * fps), axis=0)
    on = (switched + rng.integers(0, 2, 2)) % 2
    power[:, 1:] *= (0.1 + 0.9 * on) * rng.normal(1, 0.08, (frames, 2))
    return power.astype(np.float32)


def convert(
    out: Path,
    *,
    videos: int = 12,
    seconds: float = 60,
    seed: int = 0,
    no_videos: bool = False,
) -> None:
    """Write annotations and clips; see the options below."""
    folder = None if no_videos else out
    annotations = []
    with progress_bar('Making videos', videos) as count:
        for n in range(1, videos + 1):
            annotations.append(make_video(n, seconds, seed, folder))
            count(1)
    names = [video['frame_dir'] for video in annotations]
    split = building.split_by_test(names, names[-max(1, len(names) // 4) :])
    meta: Metainfo = {
        'classes': CLASSES,
        'skeleton': 'coco17',
        'dataset': 'toy',
        'background': None,
    }
    building.write(out, annotations, split, meta, folds=FOLDS)
    if not no_videos:
        print(f'clips in {out / "videos"}')


CONVERTER = options.Converter(
    convert,
    {
        'out': options.Option('folder for annotations.pkl and videos', metavar='OUT'),
        '--videos': options.Option(
            'number of videos, at least 3 (default: %(default)s)',
            type=whole_from(FOLDS),
        ),
        '--seconds': options.Option(
            'mean length of a video, at least 2 (default: %(default)s)',
            type=number_from(2.0),
        ),
        '--seed': 'random seed (default: %(default)s)',
        '--no-videos': 'make only skeletons and labels, which is faster',
    },
    examples=EXAMPLES,
)
