"""Datasets of the library movement: xarray's variables with named axes, as netCDF.

A dataset has ``position`` and ``confidence`` over ``time``, ``space``, ``keypoints``
and ``individuals``, and the attributes ``fps`` and ``time_unit``; ours have
``image_height`` and ``image_width`` as well. A netCDF file is an HDF5 file, which is
read as carefully as others; xarray is not needed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmskelseg_io.files.hdf5 import Group, hdf5_attribute, open_hdf5, texts
from mmskelseg_io.files.inputs import check_fps
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.messages.errors import UserError, misfit

if TYPE_CHECKING:
    import h5py

# Later releases of movement use the singular.
_PLURALS = {'keypoint': 'keypoints', 'individual': 'individuals'}
_STATED = ('fps', 'time_unit', 'image_height', 'image_width')


@dataclass(frozen=True)
class Variable:
    """Values with the names of their axes; ``tier`` is that of labels, else ''."""

    axes: tuple[str, ...]
    values: np.ndarray
    tier: str = ''

    def over(self, axes: tuple[str, ...], place: str) -> np.ndarray:
        """Return the values with these axes, of length 1 where they lack one."""
        own = [axis for axis in axes if axis in self.axes]
        if len(own) < len(self.axes) or 'time' not in own:
            remedy = 'select the rest before saving it'
            raise misfit(place, 'axes', [*self.axes], ', '.join(axes), remedy)
        values = self.values.transpose([self.axes.index(axis) for axis in own])
        lacking = [i for i, axis in enumerate(axes) if axis not in own]
        return np.expand_dims(values, lacking)


@dataclass(frozen=True)
class Dataset:
    """The variables of a dataset of movement, by name, and its attributes."""

    path: FilePath
    variables: dict[str, Variable]
    stated: Mapping[str, Any]

    @cached_property
    def fps(self) -> float | None:
        """Frames per second, if stated."""
        fps = self.stated.get('fps')
        return None if fps is None else check_fps(fps, str(self.path))

    @property
    def size(self) -> list[Any] | None:
        """The height and width of the image, if stated, unchecked."""
        sides = [self.stated.get(key) for key in _STATED[2:]]
        return None if None in sides else sides

    @classmethod
    def of_xarray(cls, dataset: Any, path: FilePath) -> 'Dataset':
        """Return an ``xarray.Dataset``."""
        variables = {
            _plural(str(name)): Variable(tuple(map(_plural, one.dims)), one.values)
            for name, one in dataset.variables.items()
        }
        return cls(path, variables, dataset.attrs)

    @classmethod
    def read(cls, path: FilePath, wanted: Callable[[str], bool]) -> 'Dataset':
        """Return the dataset in a netCDF file, with the variables of wanted names."""
        with open_hdf5(path) as file:
            stated = {key: _stated(file, key, path) for key in _STATED}
            variables = {
                _plural(name): _variable(file, name, path)
                for name in file
                if wanted(_plural(name))
            }
        return cls(path, variables, stated)

    def get(self, name: str) -> Variable:
        """Return a variable, after checking that it exists."""
        if name not in self.variables:
            raise UserError(
                f'{self.path}: has no variable {name}, but '
                f'{", ".join(self.variables) or "none"} of those that are read.'
            )
        return self.variables[name]

    def names(self, axis: str, count: int, alone: str) -> list[str]:
        """Return the names along an axis, or ``alone`` if the dataset lacks it."""
        if axis not in self.variables:
            return [alone] if count == 1 else [f'{alone}_{i}' for i in range(count)]
        names = [str(name) for name in np.atleast_1d(self.variables[axis].values)]
        if len(names) != count or len({*names}) < count:
            raise misfit(self.path, axis, names, f'{count} different names')
        return names

    def frames(self, count: int) -> tuple[np.ndarray, float | None]:
        """Return the number of the frame of each time, (T,), and the frame rate."""
        time, fps = self.variables.get('time'), self.fps
        values = np.arange(count) if time is None else time.values
        if values.shape != (count,) or values.dtype.kind not in 'fiu':
            raise misfit(self.path, 'time', values, f'{count} numbers')
        if time is None or self.stated.get('time_unit') == 'frames':
            return _checked(values, self.path), fps
        if fps is None:
            frames, fps = frames_of(values, self.path)
            return _checked(frames + np.round(values[0] * fps), self.path), fps
        return _checked(np.round(values * fps), self.path), fps


def frames_of(times: np.ndarray, path: FilePath) -> tuple[np.ndarray, float]:
    """Return frame numbers (T,) from 0, with gaps where times have some, and the rate.

    Cameras are not quite regular, so that a step is a multiple of the usual one.

    >>> frames, fps = frames_of(np.array([5.0, 5.11, 5.2, 5.4]), 'a.nwb')
    >>> frames.tolist(), round(fps, 3)
    ([0, 1, 2, 4], 10.0)
    """
    steps = np.diff(times)
    if not (len(steps) and np.isfinite(times).all() and (steps > 0).all()):
        expected = 'at least two, each later than the one before'
        raise misfit(path, 'the beginning of times', times[:5].tolist(), expected)
    usual = np.median(steps)
    frames = np.concatenate([[0], np.cumsum(np.maximum(np.round(steps / usual), 1))])
    fps = check_fps(float(f'{frames[-1] / (times[-1] - times[0]):.9g}'), str(path))
    return _checked(frames, path), fps


def _checked(frames: np.ndarray, path: FilePath) -> np.ndarray:
    """Return the numbers of frames as integers, after checking that they are some."""
    fits = len(frames) and np.isfinite(frames).all() and frames[0] >= 0
    if (
        not fits
        or (np.diff(frames) < 1).any()
        or frames[-1] > 1000 * (len(frames) + 10)
    ):
        expected = 'frames of one video in their order, from 0'
        raise misfit(path, 'the frames of times', frames[:5].tolist(), expected)
    return frames.astype(np.int64)


def _plural(name: str) -> str:
    return _PLURALS.get(name, name)


def _stated(item: 'Group | h5py.HLObject', name: str, path: FilePath) -> Any:
    value = hdf5_attribute(item, name, path)
    return texts([value])[0] if isinstance(value, bytes | str) else value


def _variable(file: Group, name: str, path: FilePath) -> Variable:
    import h5py

    item = file[name]
    is_text = h5py.check_string_dtype(item.dtype) is not None
    values = np.array(file.texts(name)) if is_text else file.array(name)
    axes = [
        str(scales[0].name if len(scales) else item.name).rpartition('/')[2]
        for scales in item.dims
    ]
    tier = _stated(item, 'tier', path)
    return Variable(tuple(map(_plural, axes)), values, tier or '')
