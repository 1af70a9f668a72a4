"""Recognising and reading pose files of all formats."""

import re
from collections.abc import Callable
from inspect import signature
from pathlib import Path

from mmskelseg.runtime.files.arrays import read_npz as read_npz_arrays
from mmskelseg.runtime.files.hdf5 import open_hdf5
from mmskelseg.runtime.files.inputs import regular_file
from mmskelseg.runtime.files.parsing import FilePath
from mmskelseg.runtime.messages.errors import (
    MissingFileError,
    UserError,
    reads_file,
    shown,
)
from mmskelseg.runtime.poses.coco import read_coco
from mmskelseg.runtime.poses.deeplabcut import read_deeplabcut
from mmskelseg.runtime.poses.mediapipe import read_mediapipe
from mmskelseg.runtime.poses.mmpose import read_mmpose
from mmskelseg.runtime.poses.npz import read_npz
from mmskelseg.runtime.poses.openpose import read_openpose
from mmskelseg.runtime.poses.poses import Layout, Poses
from mmskelseg.runtime.poses.sleap import read_sleap
from mmskelseg.runtime.poses.table import read_table, read_table_rows
from mmskelseg.runtime.structures.choices import POSE_FORMATS as FORMATS

READERS: dict[str, Callable[..., Poses]] = {
    'mmpose': read_mmpose,
    'openpose': read_openpose,
    'coco': read_coco,
    'mediapipe': read_mediapipe,
    'deeplabcut': read_deeplabcut,
    'sleap': read_sleap,
    'csv': read_table,
    'npz': read_npz,
}
# The first of these keys that occurs in a JSON file determines its format.
_KEYS = {
    'mmpose': ('meta_info', 'instance_info', 'instances'),
    'coco': ('image_id', 'annotations'),
    'mediapipe': ('pose_landmarks', 'landmarks', 'landmark', 'visibility'),
    'openpose': ('people',),
}
_READ_FOR_KEYS = 65536
# Suffixes that trackers append to the name of a video.
_ENDINGS = re.compile(r'(?<=.)((DLC|DeepCut)_.+|\.analysis|\.predictions|_keypoints)$')
_OPENPOSE = re.compile(r'(.*_)?\d+_keypoints\.json')
# Files that have this name in every video's folder.
_IN_FOLDERS = ('alphapose-results',)


def read_poses(
    path: FilePath,
    format: str | None = None,
    *,
    skeleton: Layout | None = None,
    unnamed: Layout | None = None,
    img_shape: tuple[int, int] | None = None,
    first_frame: int | None = None,
) -> Poses:
    """Return the poses of one video, from a file or folder of any known format.

    Options that do not apply to the format are ignored.

    Args:
        path: The file or folder that the tracker wrote.
        format: One of ``FORMATS``; by default recognised by name and content.
        skeleton: The layout of the joints, if the file does not state it.
        unnamed: The layout of joints that have no names, such as that of a model, if
            they are not 17 as in COCO.
        img_shape: Height and width in pixels, for coordinates that are fractions.
        first_frame: The ``image_id`` of the first frame of COCO results.

    Raises:
        RuntimeError: If a package for reading the format is missing.
        ValueError: If the format is unknown, or the file violates it.
    """
    options = {
        'skeleton': skeleton, 'unnamed': unnamed, 'img_shape': img_shape,
        'first_frame': first_frame,
    }  # fmt: skip
    if format is not None and format not in READERS:
        raise UserError(
            f'{path}: the format {shown(format)} is unknown; choose from '
            f'{", ".join(FORMATS)}.'
        )
    read = READERS[format or recognise(path)]
    used = options.keys() & signature(read).parameters
    return read(path, **{name: options[name] for name in used})


@reads_file
def recognise(path: FilePath) -> str:
    """Return the format of a file or folder of poses.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is none of ``FORMATS``.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f'{path}: there is no such file or folder.')
    if not path.is_dir():
        regular_file(path)
    suffix = path.suffix.lower()
    found = None
    if path.is_dir():
        found = 'openpose' if is_openpose(path) else None
    elif suffix in _FORMATS:
        found = _FORMATS[suffix](path)
    elif suffix == '.slp':
        raise UserError(
            f'{path}: a SLEAP project; export it from SLEAP as analysis HDF5 (.h5).'
        )
    if found is None:
        raise UserError(
            f'{path}: not in a known format ({", ".join(FORMATS)}); if it is one of '
            'these, name it (--format of the converter, --pose-format elsewhere).'
        )
    return found


def video_of(path: Path) -> str:
    """Return the name of the video of a keypoint file.

    >>> video_of(Path('take1DLC_resnet50_kitchenMay1shuffle1_5000.csv'))
    'take1'
    >>> video_of(Path('DLC_sample_tracks.csv'))
    'DLC_sample_tracks'
    >>> video_of(Path('take1/alphapose-results.json'))
    'take1'
    """
    name = path.name if path.is_dir() else path.stem
    if name in _IN_FOLDERS:
        name = path.resolve().parent.name
    return _ENDINGS.sub('', name)


def is_poses(path: Path) -> bool:
    """Return whether a path has the suffix of a pose file, or is an OpenPose folder."""
    return is_openpose(path) if path.is_dir() else path.suffix.lower() in SUFFIXES


def is_openpose(folder: Path) -> bool:
    """Return whether a folder contains OpenPose files, one for each frame.

    Other trackers' files may be called ``take1_keypoints.json``.
    """
    names = (file.name for file in folder.glob('*_keypoints.json'))
    return any(_OPENPOSE.fullmatch(name) for name in names)


def _json_format(path: Path) -> str | None:
    with regular_file(path).open('rb') as file:
        start = file.read(_READ_FOR_KEYS).decode('utf-8', 'replace')
    keys = re.findall(r'"(\w+)"\s*:', start)
    formats = {key: format for format, known in _KEYS.items() for key in known}
    found = next((formats[key] for key in keys if key in formats), None)
    if found == 'openpose':
        raise UserError(
            f'{path}: a single frame of OpenPose; name the folder with the files of '
            'all frames.'
        )
    return found


def _table_format(path: Path) -> str:
    header = read_table_rows(path)[0][1]
    if header[0] == 'scorer':
        return 'deeplabcut'
    header = [name.lower() for name in header]
    # MediaPipe: landmarks by number, or the name of a joint that other layouts lack.
    landmark = any(name.startswith('landmark') for name in header)
    feet = ('left_foot_index', 'right_foot_index')
    named = all(any(name.startswith(foot) for name in header) for foot in feet)
    return 'mediapipe' if landmark or named else 'csv'


def _hdf5_format(path: Path) -> str:
    with open_hdf5(path) as file:
        # DeepLabCut names a table of several animals `tracks`, as SLEAP its array.
        is_pandas = any('pandas_type' in item.attrs for item in file.values())
        return 'sleap' if 'tracks' in file and not is_pandas else 'deeplabcut'


def _npz_format(path: Path) -> str:
    return 'npz' if 'keypoint' in read_npz_arrays(path) else 'mediapipe'


# Functions that return the format of a file from its content, by suffix.
_FORMATS: dict[str, Callable[[Path], str | None]] = {
    '.json': _json_format,
    '.csv': _table_format,
    '.tsv': _table_format,
    '.h5': _hdf5_format,
    '.hdf5': _hdf5_format,
    '.npz': _npz_format,
}
SUFFIXES = tuple(_FORMATS)
