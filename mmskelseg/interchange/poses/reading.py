"""Recognition and reading of pose files of all formats."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmskelseg.interchange.poses.coco import read_coco
from mmskelseg.interchange.poses.deeplabcut import read_deeplabcut
from mmskelseg.interchange.poses.hdf5 import open_hdf5
from mmskelseg.interchange.poses.layouts import split_side
from mmskelseg.interchange.poses.mediapipe import LANDMARKS, read_mediapipe
from mmskelseg.interchange.poses.mmpose import read_mmpose
from mmskelseg.interchange.poses.npz import npz_arrays, read_npz
from mmskelseg.interchange.poses.openpose import read_openpose
from mmskelseg.interchange.poses.poses import Poses
from mmskelseg.interchange.poses.sleap import read_sleap
from mmskelseg.interchange.poses.table import read_table, read_table_rows
from mmskelseg.utils.errors import MissingFileError, UserError

FORMATS = (
    'mmpose', 'openpose', 'coco', 'mediapipe', 'deeplabcut', 'sleap', 'csv', 'npz',
)  # fmt: skip
SUFFIXES = ('.json', '.csv', '.tsv', '.h5', '.hdf5', '.npz')
# The first of these keys in a JSON file tells its format.
_KEYS = {
    'meta_info': 'mmpose',
    'instance_info': 'mmpose',
    'instances': 'mmpose',
    'image_id': 'coco',
    'annotations': 'coco',
    'pose_landmarks': 'mediapipe',
    'landmarks': 'mediapipe',
    'landmark': 'mediapipe',
    'visibility': 'mediapipe',
    'people': 'openpose',
}
_READ_FOR_KEYS = 65536


def read_poses(
    path: str | os.PathLike,
    format: str | None = None,
    *,
    skeleton: str | Mapping[str, Any] | None = None,
    img_shape: tuple[int, int] | None = None,
    first_frame: int | None = None,
) -> Poses:
    """Return the poses of one video, from a file or folder of any known format.

    Args:
        path: What the tracker wrote.
        format: One of ``FORMATS``; by default told by name and content.
        skeleton: The layout of the joints, where the file does not say it.
        img_shape: Height and width in pixels, for coordinates that are parts of it.
        first_frame: The ``image_id`` of the first frame of COCO results.

    Raises:
        RuntimeError: If a package is missing that reads the format.
        ValueError: If the file is of no known format, or breaks its own.
    """
    format = format or recognise(path)
    if format == 'openpose':
        return read_openpose(path)
    if format == 'mediapipe':
        return read_mediapipe(path, img_shape)
    if format == 'coco':
        return read_coco(path, skeleton, first_frame)
    readers = {
        'mmpose': read_mmpose,
        'deeplabcut': read_deeplabcut,
        'sleap': read_sleap,
        'csv': read_table,
        'npz': read_npz,
    }
    return readers[format](path, skeleton)


def recognise(path: str | os.PathLike) -> str:
    """Return the format of a file or folder of poses.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is none of ``FORMATS``.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f'{path}: there is no such file or folder.')
    found = None
    suffix = path.suffix.lower()
    if path.is_dir():
        found = 'openpose' if is_openpose(path) else None
    elif suffix == '.json':
        found = _json_format(path)
    elif suffix in ('.csv', '.tsv'):
        found = _csv_format(path)
    elif suffix == '.npz':
        found = 'npz' if 'keypoint' in npz_arrays(path) else 'mediapipe'
    elif suffix in ('.h5', '.hdf5'):
        with open_hdf5(path) as file:
            found = 'sleap' if 'tracks' in file else 'deeplabcut'
    elif suffix == '.slp':
        raise UserError(
            f'{path}: a project of SLEAP; export it there as analysis HDF5 (.h5).'
        )
    if found is None:
        raise UserError(
            f'{path}: not a format that is known ({", ".join(FORMATS)}); name it by '
            '--format, if it is one of these.'
        )
    return found


def is_openpose(folder: Path) -> bool:
    """Return whether a folder holds a file of OpenPose for each frame."""
    return next(folder.glob('*_keypoints.json'), None) is not None


def _json_format(path: Path) -> str | None:
    with path.open('rb') as file:
        start = file.read(_READ_FOR_KEYS).decode('utf-8', 'replace')
    keys = re.findall(r'"(\w+)"\s*:', start)
    found = next((_KEYS[key] for key in keys if key in _KEYS), None)
    if found == 'openpose':
        raise UserError(
            f'{path}: a single frame of OpenPose; name the folder with the files of '
            'all frames.'
        )
    return found


def _csv_format(path: Path) -> str:
    rows = read_table_rows(path)
    if rows[0][1][0] == 'scorer':
        return 'deeplabcut'
    header = [name.lower() for name in rows[0][1]]
    landmark = any(name.startswith('landmark') for name in header)
    feet = [n for n in LANDMARKS if split_side(n)[1] == 'footindex']
    named = all(any(name.startswith(foot) for name in header) for foot in feet)
    return 'mediapipe' if landmark or named else 'csv'
