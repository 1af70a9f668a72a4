"""Files of Neurodata Without Borders (NWB), which are HDF5 files with stated types.

They are read by h5py, whatever the version of the schema; pynwb, which writes them,
would first load the schema of each file.
"""

import numpy as np

from mmskelseg_io.files.hdf5 import Group, hdf5_attribute, texts
from mmskelseg_io.files.inputs import check_fps
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.messages.errors import misfit


def groups_of(file: Group) -> list[Group]:
    """Return all groups of data, without the schema, in the order of their names."""
    found = [g for g in file.groups() if not g.name.startswith('/specifications')]
    return sorted(found, key=lambda group: group.name.split('/'))


def type_of(group: Group, path: FilePath) -> str:
    """Return the type of a group, such as ``TimeIntervals``, '' if it has none."""
    return texts([hdf5_attribute(group, 'neurodata_type', path) or ''])[0]


def name_of(group: Group) -> str:
    """Return the name of a group without those that it is in."""
    return group.name.rpartition('/')[2]


def times_of(series: Group, path: FilePath) -> np.ndarray:
    """Return the seconds since the start of the session of each sample, (T,)."""
    count = series.length('data')
    if 'timestamps' in series:
        times = series.array('timestamps')
    else:
        start = series['starting_time']
        rate = check_fps(hdf5_attribute(start, 'rate', path), f'{path}: {series.name}')
        times = series.number('starting_time') + np.arange(count) / rate
    if times.shape != (count,):
        expected = f'one for each of {count} samples'
        raise misfit(path, f'{series.name}, timestamps,', times, expected)
    return times
