"""Make the toy data set: a stick figure that walks, reaches, bends, lifts and places.

One person in COCO-17, seen by a camera and followed by a tracker that jitters, loses
joints and is unsure. It serves to try the tools without any download, and to nothing
else: scores on it say nothing about real people. Equal arguments give equal files.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from toy_person import IMG_SHAPE, Take, body, film, track
from toy_script import CLASSES, perform

from mmskelseg.datasets.annotations import save_annotations

EXAMPLE = """example:
  python tools/dataset_converters/toy.py data/toy
"""
FPS = 30.0
FOLDS = 3


def make_video(number: int, seconds: float, seed: int) -> dict:
    """Return one annotated video; the first has spans without labels."""
    rng = np.random.default_rng((seed, number))
    frames = round(rng.uniform(0.9, 1.1) * seconds * FPS)
    take = Take.random(rng)
    motion = perform(rng, frames, FPS)
    pixels, depth = film(body(motion, take, rng, FPS), take)
    keypoint, score = track(pixels, depth, rng)
    if number == 1:
        for start in rng.integers(0, frames, 3):
            motion.label[start : start + round(frames * rng.uniform(0.01, 0.02))] = -1
    return {
        'frame_dir': f'toy_{number:02d}',
        'total_frames': frames,
        'img_shape': IMG_SHAPE,
        'fps': FPS,
        'keypoint': keypoint[None],
        'keypoint_score': score[None],
        'label': motion.label,
    }


def make_splits(names: list[str]) -> dict[str, list[str]]:
    """Return the last quarter as the test split, and folds that take turns."""
    held = max(1, len(names) // 4)
    split = {'train': names[:-held], 'test': names[-held:]}
    for fold in range(FOLDS):
        test = names[fold::FOLDS]
        split[f'fold{fold + 1}/train'] = [name for name in names if name not in test]
        split[f'fold{fold + 1}/test'] = test
    return split


def make_toy(videos: int, seconds: float, seed: int) -> dict:
    annotations = [make_video(i + 1, seconds, seed) for i in range(videos)]
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
        'out', metavar='OUT', type=Path, help='folder for annotations.pkl'
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
    data = make_toy(args.videos, args.seconds, args.seed)
    path = args.out / 'annotations.pkl'
    try:
        save_annotations(data, path)
    except OSError as error:
        sys.exit(f'toy.py: {error}')
    print(f'{summary(data)}\nwritten to {path}')


if __name__ == '__main__':
    main()
