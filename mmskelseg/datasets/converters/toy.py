"""Make the toy data set: a figure that walks, reaches, bends, lifts and places boxes.

One person in COCO-17, seen by a camera and followed by a tracker that jitters, loses
joints and is unsure, and a clip of each video. The skeleton does not tell the colour of
a box; the clip hardly tells motion. It serves to try the tools without any download,
and to nothing else: scores on it say nothing about real people. Equal arguments give
equal annotations.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.datasets.converters import building
from mmskelseg.datasets.converters.toy_person import IMG_SHAPE, Take, body, film, track
from mmskelseg.datasets.converters.toy_script import CLASSES, perform
from mmskelseg.datasets.converters.toy_video import pictures, write_clip

EXAMPLES = """example:
  %(prog)s data/toy
"""
FPS = 30.0
FOLDS = 3


def make_video(
    number: int, seconds: float, seed: int, folder: Path | None
) -> dict[str, Any]:
    """Return one annotated video; number 1, the first, has spans without labels.

    Videos have a mean length of so many seconds. The clip is written into ``videos``
    in ``folder``, if there is one, where the annotation file will be.
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
    video: dict[str, Any] = {
        'frame_dir': name,
        'total_frames': frames,
        'img_shape': IMG_SHAPE,
        'fps': FPS,
        'keypoint': keypoint[None],
        'keypoint_score': score[None],
        'label': motion.label,
    }
    if folder is not None:
        video['filename'] = f'videos/{name}.mp4'
        # Random numbers of its own, so that a clip changes nothing in the annotation.
        rng = np.random.default_rng((seed, number, 1))
        clip = pictures(joints, motion, take, rng, FPS)
        write_clip(folder / video['filename'], clip, FPS)
    return video


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the converter."""
    parser.add_argument(
        'out', metavar='OUT', type=Path, help='folder for annotations.pkl and videos'
    )
    parser.add_argument(
        '--videos',
        type=building.at_least(FOLDS),
        default=12,
        help='number of videos, at least 3 (default: %(default)s)',
    )
    parser.add_argument(
        '--seconds',
        type=building.at_least(2.0),
        default=60,
        help='mean length of a video, at least 2 (default: %(default)s)',
    )
    parser.add_argument(
        '--seed', type=building.at_least(0), default=0, help='default: %(default)s'
    )
    parser.add_argument(
        '--no-videos',
        action='store_true',
        help='make skeletons and labels alone, which is quicker',
    )


def run(args: argparse.Namespace) -> None:
    """Make the data set that the arguments ask for."""
    from mmengine.utils import track_iter_progress

    folder = None if args.no_videos else args.out
    numbers = track_iter_progress(range(1, args.videos + 1), file=sys.stderr)
    annotations = [make_video(n, args.seconds, args.seed, folder) for n in numbers]
    names = [video['frame_dir'] for video in annotations]
    building.write(
        args.out,
        annotations,
        building.split_by_test(names, names[-max(1, len(names) // 4) :]),
        classes=CLASSES,
        skeleton='coco17',
        dataset='toy',
        folds=FOLDS,
    )
    if not args.no_videos:
        print(f'clips in {args.out / "videos"}')


main = building.converter(__doc__, EXAMPLES, add_arguments, run)
