"""Convert the public UW-IOM release to mmskelseg's annotation file.

The release (GitHub BehnooshParsa/MTL-ERA, folder Data/UW) contains 3D poses, frame-wise
labels and frame-wise risk scores of 20 videos:

    Poses/NN_pose3d.npy   Labels/ClassNumber/NN.npy   RebaScoreFrameWise/NN.txt

OUT/annotations.pkl gets all of them, plus the poses projected to 2D.
docs/datasets/uwiom.md describes the data and our assumptions.
"""

import os
import re
import zipfile
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from mmskelseg.converters import building, lcr_release, options
from mmskelseg.runtime.messages.errors import MissingFileError, UserError, reads_file
from mmskelseg.runtime.structures.annotations import Metainfo

EXAMPLES = """examples:
  # the release's own split (15 training and 5 test videos)
  %(prog)s data/uwiom/raw data/uwiom --download
  # a part of the release, or your own split
  %(prog)s MTL-ERA data/uwiom --test 03,09,18
"""
URL = 'https://github.com/BehnooshParsa/MTL-ERA/archive/refs/heads/master.zip'
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
# The files to extract from a GitHub archive, with their path in the release as the
# group; no name with `..` matches.
FILES = '|'.join([*PARTS.values(), NAMES])
MEMBER = rf'[^/]+/(Data/UW/(?:{FILES}))'.replace('.', r'\.').replace('NN', r'\d\d')
CHUNK = 1 << 18
RANGE_NOT_SATISFIABLE = 416


def find_release(source: Path) -> Path:
    """Return the folder that contains the parts of the release."""
    for root in (source, source / 'Data' / 'UW'):
        if all((root / folder).is_dir() for folder in FOLDERS):
            return root
    raise MissingFileError(
        f'{source}: neither this folder nor Data/UW in it contains '
        f'{", ".join(FOLDERS)}; name the folder of the release, or download it with '
        '--download.'
    )


def download_release(url: str, folder: Path) -> None:
    """Download the release to FOLDER/Data/UW, unless it is there already."""
    archive = folder / 'MTL-ERA.zip'
    if not archive.exists():
        try:
            root = find_release(folder)
        except MissingFileError:
            fetch(url, archive)
        else:
            print(f'{root} contains a release, so nothing is downloaded')
            return
    extract(archive, folder)
    archive.unlink()


def fetch(url: str, path: Path) -> None:
    """Download a file with a progress bar; ``path`` exists only once it is complete.

    An interrupted download is continued from ``<path>.part`` if the server supports it,
    and otherwise started again.
    """
    part = path.with_name(f'{path.name}.part')
    path.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    columns = Progress.get_default_columns()[:2]
    try:
        request = Request(url, headers={'Range': f'bytes={have}-'} if have else {})
        with urlopen(request, timeout=60) as reply:
            have = have if reply.status == 206 else 0
            length = reply.headers.get('Content-Length')
            total = have + int(length) if length else None
            bar = Progress(*columns, DownloadColumn(), TransferSpeedColumn())
            with part.open('ab' if have else 'wb') as file, bar:
                task = bar.add_task(path.name, total=total, completed=have)
                while chunk := reply.read(CHUNK):
                    file.write(chunk)
                    bar.update(task, advance=len(chunk))
    except (HTTPException, OSError, ValueError) as error:
        if isinstance(error, HTTPError) and error.code == RANGE_NOT_SATISFIABLE:
            part.unlink()
            return fetch(url, path)
        raise UserError(
            f'{url}: the download failed ({error}); run the command again, or download '
            'the file by hand and unpack it.'
        ) from None
    if total is not None and part.stat().st_size != total:
        raise UserError(
            f'{url}: the connection ended after {part.stat().st_size} of {total} '
            'bytes; run the command again to continue.'
        )
    return os.replace(part, path)


def extract(archive: Path, folder: Path) -> None:
    """Extract the files of a zip archive whose names match MEMBER to a folder.

    An archive that is damaged or has no such file is deleted.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            matches = {n: m for n in file.namelist() if (m := re.fullmatch(MEMBER, n))}
            for name, match in matches.items():
                path = folder / match[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read(name))
    except (zipfile.BadZipFile, NotImplementedError) as error:
        archive.unlink()
        raise UserError(
            f'{archive}: not a complete zip file ({error}), so it was deleted; run the '
            'command again to download it once more.'
        ) from None
    if not matches:
        archive.unlink()
        raise UserError(
            f'{archive}: contains no file of the release, so it was deleted; check '
            '--url.'
        )


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


def convert(
    source: Path,
    out: Path,
    *,
    test: str | None = None,
    download: bool = False,
    url: str = URL,
    fps: float = FPS,
    folds: int = 0,
    videos: Path | None = None,
    tiers: bool = False,
) -> None:
    """Write the annotation file of the release; see the options below."""
    if download:
        download_release(url, source)
    root = find_release(source)
    files = lcr_release.find_files(root, PARTS)
    split = building.choose_split(test, lcr_release.videos_of(files), root, TEST)
    check_names(root / NAMES)
    stated: Metainfo = {'tiers': TIERS} if tiers else {'classes': CLASSES}
    meta: Metainfo = {**stated, 'dataset': 'uwiom'}
    table = np.array([tiers_of_class(name) for name in CLASSES])

    def read(path: Path) -> np.ndarray:
        label = read_label(path)
        return table[label].T if tiers else label

    lcr_release.convert(
        root, out, files, read, split, meta, fps=fps, folds=folds, videos=videos
    )


CONVERTER = options.Converter(
    convert,
    {
        'source': options.source('folder of the release, or one with Data/UW in it'),
        'out': options.OUT,
        '--test': options.test('NN,NN', f'those of the release, {",".join(TEST)}'),
        '--download': 'download the release to SRC first',
        '--tiers': 'split the names into tiers: object, posture, motion and height',
        '--url': 'zip file to download (default: %(default)s)',
        **options.OF_RELEASES,
    },
    examples=EXAMPLES,
)
