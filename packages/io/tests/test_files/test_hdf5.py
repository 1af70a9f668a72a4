"""HDF5 files of strangers: what lies elsewhere, and claims of much memory."""

import os
import struct
import sys
import tracemalloc
from subprocess import run
from types import ModuleType

import numpy as np
import pytest

from mmskelseg_io.files.hdf5 import open_hdf5
from mmskelseg_io.labels.nwb import read_nwb
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.places.reading import read_places
from mmskelseg_io.poses import read_poses
from tests.drawn_places import simba
from tests.errors import raises_naming
from tests.test_poses.trackers import deeplabcut, jabs, netcdf, nwb, sleap

h5py = pytest.importorskip('h5py', reason='h5py is not installed')
WALK = np.random.default_rng(0).uniform(1, 300, (5, 3, 3))
TIMES = np.arange(5) / 10
SUBJECT = 'general/subject/subject_id'
# A reader, what writes a file of it, and the items that it reads.
READERS = {
    'sleap': (
        read_poses,
        lambda path: sleap(path, WALK[None, ..., :2], edge_inds=[[0, 1]]),
        ('tracks', 'node_names', 'track_names', 'edge_inds', 'point_scores'),
    ),
    'jabs': (
        read_poses,
        lambda path: jabs(path, np.ones((5, 12, 2)), external_identity_mapping=[7]),
        ('poseest', 'poseest/points', 'poseest/external_identity_mapping'),
    ),
    'deeplabcut': (
        read_poses,
        lambda path: deeplabcut(path, WALK.reshape(5, 9), 'fixed'),
        ('poses', 'poses/axis1', 'poses/block0_items_level0', 'poses/block0_values'),
    ),
    'nwb': (
        read_poses,
        lambda path: nwb(path, WALK, TIMES, [[0, 1]]),
        (
            *(f'processing/behavior/PoseEstimation/nose/{key}'
              for key in ('data', 'confidence', 'timestamps')),
            'processing/behavior/PoseEstimation/nodes',
            'processing/behavior/PoseEstimation/dimensions',
            SUBJECT,
        ),
    ),
    'movement': (
        read_poses, lambda path: netcdf(path, WALK), ('confidence', 'position')
    ),
    'labels': (
        read_nwb,
        lambda path: nwb(path, WALK, TIMES),
        ('intervals/steps/label', 'intervals/steps/stop_time',
         'events/sounds/timestamp',
         'processing/behavior/epochs/groom/data'),
    ),
    'simba': (
        read_places,
        lambda path: simba(path),
        ('circleDf', 'circleDf/block0_items', 'circleDf/block0_values'),
    ),
}  # fmt: skip
SUFFIXES = {'movement': '.nc', 'nwb': '.nwb', 'labels': '.nwb'}
ITEMS = [(name, item) for name, (*_, items) in READERS.items() for item in items]


@pytest.fixture
def pipe(tmp_path):
    """A pipe, which whoever opens it waits for."""
    if not hasattr(os, 'mkfifo'):
        pytest.skip('there are no pipes')
    os.mkfifo(tmp_path / 'pipe.h5')
    return tmp_path / 'pipe.h5'


def external(file, name, pipe):
    file[name] = h5py.ExternalLink(pipe, '/')


def soft(file, name, pipe):
    file['elsewhere'] = h5py.ExternalLink(pipe, '/')
    file['between'] = h5py.SoftLink('/elsewhere')
    file[name] = h5py.SoftLink('/between')


def soft_into(file, name, pipe):
    file['elsewhere'] = h5py.ExternalLink(pipe, '/')
    file[name] = h5py.SoftLink('/elsewhere/a')


def virtual(file, name, pipe):
    layout = h5py.VirtualLayout((5,), float, maxshape=(None,))
    source = h5py.VirtualSource(pipe, '/a', (5,), float, (None,))
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    file.create_virtual_dataset(name, layout)


def stored_apart(file, name, pipe):
    file.create_dataset(name, (5,), float, external=[(pipe, 0, 40)])


@pytest.mark.parametrize('leave', [external, soft, soft_into, virtual, stored_apart])
@pytest.mark.parametrize(('reader', 'item'), ITEMS)
def test_what_lies_in_another_file_is_never_opened(reader, item, leave, tmp_path, pipe):
    """Opening a pipe would wait for ever; the user has not named that file."""
    read, write, _ = READERS[reader]
    path = write(tmp_path / f'a{SUFFIXES.get(reader, ".h5")}')
    with h5py.File(path, 'r+') as file:
        del file[item]
        leave(file, item, str(pipe))
    with raises_naming(UserError, path, 'another file'):
        read(path)


@pytest.mark.parametrize('leave', [external, virtual, stored_apart])
def test_nothing_of_another_file_reaches_the_reader_of_movement(
    leave, tmp_path, pipe, monkeypatch
):
    """It follows all links, so that a file that has some to others is refused."""
    monkeypatch.setitem(sys.modules, 'movement', ModuleType('movement'))
    with h5py.File(tmp_path / 'a.slp', 'w') as file:
        leave(file.create_group('a/b'), 'c', str(pipe))
    with raises_naming(UserError, tmp_path / 'a.slp', '/a/b/c', 'another file'):
        read_poses(tmp_path / 'a.slp', 'movement')


@pytest.mark.parametrize(('number', 'size'), [
    (0, 0), (0, 8), (2, 2**64 - 16), (2, 2**64 - 8), (2, 5000)
])  # fmt: skip
def test_a_heap_that_hdf5_walks_for_ever_is_damaged(number, size, tmp_path):
    path = tmp_path / 'take1.nc'
    with h5py.File(path, 'w') as file:
        file.attrs['time_unit'] = 'seconds'
    content = bytearray(path.read_bytes())
    # After a head of 16 bytes, the text and its head come before what is free.
    free = content.index(b'GCOL') + 40
    content[free : free + 16] = struct.pack('<H6xQ', number, size)
    path.write_bytes(content)
    code = (
        'import sys\nfrom mmskelseg_io.files.hdf5 import *\n'
        'with open_hdf5(sys.argv[1]) as file: file.attrs["time_unit"]'
    )
    # The library would stop the tests.
    command = [sys.executable, '-c', code, str(path)]
    ended = run(command, timeout=60, capture_output=True, text=True, check=False)
    error = ended.stderr.splitlines()[-1]
    assert 'UserError' in error
    assert str(path) in error


def test_heaps_of_many_texts_are_read(tmp_path):
    names = [f'joint{i}' * (i % 7) for i in range(3000)]
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file['names'] = names
        file['names'][100:200] = [b'x' * i for i in range(100)]
    with open_hdf5(tmp_path / 'a.h5') as file:
        assert file.texts('names')[:100] == names[:100]
        assert file.texts('names')[199] == 'x' * 99


@pytest.mark.parametrize('reader', READERS)
def test_links_within_a_file_are_followed(reader, tmp_path, pipe):
    """And those to others that nobody reads stop nothing."""
    read, write, items = READERS[reader]
    path = write(tmp_path / f'a{SUFFIXES.get(reader, ".h5")}')
    expected = str(read(path))
    with h5py.File(path, 'r+') as file:
        inner = file.create_group('inner')
        file.move(items[-1], 'inner/moved')
        file['between'] = h5py.SoftLink('inner/moved')
        file[items[-1]] = h5py.SoftLink('/between')
        inner['raw'] = h5py.ExternalLink(str(pipe), '/')
    assert str(read(path)) == expected


def test_links_in_a_circle_are_missing(tmp_path):
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file['a'], file['b'] = h5py.SoftLink('/b'), h5py.SoftLink('/a')
        file['c'] = file['/']
    with open_hdf5(tmp_path / 'a.h5') as group:
        assert 'a' not in group
        assert 'a' not in group['c']['c']
        assert [one.name for one in group.groups()] == ['/c']


def test_groups_three_thousand_deep_are_all_found(tmp_path):
    """Each is looked at once: HDF5's own visit compares all with all."""
    with h5py.File(tmp_path / 'a.nwb', 'w', libver='latest') as file:
        for _ in range(3000):
            file = file.create_group('a')
    with open_hdf5(tmp_path / 'a.nwb') as group:
        assert sum(1 for _ in group.groups()) == 3000


def claiming(path, name, count, dtype=float):
    """Replace a data set by one that claims so many values, of which none is there."""
    shape = (count,) if np.ndim(count) == 0 else count
    with h5py.File(path, 'r+') as file:
        attributes = dict(file[name].attrs) if name in file else {}
        if name in file:
            del file[name]
        chunks = (1024, *shape[1:])
        file.create_dataset(name, shape, dtype, chunks=chunks, compression='gzip')
        file[name].attrs.update(attributes)
    return path


SERIES = 'processing/behavior/PoseEstimation/'


@pytest.mark.parametrize(('changes', 'named'), [
    ({f'{SERIES}nose/data': ((10**9, 2), float)}, 'nose/data'),
    ({f'{SERIES}nose/timestamps': (4 * 10**8, float)}, 'nose/timestamps'),
    ({SUBJECT: (10**6, 'S9000')}, SUBJECT),
    ({f'{SERIES}{part}/data': ((8 * 10**6, 2), float)
      for part in ('nose', 'ear_left', 'ear_right')}, ''),
])  # fmt: skip
def test_claims_of_nwb_are_checked_before_memory_is_taken(changes, named, tmp_path):
    """A few kilobytes that would become gigabytes, also by several series together."""
    path = nwb(tmp_path / 'a.nwb', WALK, TIMES)
    for name, (count, dtype) in changes.items():
        claiming(path, name, count, dtype)
    tracemalloc.start()
    try:
        with raises_naming(UserError, path):
            read_poses(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 29
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(('read', 'name'), [
    (read_poses, f'{SERIES}nose/data'),
    (read_poses, f'{SERIES}nose/confidence'),
    (read_poses, f'{SERIES}edges'),
    (read_nwb, 'intervals/steps/start_time'),
])  # fmt: skip
@pytest.mark.parametrize('value', [1e300, -1e300])
def test_numbers_beyond_any_camera_are_no_missing_joints(read, name, value, tmp_path):
    path = nwb(tmp_path / 'take1.nwb', WALK, TIMES, [[0, 1]])
    with h5py.File(path, 'r+') as file:
        values = file[name][()].astype(float)
        values.flat[1] = value
        del file[name]
        file[name] = values
    with raises_naming(UserError, path, f'/{name} | {value:g}'):
        read(path)


def test_large_numbers_in_tables_are_named(tmp_path):
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file['rows'] = np.array([(1, 2.0), (3, 1e300)], [('i', int), ('x', float)])
    with (
        open_hdf5(tmp_path / 'a.h5') as file,
        raises_naming(UserError, 'a.h5', '/rows', '1e+300'),
    ):
        file.array('rows')


def test_start_of_nwb_is_a_single_number(tmp_path):
    path = nwb(tmp_path / 'a.nwb', WALK, TIMES)
    with h5py.File(path, 'r+') as file:
        for part in file[SERIES].values():
            if isinstance(part, h5py.Group):
                del part['timestamps']
                part['starting_time'] = 0.0
                part['starting_time'].attrs['rate'] = 10.0
    assert read_poses(path).fps == 10
    claiming(path, f'{SERIES}nose/starting_time', 10**8)
    with raises_naming(UserError, path, 'nose/starting_time', 100000000):
        read_poses(path)
