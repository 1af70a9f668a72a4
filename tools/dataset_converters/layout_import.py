"""Make a data set of features and labels in action segmentation's common layout.

SRC holds features/, groundTruth/, mapping.txt (or mapping/mapping.txt) and splits/. OUT
gets annotations.pkl, whose skeleton is a single joint that is never seen, and the
features as features/MODALITY/VIDEO.npy, which a config's LoadFrameFeatures is told of:

    pipeline = [dict(type='LoadFrameFeatures', folders=dict(rgb='OUT/features/rgb')),
                dict(type='PackSegInputs')]
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from converting import (
    ReleaseError,
    add_paths,
    folder_whole,
    positive,
    read_array,
    write,
)
from text_layout import (
    MAPPINGS,
    check_background,
    find_labels,
    find_mapping,
    read_classes,
    read_label,
    read_splits,
)

from mmskelseg.fileio.names import file_name

EXAMPLES = """examples:
  # GTEA: 15 frames a second, the background left out of Edit and F1
  python tools/dataset_converters/common_layout.py import RAW/gtea data/gtea \\
      --fps 15 --background background
  # 50Salads: features of 30 frames a second, of which every second is kept, as is usual
  python tools/dataset_converters/common_layout.py import RAW/50salads data/50salads \\
      --fps 30 --sample 2
"""
SKELETON = {'joints': ['none'], 'limbs': []}


def read_videos(args: argparse.Namespace, classes: dict[int, str]) -> Iterator[dict]:
    """Yield each video's annotation, and the features (T, D) with it."""
    for video, path in find_labels(args.source / 'groundTruth').items():
        label = read_label(path, classes)
        source = args.source / 'features' / f'{video}.npy'
        features = read_features(source, args.frames_first)
        frames = min(len(label), len(features))
        if max(len(label), len(features)) - frames > args.cut:
            raise ReleaseError(
                f'{source}: features (D, T) of {len(features)} frames, but {path.name} '
                f'has {len(label)} lines; both must come from the same frames. Where '
                'they differ by a few at the end, --cut N cuts the longer; if the '
                'array is (T, D), give --frames-first.'
            )
        label = label[:frames][:: args.sample]
        yield {
            'frame_dir': video,
            'total_frames': len(label),
            'img_shape': (1, 1),
            'fps': args.fps / args.sample,
            'keypoint': np.zeros((1, len(label), 1, 2), np.float32),
            'keypoint_score': np.zeros((1, len(label), 1), np.float32),
            'label': label,
            'features': features[:frames][:: args.sample],
        }


def read_features(path: Path, frames_first: bool) -> np.ndarray:
    """Return the features of each frame, shape (T, D)."""
    features = read_array(path)
    if features.dtype.kind != 'f' or features.ndim != 2 or 0 in features.shape:
        raise ReleaseError(
            f'{path}: an array of {features.dtype} with shape {features.shape}, '
            'expected floats of shape (D, T).'
        )
    features = features if frames_first else features.T
    wrong = ~np.isfinite(features).all(1)
    if wrong.any():
        raise ReleaseError(
            f'{path}: a feature of frame {np.flatnonzero(wrong)[0]} is NaN or '
            f'infinite, the first of {wrong.sum()} such frames; copy the file again.'
        )
    return features


def convert(args: argparse.Namespace, target: Path) -> dict:
    """Return the annotations, after writing the features into a folder."""
    mapping = find_mapping(args.source)
    if mapping is None:
        raise ReleaseError(
            f'{args.source}: there is no {" nor ".join(MAPPINGS)}; it must hold a line '
            '`ID NAME` for each class.'
        )
    classes = read_classes(mapping)
    check_background(args.background, classes)
    labels = find_labels(args.source / 'groundTruth')
    split = read_splits(args.source / 'splits', args.split, labels)
    videos: list[dict[str, Any]] = []
    width = None
    for video in read_videos(args, classes):
        features = video.pop('features')
        if width not in (None, features.shape[1]):
            raise ReleaseError(
                f'{args.source}/features/{video["frame_dir"]}.npy: '
                f'{features.shape[1]} features a frame, but {videos[0]["frame_dir"]} '
                f'has {width}; take all from the same network.'
            )
        width = features.shape[1]
        path = target / f'{file_name(video["frame_dir"])}.npy'
        np.save(path, np.ascontiguousarray(features, np.float32))
        videos.append(video)
    return {
        'split': split,
        'annotations': videos,
        'metainfo': {
            'classes': list(classes.values()),
            'skeleton': SKELETON,
            'dataset': args.source.resolve().name,
            'background': args.background,
        },
    }


def run(args: argparse.Namespace) -> None:
    target = args.out / 'features' / args.modality
    with folder_whole(target) as folder:
        data = convert(args, folder)
        width = np.load(next(folder.iterdir()), mmap_mode='r').shape[1]
    write(data, args.out)
    print(f'{width} features a frame in {target}')


def add_import(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        'import',
        help='make a data set of features and labels',
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add_paths(parser, 'folder with features, groundTruth, mapping.txt and splits')
    parser.add_argument(
        '--fps',
        type=positive,
        required=True,
        help='frames per second of the features, which the layout does not state (GTEA '
        'and Breakfast 15, 50Salads 30)',
    )
    parser.add_argument(
        '--sample',
        type=whole(1),
        default=1,
        metavar='N',
        help='keep every Nth frame alone (default: %(default)s, all)',
    )
    parser.add_argument(
        '--split',
        type=int,
        default=1,
        metavar='N',
        help='the split that becomes train and test (default: %(default)s); where '
        'there are several, each is a fold as well',
    )
    parser.add_argument(
        '--background', metavar='NAME', help='class that Edit and F1 leave out'
    )
    parser.add_argument(
        '--modality',
        default='rgb',
        help="key of the features in the model's branches (default: %(default)s)",
    )
    parser.add_argument(
        '--cut',
        type=whole(0),
        default=0,
        metavar='N',
        help='where features and labels differ by up to N frames, cut the longer '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--frames-first', action='store_true', help='features are (T, D), not (D, T)'
    )


def whole(lowest: int) -> Any:
    """Return what reads a whole number that is not below ``lowest``."""

    def read(text: str) -> int:
        if int(text) < lowest:
            raise argparse.ArgumentTypeError(f'{text} is below {lowest}')
        return int(text)

    read.__name__ = 'whole number'
    return read
