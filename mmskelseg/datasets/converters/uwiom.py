"""Convert the public UW-IOM release to mmskelseg's annotation file.

The release (GitHub BehnooshParsa/MTL-ERA, folder Data/UW) holds, for each of 20 videos,
3D poses, frame-wise labels and frame-wise risk scores:

    Poses/NN_pose3d.npy   Labels/ClassNumber/NN.npy   RebaScoreFrameWise/NN.txt

OUT/annotations.pkl gets all of it, with the poses projected to 2D. What the numbers
mean and what had to be assumed stands in docs/datasets/uwiom.md.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.datasets.converters import building
from mmskelseg.datasets.converters.download import extract, fetch
from mmskelseg.datasets.converters.lcr_release import (
    CAMERA,
    find_videos,
    read_posed_video,
    read_risk,
)
from mmskelseg.utils.errors import MissingFileError, UserError

EXAMPLES = """examples:
  # the release's own split (15 training and 5 test videos)
  %(prog)s data/uwiom/raw data/uwiom --download
  # a part of the release, or a split of your own
  %(prog)s MTL-ERA data/uwiom --test 03,09,18
"""
URL = 'https://github.com/BehnooshParsa/MTL-ERA/archive/refs/heads/master.zip'
TEST = ('07', '10', '12', '13', '15')
# The release states none; docs/datasets/uwiom.md has reasons.
FPS = 10.0
# In the order of the ids; the release's own file of names is alphabetical.
CLASSES = [
    'walking', 'stand_reach_top', 'box_stand_pick_up_top', 'box_stand_place_mid',
    'standing', 'rod_stand_pick_up_top', 'rod_stand_place_mid', 'box_stand_pick_up_mid',
    'rod_stand_pick_up_mid', 'none_bend_none_none', 'rod_bend_pick_up_low',
    'box_bend_place_low', 'rod_bend_place_low', 'box_stand_place_top',
    'rod_stand_place_top', 'box_bend_pick_up_low', 'box_walk_hold',
]  # fmt: skip
# Where the file of names says it otherwise than by a hyphen.
ALIASES = {
    'none_walk_none_none': 'walking',
    'none_stand_none_none': 'standing',
    'none_stand_reach_top': 'stand_reach_top',
    'box_walk_hold_none': 'box_walk_hold',
}
NAMES = 'Labels/uniquelabelnames.npy'
PARTS = {
    'Poses': 'NN_pose3d.npy',
    'Labels/ClassNumber': 'NN.npy',
    'RebaScoreFrameWise': 'NN.txt',
}
# The files of a GitHub archive that are kept, by their place in the release.
FILES = '|'.join([*map('/'.join, PARTS.items()), NAMES])
MEMBER = rf'[^/]+/(Data/UW/(?:{FILES}))'.replace('.', r'\.').replace('NN', r'\d\d')


def find_release(source: Path) -> Path:
    """Return the folder that holds the release's parts."""
    for root in (source, source / 'Data' / 'UW'):
        if all((root / part).is_dir() for part in PARTS):
            return root
    raise MissingFileError(
        f'{source}: neither this folder nor Data/UW in it holds {", ".join(PARTS)}; '
        'name the folder of the release, or fetch it with --download.'
    )


def download(url: str, folder: Path) -> None:
    """Fetch the release into FOLDER/Data/UW, unless it is there already."""
    archive = folder / 'MTL-ERA.zip'
    if not archive.exists():
        try:
            root = find_release(folder)
        except MissingFileError:
            fetch(url, archive)
        else:
            print(f'{root} holds a release, so nothing is downloaded')
            return
    extract(archive, MEMBER, folder)
    archive.unlink()


def check_names(path: Path) -> None:
    """Make sure that the release's class names are those that are known here."""
    names = [str(name).strip() for name in building.read_array(path).ravel()]
    known = {ALIASES.get(name, name.replace('-', '_')) for name in names}
    if known != set(CLASSES):
        raise UserError(
            f'{path}: {len(names)} class names that differ from the {len(CLASSES)} of '
            f'the release in {", ".join(sorted(known ^ set(CLASSES)))}; copy the '
            'release again.'
        )


def read_video(root: Path, video: str, fps: float) -> dict[str, Any]:
    """Return the annotation of one video."""
    pose, label, risk = (
        root / part / name.replace('NN', video) for part, name in PARTS.items()
    )
    classes = building.read_array(label)
    return {
        **read_posed_video(video, pose, fps),
        'label': classes.astype(np.int64) if classes.dtype.kind in 'iu' else classes,
        'risk': read_risk(risk),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the converter."""
    building.add_paths(parser, 'folder of the release, or one with Data/UW in it')
    parser.add_argument(
        '--test',
        metavar='NN,NN',
        help=f'test videos (default: those of the release, {",".join(TEST)})',
    )
    parser.add_argument(
        '--download', action='store_true', help='fetch the release into SRC first'
    )
    parser.add_argument(
        '--url', default=URL, help='zip file to download (default: %(default)s)'
    )
    building.add_release_options(parser, FPS)


def run(args: argparse.Namespace) -> None:
    """Convert as the arguments say."""
    if args.download:
        download(args.url, args.source)
    root = find_release(args.source)
    videos = find_videos(root, PARTS)
    split = building.choose_split(args.test, videos, root, TEST)
    check_names(root / NAMES)
    building.write(
        args.out,
        [read_video(root, video, args.fps) for video in videos],
        split,
        classes=CLASSES,
        skeleton='lcr15',
        dataset='uwiom',
        source=root,
        folds=args.folds,
        videos=args.videos,
        assumed={'fps': f'{args.fps:g}: the release states none', 'camera': CAMERA},
    )


main = building.converter(__doc__, EXAMPLES, add_arguments, run)
