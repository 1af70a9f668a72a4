"""Convert the public UW-IOM release to mmskelseg's annotation file.

The release (GitHub BehnooshParsa/MTL-ERA, folder Data/UW) holds, for each of 20 videos,
3D poses, frame-wise labels and frame-wise risk scores:

    Poses/NN_pose3d.npy   Labels/ClassNumber/NN.npy   RebaScoreFrameWise/NN.txt

OUT/annotations.pkl gets all of it, with the poses projected to 2D. What the numbers
mean and what had to be assumed stands in docs/datasets/uwiom.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from release_download import DownloadError, extract, fetch
from uwiom_release import (
    CLASSES,
    JOINTS,
    MEMBER,
    NAMES,
    ReleaseError,
    check_names,
    find_release,
    find_videos,
    read_label,
    read_pose,
    read_risk,
)

from mmskelseg.datasets.annotations import save_annotations

EXAMPLES = """examples:
  # the release's own split (15 training and 5 test videos)
  python tools/dataset_converters/uwiom.py data/uwiom/raw data/uwiom --download
  # a part of the release, or a split of your own
  python tools/dataset_converters/uwiom.py MTL-ERA data/uwiom --test 03,09,18
"""
URL = 'https://github.com/BehnooshParsa/MTL-ERA/archive/refs/heads/master.zip'

TEST = ('07', '10', '12', '13', '15')
# The release states neither camera nor frame rate; docs/datasets/uwiom.md has reasons.
IMG_SHAPE = (480, 640)
FOCAL_LENGTH = 500
FPS = 10.0


def project(pose: np.ndarray) -> np.ndarray:
    """Return the image of a pose in a nominal pinhole camera.

    Args:
        pose: Joints in metres, shape (..., 3): depth, lateral (left), vertical (up).

    Returns:
        Pixels (x, y) of an image of 640 x 480 with its centre on the optical axis,
        shape (..., 2), not clipped to the image.

    >>> project(np.array([4.0, -0.4, 0.8]))
    array([370., 140.], dtype=float32)
    """
    depth, left, up = np.moveaxis(pose.astype(float), -1, 0)
    image = np.stack([-left / depth, -up / depth], axis=-1)
    height, width = IMG_SHAPE
    return (image * FOCAL_LENGTH + (width / 2, height / 2)).astype(np.float32)


def read_video(root: Path, video: str) -> dict:
    pose = read_pose(root / 'Poses' / f'{video}_pose3d.npy')
    frames = len(pose)
    return {
        'frame_dir': video,
        'total_frames': frames,
        'img_shape': IMG_SHAPE,
        'fps': FPS,
        'keypoint': project(pose)[None],
        'keypoint_score': np.ones((1, frames, JOINTS), np.float32),
        'keypoint_3d': pose[None],
        'label': read_label(root / 'Labels/ClassNumber' / f'{video}.npy', frames),
        'risk': read_risk(root / 'RebaScoreFrameWise' / f'{video}.txt', frames),
    }


def choose_test(wanted: str | None, videos: list[str], root: Path) -> list[str]:
    """Return the test videos: those of --test, or those of the release."""
    test = sorted({v.strip().zfill(2) for v in wanted.split(',')} if wanted else TEST)
    missing = [video for video in test if video not in videos]
    if missing and not wanted:
        raise ReleaseError(
            f"{root}: the release's test videos {', '.join(missing)} are not among the "
            f'{len(videos)} videos here; choose others, for example '
            f'--test {",".join(videos[::5])}.'
        )
    if missing:
        raise ReleaseError(
            f'--test names {", ".join(missing)}, but {root} has the videos '
            f'{", ".join(videos)}.'
        )
    if len(test) == len(videos):
        raise ReleaseError(
            f'--test names all {len(videos)} videos of {root}; leave some to train on.'
        )
    return test


def convert(root: Path, wanted: str | None) -> dict:
    """Return the annotations of the release in a folder."""
    videos = find_videos(root)
    test = choose_test(wanted, videos, root)
    check_names(root / NAMES)
    return {
        'split': {'train': [v for v in videos if v not in test], 'test': test},
        'annotations': [read_video(root, v) for v in videos],
        'metainfo': {
            'classes': CLASSES,
            'skeleton': 'lcr15',
            'dataset': 'uwiom',
            'background': None,
            'assumed': {
                'fps': f'{FPS:g}: the release states none',
                'camera': f'pinhole, focal length {FOCAL_LENGTH} pixels, centred',
            },
        },
    }


def summary(data: dict) -> str:
    labels = [video['label'] for video in data['annotations']]
    segments = sum(1 + np.count_nonzero(np.diff(label)) for label in labels)
    lines = [
        f'{len(labels)} videos, {sum(map(len, labels)):,} frames at {FPS:g} fps '
        f'(assumed), {len(CLASSES)} classes, {segments:,} segments'
    ]
    for name, members in data['split'].items():
        lines.append(f'{name}: {len(members)} videos ({", ".join(members)})')
    return '\n'.join(lines)


def download(url: str, folder: Path) -> None:
    """Fetch the release into FOLDER/Data/UW, unless it is there already."""
    archive = folder / 'MTL-ERA.zip'
    if not archive.exists():
        try:
            print(f'{find_release(folder)} holds a release, so nothing is downloaded')
            return
        except ReleaseError:
            fetch(url, archive)
    extract(archive, MEMBER, folder)
    archive.unlink()


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'source',
        metavar='SRC',
        type=Path,
        help='folder of the release, or one with Data/UW in it',
    )
    parser.add_argument(
        'out', metavar='OUT', type=Path, help='folder for annotations.pkl'
    )
    parser.add_argument(
        '--test',
        metavar='NN,NN',
        help=f'test videos (default: those of the release, {",".join(TEST)})',
    )
    parser.add_argument(
        '--download',
        action='store_true',
        help='fetch the release into SRC first',
    )
    parser.add_argument(
        '--url', default=URL, help='zip file to download (default: %(default)s)'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        if args.download:
            download(args.url, args.source)
        data = convert(find_release(args.source), args.test)
        path = args.out / 'annotations.pkl'
        save_annotations(data, path)
    except (ReleaseError, DownloadError, OSError) as error:
        sys.exit(f'uwiom.py: {error}')
    print(f'{summary(data)}\nwritten to {path}')


if __name__ == '__main__':
    main()
