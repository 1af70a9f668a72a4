"""Convert the mice of SUBTLE, in 3D and labelled frame by frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmskelseg.converters.data_sets import DataSet
from mmskelseg_io.converters import building
from mmskelseg_io.files.parsing import numbers, read_rows
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import MissingFileError, UserError, reads_file
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.bodies import SIDE, fit_image
from mmskelseg_io.structures.skeleton import Layout

EXAMPLES = """examples:
  %(prog)s data/subtle/raw data/subtle --download
  # test on two mice
  %(prog)s y5a5 data/subtle --test adult_6112,adult_6115
"""
CLASSES = ['na', 'walking', 'rearing', 'standing', 'grooming']
FPS = 20.0
JOINTS = (
    'nose', 'neck', 'anus', 'chest', 'right_foot', 'left_foot', 'right_hand',
    'left_hand', 'tail_tip',
)  # fmt: skip
SKELETON: Layout = {
    'name': 'mouse9',
    'joints': list(JOINTS),
    'limbs': [[0, 1], [1, 3], [3, 2], [2, 8], [3, 6], [3, 7], [2, 4], [2, 5]],
    'flip_pairs': [[4, 5], [6, 7]],
}
DATA = DataSet(
    'subtle',
    SKELETON,
    up='z',
    view='top',
    background='na',
    remedy='{out}/raw {out} --download',
    # Of the default branch, whatever its name is.
    url='https://github.com/jeakwon/subtle/archive/HEAD.zip',
    # Without the folder of the archive; no name with `..` matches.
    member=r'[^/]+/dataset/y5a5/((?:coords|annots)/[\w-]+\.csv)',
)


@reads_file
def read_joints(path: Path) -> np.ndarray:
    """Return the joints of each frame in centimetres, shape (T, 9, 3)."""
    frames = [
        numbers(cells, (3 * len(JOINTS),), f'{path}: line {line}')
        for line, cells in read_rows(path)
    ]
    joints = np.array(frames, np.float32).reshape(-1, len(JOINTS), 3)
    building.check_finite(path, joints)
    return joints


@reads_file
def read_label(path: Path) -> np.ndarray:
    """Return the class id of each frame, shape (T,).

    Raises:
        UserError: If a line names another behaviour.
    """
    if not path.is_file():
        raise MissingFileError(f'{path}: missing; copy the release again.')
    names = [(line, cells[-1]) for line, cells in read_rows(path)[1:]]
    for line, name in names:
        if name not in CLASSES:
            raise UserError(
                f'{path}: line {line} names {name!r}, expected one of '
                f'{", ".join(CLASSES)}.'
            )
    return np.array([CLASSES.index(name) for _, name in names], np.int64)


def annotate(path: Path, label_path: Path) -> VideoAnnotation:
    """Return the annotation of a mouse; the last frame may lack its label.

    Raises:
        UserError: If the numbers of frames differ by more.
    """
    joints, label = read_joints(path), read_label(label_path)
    frames = len(label)
    if not 0 <= len(joints) - frames <= 1 or not frames:
        raise UserError(
            f'{label_path}: {frames} labels, but {path} has {len(joints)} frames; copy '
            'the release again.'
        )
    points = joints[None, :frames]
    seen = np.ones(points.shape[:3], bool)
    # Seen from above, with y upwards in the image.
    view = fit_image(points[..., :2] * np.array([1, -1], np.float32), seen)
    shared: VideoAnnotation = {'img_shape': (SIDE, SIDE), 'fps': FPS}
    shared['keypoint_3d'] = points
    score = seen.astype(np.float32)
    return building.annotation(shared, path.stem, view, score, label)


@dataclass(frozen=True, kw_only=True)
class ConvertSUBTLE(building.Converter):
    """Convert the mice of SUBTLE, in 3D and labelled frame by frame.

    SRC is the folder y5a5 of the release (GitHub jeakwon/subtle, dataset/y5a5), or a
    new one for --download; its licence is GPL-3.0:

        coords/NAME.csv   a line for each frame: x, y, z of nine joints in centimetres,
                          with z upwards
        annots/NAME.csv   a header, then a line for each frame: time and behaviour, `na`
                          where it is none of the four

    Each mouse is tested in a fold of its own. docs/datasets/subtle.md describes the
    joints; the release does not state their order.
    """

    examples = EXAMPLES
    source: Path = argument('folder y5a5 of the release', metavar='SRC')
    test: str | None = option(
        'test videos (default: every fifth)', None, metavar='NAME,NAME'
    )
    download: bool = option('download the release to SRC first', False)
    url: str = option('zip file to download (default: %(default)s)', DATA.url)

    def run(self, events: Events) -> Path:
        """Write the annotation file of a release.

        Raises:
            UserError: If a file is missing or faulty.
        """
        coords = self.source / 'coords'
        if self.download:
            DATA.download(self.url, self.source, coords.is_dir(), events)
        paths = sorted(coords.glob('*.csv'))
        if not paths:
            raise MissingFileError(
                f'{coords}: has no .csv file; SRC is the folder y5a5 of the release, '
                'with coords and annots, or download it with --download.'
            )
        files = {path.stem: self.source / 'annots' / path.name for path in paths}
        names, assumed = list(files), {'joints': 'their order, found by inspection'}
        return building.write(
            self.out,
            {
                'annotations': [annotate(path, files[path.stem]) for path in paths],
                'split': building.choose_split(
                    self.test, names, self.source, kind='mouse'
                ),
                'metainfo': DATA.metainfo({'classes': CLASSES, 'assumed': assumed}),
            },
            events,
            source=self.source,
            files={(name, 'label'): path for name, path in files.items()},
            folds=len(files) if len(files) > 1 else 0,
        )


main = ConvertSUBTLE.main
