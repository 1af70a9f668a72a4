"""Make the toy data set: a figure that walks, reaches, lifts and places boxes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmskelseg.converters import toy_person as person
from mmskelseg.converters.data_sets import DataSet
from mmskelseg_io.converters import building
from mmskelseg_io.files.video import written_video
from mmskelseg_io.jobs.command_line import number_from, whole_from
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation

FOLDS = 3
DATA = DataSet('toy', 'coco17', remedy='{out}')
# The keypoints' image is larger than the clip by this factor.
SHRINK = 4
HEIGHT, WIDTH = (side // SHRINK for side in person.IMG_SHAPE)
# Joints of each part of the body, its thickness in metres, and its material.
BODY = [
    ([5, 6, 12, 11], 0.10, 'shirt'),
    ([3, 4], 0.21, 'skin'),
    *(([5 + side, 7 + side], 0.10, 'shirt') for side in (0, 1)),
    *(([7 + side, 9 + side], 0.08, 'skin') for side in (0, 1)),
    *(([11 + side, 13 + side], 0.14, 'trousers') for side in (0, 1)),
    *(([13 + side, 15 + side], 0.10, 'trousers') for side in (0, 1)),
]
BOX = 0.45
SQUARE = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
BOARD = np.array([(-0.7, 0.6), (0.7, 0.6)])


def make_video(
    number: int, seconds: float, seed: int, folder: Path | None
) -> VideoAnnotation:
    """Return an annotated video, and write its clip to ``videos`` in the folder.

    The first video has frames without labels.
    """
    rng = np.random.default_rng((seed, number))
    frames = round(rng.uniform(0.9, 1.1) * seconds * person.FPS)
    take = person.Take.random(rng)
    motion = person.perform(rng, frames)
    joints = person.body(motion, take, rng)
    keypoint, score = person.track(*person.film(joints, take), rng)
    if number == 1:
        for start in rng.integers(0, frames, 3):
            motion.label[start : start + round(frames * rng.uniform(0.01, 0.02))] = -1
    name = f'toy_{number:02d}'
    shared: VideoAnnotation = {'img_shape': person.IMG_SHAPE, 'fps': person.FPS}
    arrays = (keypoint[None], score[None], motion.label)
    video = building.annotation(shared, name, *arrays)
    if folder is not None:
        video['filename'] = f'videos/{name}.mp4'
        clip = folder / video['filename']
        # A separate generator, so that the annotation does not depend on the clip.
        rng = np.random.default_rng((seed, number, 1))
        with written_video(clip, person.FPS, (HEIGHT, WIDTH)) as put:
            for picture in pictures(joints, motion, take, rng):
                put(picture)
    return video


def pictures(
    joints: np.ndarray,
    motion: person.Motion,
    take: person.Take,
    rng: np.random.Generator,
) -> Iterator[np.ndarray]:
    """Yield a BGR picture (H, W, 3) of each frame of a person's joints (T, 17, 3)."""
    room = scenery(rng)
    skin = rng.uniform(0.5, 1.1) * np.array((150, 160, 180))
    colours: dict[str, Iterable[float]] = {
        'skin': skin, 'shirt': grey(rng, 20, 80), 'trousers': grey(rng, 20, 60),
        'red': (30, 30, 235), 'blue': (235, 30, 30), 'board': (45, 50, 60),
    }  # fmt: skip
    # A box moves with the dominant hand.
    lead, other = (5, 6) if take.hand < 0.5 else (6, 5)
    held = joints[:, lead + 4] + 0.4 * (joints[:, other] - joints[:, lead])
    pixels, depth = person.film(np.append(joints, held[:, None], 1), take)
    pixels, scale = pixels / SHRINK, person.FOCAL_LENGTH / SHRINK / depth
    for i, light in enumerate(lights(rng, len(joints))):
        picture = room.copy()
        parts = [
            (scale[i, part].mean(), pixels[i, part], width, cover)
            for part, width, cover in BODY
        ]
        for colour, appears, grasped, released, gone in motion.boxes:
            if appears <= i < gone:
                # Before and afterwards, it is where it is grasped and released.
                t = min(max(i, grasped), released, len(joints) - 1)
                size, middle = scale[t, 17], pixels[t, 17]
                if not grasped <= i < released:
                    board = middle + size * BOX * BOARD
                    draw(picture, board, 0.06 * size, colours['board'])
                parts.append((size, middle + size * BOX * SQUARE, 0, colour))
        # Near parts cover far ones.
        for size, outline, width, cover in sorted(parts, key=lambda part: part[0]):
            draw(picture, outline, width * size, colours[cover])
        yield np.minimum(picture * light, 255).astype(np.uint8)


def draw(
    picture: np.ndarray, outline: np.ndarray, width: float, colour: Iterable[float]
) -> None:
    """Draw a line, or a filled convex polygon, through points (n, 2) in pixels."""
    bits = 4  # for fractions of a pixel
    points = np.round(outline * 2**bits).astype(np.int32)
    paint, closed = [int(value) for value in colour], len(points) > 2
    if closed:
        cv2.fillConvexPoly(picture, points, paint, cv2.LINE_AA, bits)
    thickness = max(1, round(width))
    cv2.polylines(picture, [points], closed, paint, thickness, cv2.LINE_AA, bits)


def grey(rng: np.random.Generator, low: int, high: int) -> np.ndarray:
    """Return a nearly grey colour, unlike that of a box."""
    return (rng.uniform(low, high) + rng.uniform(-10, 10, 3))[::-1]


def scenery(rng: np.random.Generator) -> np.ndarray:
    """Return the background: a wall with objects on it, and the floor."""
    picture = np.full((HEIGHT, WIDTH, 3), grey(rng, 95, 135), np.uint8)
    for _ in range(rng.integers(4, 8)):
        middle = rng.uniform((0, 0), (WIDTH, 0.7 * HEIGHT))
        outline = middle + rng.uniform(6, 36, 2) * SQUARE
        draw(picture, outline, 1, grey(rng, 75, 155))
    picture[round(0.8 * HEIGHT) :] = grey(rng, 75, 115)
    return picture


def lights(rng: np.random.Generator, frames: int) -> Iterator[np.ndarray]:
    """Yield the brightness of each pixel (H, W, 1) in each frame.

    Daylight and two lamps drift; the lamps also flicker and are switched on and off
    every few seconds.
    """
    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    places = rng.uniform(((0, 0), (0.6, 0)), ((0.4, 0.4), (1, 0.4)))
    lamps = [np.exp(-4 * ((x - left) ** 2 + (y - top) ** 2)) for left, top in places]
    maps = np.array([np.ones_like(x), *lamps], np.float32)
    drift = person.smooth(rng.normal(0, 1, (frames, 3)), person.FPS)
    power = np.exp(0.15 * drift / drift.std(axis=0)) * (0.65, 0.45, 0.45)
    switched = np.cumsum(rng.random((frames, 2)) < 1 / (3 * person.FPS), axis=0)
    on = (switched + rng.integers(0, 2, 2)) % 2
    power[:, 1:] *= (0.1 + 0.9 * on) * rng.normal(1, 0.08, (frames, 2))
    for row in power.astype(np.float32):
        yield np.tensordot(row, maps, 1)[..., None]


@dataclass(frozen=True, kw_only=True)
class MakeToy(Job[Path]):
    """Make the toy data set: a figure that walks, reaches, lifts and places boxes.

    It has one person with COCO-17 joints, filmed by a camera and followed by a
    simulated tracker that jitters, loses joints and gives uncertain scores, and a clip
    of each video. The skeleton does not show the colour of a box, and the clip hardly
    shows motion. The data set is for trying the tools without any download: scores on
    it say nothing about real people. The same arguments give the same annotations.
    """

    examples = 'example:\n  %(prog)s data/toy\n'
    out: Path = argument('folder for annotations.pkl and videos', metavar='OUT')
    videos: int = option(
        f'number of videos, from {FOLDS} to 10000 (default: %(default)s)',
        12,
        type=whole_from(FOLDS, 10_000),
    )
    seconds: float = option(
        'mean length of a video, from 2 to 3600 (default: %(default)s)',
        60,
        type=number_from(2, 3600),
    )
    seed: int = option('random seed (default: %(default)s)', 0)
    no_videos: bool = option('make only skeletons and labels, which is faster', False)

    def run(self, events: Events) -> Path:
        """Write annotations and clips, and return the annotation file."""
        annotations, folder = [], None if self.no_videos else self.out
        for i in range(self.videos):
            events.progress('Making videos', i, self.videos)
            annotations.append(make_video(i + 1, self.seconds, self.seed, folder))
        names = [video['frame_dir'] for video in annotations]
        data: AnnotationFile = {
            'annotations': annotations,
            'split': building.split_by_test(names, names[-max(1, len(names) // 4) :]),
            'metainfo': DATA.metainfo({'classes': person.CLASSES}),
        }
        path = building.write(self.out, data, events, folds=FOLDS)
        if folder is not None:
            events.note(f'clips in {folder / "videos"}')
        return path


main = MakeToy.main
