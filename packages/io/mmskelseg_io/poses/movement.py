"""Datasets of the library movement, in netCDF, and files that it reads.

What movement alone reads, it reads: projects of SLEAP, VIA's tracks of boxes, and by
``--pose-format movement`` any other file of its trackers.
"""

from pathlib import Path

import numpy as np

from mmskelseg_io.files.hdf5 import open_hdf5
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.files.netcdf import Dataset
from mmskelseg_io.files.parsing import FilePath, read_rows
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UserError, misfit, reading
from mmskelseg_io.poses.layouts import arranged, own_layout
from mmskelseg_io.poses.poses import (
    Poses,
    check_img_shape,
    check_size,
)
from mmskelseg_io.poses.reading import POSE_FORMATS
from mmskelseg_io.structures.bodies import SIDE, fit_image

_AXES = ('individuals', 'time', 'keypoints', 'space')
_NAMES = {*_AXES, 'position', 'confidence', 'shape'}
# The suffixes of HDF5 files among those.
_HDF5 = ('.h5', '.slp', '.nwb')
# Columns of tables by which their program is known.
_COLUMNS = {
    'scorer': 'DeepLabCut',
    'region_shape_attributes': 'VIA-tracks',
    'fnum': 'Anipose',
}


def _is_table(header: list[str]) -> bool:
    return 'scorer' not in header and any(column in header for column in _COLUMNS)


@POSE_FORMATS.register('movement', {'.nc': None, '.csv': _is_table})
def read_movement(path: FilePath) -> Poses:
    """Return the poses of one video in a netCDF dataset, or a file for movement.

    A dataset of boxes has their middle as the only joint, ``centroid``. Joints in 3D
    are ``keypoint_3d``; ``keypoint`` has their x and y, fitted into an image.

    Raises:
        DependencyError: If the file is no dataset, and movement is not installed.
    """
    if Path(path).suffix.lower() == '.nc':
        return _poses(Dataset.read(path, _NAMES.__contains__))
    return _poses(_through_movement(path))


def as_poses(given: object) -> object:
    """Return the poses of an ``xarray.Dataset`` of movement, or else what is given."""
    if type(given).__module__.partition('.')[0] == 'xarray':
        source = 'xarray.Dataset'
        return arranged(_poses(Dataset.of_xarray(given, source)), None, source)
    return given


def _poses(dataset: Dataset) -> Poses:
    path = dataset.path
    position = dataset.get('position').over(_AXES, f'{path}: position')
    people, count, joints, axes = position.shape
    space = dataset.names('space', axes, 'x')
    if space not in (['x', 'y'], ['x', 'y', 'z']):
        expected = 'x and y in pixels of one camera, or x, y and z'
        raise misfit(path, 'space', space, expected)
    frames, fps = dataset.frames(count)
    names = dataset.names('keypoints', joints, 'centroid')
    shape = (people, int(frames[-1]) + 1, joints)
    check_size(shape, people * count, str(path))
    score = np.ones(position.shape[:3])
    if 'confidence' in dataset.variables:
        stated = dataset.get('confidence').over(_AXES[:3], f'{path}: confidence')
        score = np.where(np.isnan(stated), 1, stated)
    data = np.full((*shape, axes + 1), np.nan)
    data[:, frames] = np.concatenate([position, score[..., None]], -1)
    points, score, in_3d, size = data[..., :2], data[..., -1], None, dataset.size
    notes: tuple[str, ...] = ()
    if axes == 3:
        in_3d, size = data[..., :3], [SIDE, SIDE]
        points = fit_image(points, np.isfinite(data).all(axis=-1) & (score > 0))
        notes = ('joints in 3D, of which pictures show x and y',)
    box = None
    if 'shape' in dataset.variables and axes == 2:
        half = dataset.get('shape').over(_AXES, f'{path}: shape')[:, :, 0] / 2
        middle = position[:, :, 0]
        box = np.zeros((*shape[:2], 4), np.float32)
        box[:, frames] = np.nan_to_num(
            np.concatenate([middle - half, middle + half], 2)
        )
    return Poses(
        points,
        score,
        own_layout(names, str(path)),
        None if size is None else check_img_shape(size, str(path)),
        fps,
        people=tuple(dataset.names('individuals', people, 'individual')),
        person_box=box,
        notes=notes,
        keypoint_3d=in_3d,
    )


def _through_movement(path: FilePath) -> Dataset:
    """Return what movement reads from a file of one of its trackers."""
    regular_file(path)
    import_optional('movement', f'{path}: reading this file')
    if Path(path).suffix.lower() in _HDF5:
        with open_hdf5(path) as file:
            file.check_own()
    from movement.io import load_dataset

    # Errors of HDF5 and of its checks.
    with reading(path, OSError, RuntimeError):
        loaded = load_dataset(path, source_software=_software(Path(path)))
        return Dataset.of_xarray(loaded, path)


def _software(path: Path) -> str:
    """Return the program that wrote a file, by movement's name for it."""
    suffix = path.suffix.lower()
    if suffix == '.csv':
        header = [name.lower() for name in read_rows(path)[0][1]]
        for column, software in _COLUMNS.items():
            if column in header:
                return software
    elif suffix == '.h5':
        with open_hdf5(path) as file:
            is_pandas = any('pandas_type' in item.attrs for item in file.values())
            return 'DeepLabCut' if is_pandas else 'SLEAP'
    elif suffix in ('.slp', '.nwb'):
        return 'SLEAP' if suffix == '.slp' else 'NWB'
    raise UserError(
        f'{path}: not a file that movement reads, which are those of DeepLabCut, '
        'SLEAP, LightningPose and Anipose, tracks of VIA, and NWB.'
    )
