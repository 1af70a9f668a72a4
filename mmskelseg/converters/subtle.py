"""Convert the mice of SUBTLE, in 3D and labelled frame by frame.

SRC is the folder y5a5 of the release (GitHub jeakwon/subtle, dataset/y5a5), or a new
one for --download; its licence is GPL-3.0:

    coords/NAME.csv   a line for each frame: x, y, z of nine joints in centimetres, with
                      z upwards
    annots/NAME.csv   a header, then a line for each frame: time and behaviour, `na`
                      where it is none of the four

Each mouse is tested in a fold of its own. docs/datasets/subtle.md describes the joints;
the release does not state their order.
"""

from pathlib import Path
from typing import Annotated

import numpy as np

from mmskelseg.converters import building, options
from mmskelseg.converters.data_sets import DataSet
from mmskelseg.converters.dest_arrays import SIDE, fit_image
from mmskelseg.runtime.files.parsing import numbers, read_rows
from mmskelseg.runtime.messages.errors import MissingFileError, UserError, reads_file
from mmskelseg.runtime.structures.annotations import VideoAnnotation
from mmskelseg.runtime.structures.skeleton import Layout

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
    """Return the class id of each frame, shape (T,)."""
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
    """Return the annotation of a mouse; the last frame may lack its label."""
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


def convert(
    source: Annotated[Path, options.source('folder y5a5 of the release')],
    out: options.Out,
    *,
    test: Annotated[str | None, options.test('NAME,NAME', 'every fifth')] = None,
    download: options.Download = False,
    url: options.Url = DATA.url,
) -> None:
    """Write the annotation file of a release."""
    if download:
        DATA.download(url, source, is_there=(source / 'coords').is_dir())
    paths = sorted((source / 'coords').glob('*.csv'))
    if not paths:
        raise MissingFileError(
            f'{source / "coords"}: has no .csv file; SRC is the folder y5a5 of the '
            'release, with coords and annots, or download it with --download.'
        )
    files = {path.stem: source / 'annots' / path.name for path in paths}
    assumed = {'joints': 'their order, found by inspection'}
    building.write(
        out,
        [annotate(path, files[path.stem]) for path in paths],
        building.choose_split(test, list(files), source, kind='mouse'),
        DATA.metainfo({'classes': CLASSES, 'assumed': assumed}),
        source=source,
        files={(name, 'label'): path for name, path in files.items()},
        folds=len(files) if len(files) > 1 else 0,
    )


CONVERTER = options.Converter(convert, examples=EXAMPLES)
