"""Convert the public UW-IOM release to mmskelseg's annotation file.

The release (GitHub BehnooshParsa/MTL-ERA, folder Data/UW) holds, for each of 20 videos,
3D poses, frame-wise labels and frame-wise risk scores:

    Poses/NN_pose3d.npy   Labels/ClassNumber/NN.npy   RebaScoreFrameWise/NN.txt

OUT/annotations.pkl gets all of it, with the poses projected to 2D. What the numbers
mean and what had to be assumed stands in docs/datasets/uwiom.md.
"""

import argparse
from pathlib import Path

from converting import (
    ReleaseError,
    add_folds,
    add_paths,
    add_videos,
    choose_test,
    converter_parser,
    faults,
    name_folds,
    name_videos,
    positive,
    split_by_test,
    write,
)
from lcr_release import CAMERA, find_videos, posed_video, read_pose, read_risk
from release_download import extract, fetch
from uwiom_release import (
    CLASSES,
    MEMBER,
    NAMES,
    PARTS,
    check_names,
    find_release,
    read_label,
)

EXAMPLES = """examples:
  # the release's own split (15 training and 5 test videos)
  python tools/dataset_converters/uwiom.py data/uwiom/raw data/uwiom --download
  # a part of the release, or a split of your own
  python tools/dataset_converters/uwiom.py MTL-ERA data/uwiom --test 03,09,18
"""
URL = 'https://github.com/BehnooshParsa/MTL-ERA/archive/refs/heads/master.zip'

TEST = ('07', '10', '12', '13', '15')
# The release states none; docs/datasets/uwiom.md has reasons.
FPS = 10.0


def read_video(root: Path, video: str, fps: float) -> dict:
    pose = read_pose(root / 'Poses' / f'{video}_pose3d.npy')
    frames = len(pose)
    return {
        **posed_video(video, pose, fps),
        'label': read_label(root / 'Labels/ClassNumber' / f'{video}.npy', frames),
        'risk': read_risk(root / 'RebaScoreFrameWise' / f'{video}.txt', frames),
    }


def convert(root: Path, wanted: str | None, fps: float = FPS) -> dict:
    """Return the annotations of the release in a folder."""
    videos = find_videos(root, PARTS)
    test = choose_test(wanted, videos, root, TEST)
    check_names(root / NAMES)
    return {
        'split': split_by_test(videos, test),
        'annotations': [read_video(root, v, fps) for v in videos],
        'metainfo': {
            'classes': CLASSES,
            'skeleton': 'lcr15',
            'dataset': 'uwiom',
            'background': None,
            'assumed': {
                'fps': f'{fps:g}: the release states none',
                'camera': CAMERA,
            },
        },
    }


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
    parser = converter_parser(__doc__, EXAMPLES)
    add_paths(parser, 'folder of the release, or one with Data/UW in it')
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
    parser.add_argument(
        '--fps',
        type=positive,
        default=FPS,
        help='frames per second of poses and labels (default: %(default)g)',
    )
    add_folds(parser)
    add_videos(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with faults():
        if args.download:
            download(args.url, args.source)
        data = convert(find_release(args.source), args.test, args.fps)
        name_folds(data, args.folds)
        name_videos(data['annotations'], args.videos, args.out)
        write(data, args.out)


if __name__ == '__main__':
    main()
