"""Files of Neurodata Without Borders (NWB), which are HDF5 files with stated types.

They are read by h5py, whatever the version of the schema; pynwb, which writes them,
would first load the schema of each file.
"""

from typing import TYPE_CHECKING

import numpy as np

from mmskelseg.runtime.files.hdf5 import hdf5_array, hdf5_attribute, texts
from mmskelseg.runtime.files.inputs import check_fps
from mmskelseg.runtime.files.parsing import FilePath
from mmskelseg.runtime.messages.errors import UserError

if TYPE_CHECKING:
    import h5py


def groups_of(file: 'h5py.File') -> list['h5py.Group']:
    """Return all groups of data, without the schema."""
    import h5py

    found: list[h5py.Group] = []

    def visit(name: str, item: 'h5py.HLObject') -> None:
        if isinstance(item, h5py.Group) and not name.startswith('specifications'):
            found.append(item)

    file.visititems(visit)
    return found


def type_of(group: 'h5py.Group', path: FilePath) -> str:
    """Return the type of a group, such as ``TimeIntervals``, '' if it has none."""
    return texts([hdf5_attribute(group, 'neurodata_type', path) or ''])[0]


def name_of(group: 'h5py.Group') -> str:
    """Return the name of a group without those that it is in."""
    return str(group.name).rpartition('/')[2]


def times_of(series: 'h5py.Group', path: FilePath) -> np.ndarray:
    """Return the seconds since the start of the session of each sample, (T,)."""
    count = len(series['data'])
    if 'timestamps' in series:
        times = hdf5_array(series['timestamps'], path)
    else:
        start = series['starting_time']
        rate = check_fps(hdf5_attribute(start, 'rate', path), f'{path}: {series.name}')
        times = float(start[()]) + np.arange(count) / rate
    if times.shape != (count,):
        raise UserError(
            f'{path}: {series.name} has {count} samples and timestamps of the shape '
            f'{times.shape}, expected one for each.'
        )
    return times
