"""Convert the public UW-IOM release to mmskelseg's annotation file."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from mmskelseg.converters import lcr_release
from mmskelseg.converters.data_sets import DataSet
from mmskelseg_io.converters import building
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import MissingFileError, UserError, reads_file
from mmskelseg_io.messages.options import argument, grouped, option
from mmskelseg_io.structures.annotations import Metainfo

EXAMPLES = """examples:
  # the release's own split (15 training and 5 test videos)
  %(prog)s data/uwiom/raw data/uwiom --download
  # a part of the release, or your own split
  %(prog)s MTL-ERA data/uwiom --test 03,09,18
"""
TEST = ('07', '10', '12', '13', '15')
# The release states none; docs/datasets/uwiom.md explains the choice.
FPS = 10.0
# In the order of ids; the release's own list of names is alphabetical.
CLASSES = [
    'walking', 'stand_reach_top', 'box_stand_pick_up_top', 'box_stand_place_mid',
    'standing', 'rod_stand_pick_up_top', 'rod_stand_place_mid', 'box_stand_pick_up_mid',
    'rod_stand_pick_up_mid', 'none_bend_none_none', 'rod_bend_pick_up_low',
    'box_bend_place_low', 'rod_bend_place_low', 'box_stand_place_top',
    'rod_stand_place_top', 'box_bend_pick_up_low', 'box_walk_hold',
]  # fmt: skip
# Names in the release's list that differ from ours in more than hyphens.
ALIASES = {
    'none_walk_none_none': 'walking',
    'none_stand_none_none': 'standing',
    'none_stand_reach_top': 'stand_reach_top',
    'box_walk_hold_none': 'box_walk_hold',
}
# The parts of the names, where those that have fewer say none.
TIERS = {
    'object': ['none', 'box', 'rod'],
    'posture': ['walk', 'stand', 'bend'],
    'motion': ['none', 'reach', 'pick_up', 'place', 'hold'],
    'height': ['none', 'top', 'mid', 'low'],
}
NAMES = 'Labels/uniquelabelnames.npy'
PARTS = {
    'keypoint': 'Poses/NN_pose3d.npy',
    'label': 'Labels/ClassNumber/NN.npy',
    'risk': 'RebaScoreFrameWise/NN.txt',
}
FOLDERS = [str(PurePosixPath(part).parent) for part in PARTS.values()]
FILES = '|'.join([*PARTS.values(), NAMES])
DATA = DataSet(
    'uwiom',
    'lcr15',
    up='z',
    remedy='{out}/raw {out} --download',
    url='https://github.com/BehnooshParsa/MTL-ERA/archive/refs/heads/master.zip',
    # No name with `..` matches.
    member=rf'[^/]+/(Data/UW/(?:{FILES}))'.replace('.', r'\.').replace('NN', r'\d\d'),
)


def find_release(source: Path) -> Path:
    """Return the folder that contains the parts of the release.

    Raises:
        MissingFileError: If a folder of it is missing.
    """
    root = _root(source)
    if root is None:
        raise MissingFileError(
            f'{source}: neither this folder nor Data/UW in it contains '
            f'{", ".join(FOLDERS)}; name the folder of the release, or download it '
            'with --download.'
        )
    return root


def _root(source: Path) -> Path | None:
    for root in (source, source / 'Data' / 'UW'):
        if all((root / folder).is_dir() for folder in FOLDERS):
            return root
    return None


def check_names(path: Path) -> None:
    """Raise a UserError unless the release's class names are the known ones."""
    names = [str(name).strip() for name in building.read_array(path).ravel()]
    known = {ALIASES.get(name, name.replace('-', '_')) for name in names}
    if known != set(CLASSES):
        raise UserError(
            f'{path}: {len(names)} class names that differ from the {len(CLASSES)} of '
            f'the release in {", ".join(sorted(known ^ set(CLASSES)))}; copy the '
            'release again.'
        )


def tiers_of_class(name: str) -> list[int]:
    """Return the class of a class in each of the tiers.

    >>> tiers_of_class('box_stand_pick_up_top'), tiers_of_class('walking')
    ([1, 1, 2, 1], [0, 0, 0, 0])
    """
    full = {own: release for release, own in ALIASES.items()}.get(name, name)
    found = re.fullmatch('_'.join(f'({"|".join(own)})' for own in TIERS.values()), full)
    assert found is not None, name
    parts = zip(TIERS.values(), found.groups(), strict=True)
    return [classes.index(part) for classes, part in parts]


@reads_file
def read_label(path: Path) -> np.ndarray:
    """Return the class of each frame, (T,), in int64 if the file has integers."""
    label = building.read_array(path)
    return label.astype(np.int64) if label.dtype.kind in 'iu' else label


@dataclass(frozen=True, kw_only=True)
class ConvertUWIOM(lcr_release.LCRConverter):
    """Convert the public UW-IOM release to mmskelseg's annotation file.

    The release (GitHub BehnooshParsa/MTL-ERA, folder Data/UW) contains 3D poses,
    frame-wise labels and frame-wise risk scores of 20 videos:

        Poses/NN_pose3d.npy   Labels/ClassNumber/NN.npy   RebaScoreFrameWise/NN.txt

    OUT/annotations.pkl gets all of them, plus the poses projected to 2D.
    docs/datasets/uwiom.md describes the data and our assumptions.
    """

    examples = EXAMPLES
    source: Path = argument(
        'folder of the release, or one with Data/UW in it', metavar='SRC'
    )
    test: str | None = option(
        f'test videos (default: those of the release, {",".join(TEST)})',
        None,
        metavar='NN,NN',
    )
    download: bool = option('download the release to SRC first', False)
    tiers: bool = option(
        'split the names into tiers: object, posture, motion and height', False
    )
    url: str = option('zip file to download (default: %(default)s)', DATA.url)
    given: building.ReleaseOptions = grouped(default=building.ReleaseOptions(FPS))

    def run(self, events: Events) -> Path:
        """Write the annotation file of the release."""
        if self.download:
            there = _root(self.source) is not None
            DATA.download(self.url, self.source, there, events)
        root = find_release(self.source)
        files = lcr_release.find_files(root, PARTS)
        videos = lcr_release.videos_of(files)
        split = building.choose_split(self.test, videos, root, TEST)
        check_names(root / NAMES)
        stated: Metainfo = {'tiers': TIERS} if self.tiers else {'classes': CLASSES}
        table = np.array([tiers_of_class(name) for name in CLASSES])

        def read(path: Path) -> np.ndarray:
            label = read_label(path)
            return table[label].T if self.tiers else label

        return self.write(root, files, read, split, DATA.metainfo(stated), events)


main = ConvertUWIOM.main
