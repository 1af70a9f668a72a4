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

import numpy as np
from mmengine.utils import track_iter_progress
from toy_person import IMG_SHAPE, Take, body, film, track
from toy_script import CLASSES, perform
from toy_video import pictures, write_clip

from mmskelseg.datasets.annotations import save_annotations

EXAMPLE = """example:
  python tools/dataset_converters/toy.py data/toy
"""
FPS = 30.0
FOLDS = 3


def make_video(number: int, seconds: float, seed: int, folder: Path | None) -> dict:
    """Return one annotated video; the first has spans without labels.

    Args:
        number: Of the video, from 1.
        seconds: Mean length of videos.
        seed: What makes videos of the same number different.
        folder: Where the annotation file will be. The clip is written there, into
            ``videos``; None: there is none.
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
    video = {
        'frame_dir': f'toy_{number:02d}',
        'total_frames': frames,
        'img_shape': IMG_SHAPE,
        'fps': FPS,
        'keypoint': keypoint[None],
        'keypoint_score': score[None],
        'label': motion.label,
    }
    if folder is not None:
        video['filename'] = f'videos/{video["frame_dir"]}.mp4'
        # Random numbers of its own, so that a clip changes nothing in the annotation.
        rng = np.random.default_rng((seed, number, 1))
        clip = pictures(joints, motion, take, rng, FPS)
        write_clip(folder / video['filename'], clip, FPS)
    return video


def make_splits(names: list[str]) -> dict[str, list[str]]:
    """Return the last quarter as the test split, and folds that take turns."""
    held = max(1, len(names) // 4)
    split = {'train': names[:-held], 'test': names[-held:]}
    for fold in range(FOLDS):
        test = names[fold::FOLDS]
        split[f'fold{fold + 1}/train'] = [name for name in names if name not in test]
        split[f'fold{fold + 1}/test'] = test
    return split


def make_toy(videos: int, seconds: float, seed: int, folder: Path | None) -> dict:
    numbers = track_iter_progress(range(1, videos + 1), file=sys.stderr)
    annotations = [make_video(number, seconds, seed, folder) for number in numbers]
    return {
        'split': make_splits([video['frame_dir'] for video in annotations]),
        'annotations': annotations,
        'metainfo': {
            'classes': CLASSES,
            'skeleton': 'coco17',
            'dataset': 'toy',
            'background': None,
        },
    }


def summary(data: dict) -> str:
    labels = [video['label'] for video in data['annotations']]
    segments = sum(1 + np.count_nonzero(np.diff(label)) for label in labels)
    split = data['split']
    return (
        f'{len(labels)} toy videos, {sum(map(len, labels)):,} frames at {FPS:g} fps, '
        f'{len(CLASSES)} classes, {segments:,} segments\n'
        f'train: {len(split["train"])} videos, test: {len(split["test"])}, '
        f'and {FOLDS} folds'
    )


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'out', metavar='OUT', type=Path, help='folder for annotations.pkl and videos'
    )
    parser.add_argument(
        '--videos',
        type=int,
        default=12,
        help='number of videos, at least 3 (default: %(default)s)',
    )
    parser.add_argument(
        '--seconds',
        type=float,
        default=60,
        help='mean length of a video, at least 2 (default: %(default)s)',
    )
    parser.add_argument('--seed', type=int, default=0, help='default: %(default)s')
    parser.add_argument(
        '--no-videos',
        action='store_true',
        help='make skeletons and labels alone, which is quicker',
    )
    args = parser.parse_args()
    if args.videos < FOLDS:
        parser.error(
            f'--videos is {args.videos}, but {FOLDS} folds need {FOLDS} videos'
        )
    if args.seconds < 2:
        parser.error(f'--seconds is {args.seconds:g}, expected at least 2')
    if args.seed < 0:
        parser.error(f'--seed is {args.seed}, expected 0 or more')
    return args


def main() -> None:
    args = parse_args()
    path = args.out / 'annotations.pkl'
    folder = None if args.no_videos else args.out
    try:
        data = make_toy(args.videos, args.seconds, args.seed, folder)
        save_annotations(data, path)
    except (OSError, RuntimeError) as error:
        sys.exit(f'toy.py: {error}')
    clips = '' if args.no_videos else f', clips to {args.out / "videos"}'
    print(f'{summary(data)}\nwritten to {path}{clips}')


if __name__ == '__main__':
    main()
