"""Arrays in files, as other machines write them."""

import pickle

import numpy as np
import pytest

from mmskelseg_io.files.arrays import gathered, read_npy, read_npz
from mmskelseg_io.files.pickles import load_pickle


def npy(path, array):
    np.save(path, array)
    return read_npy(path.with_suffix('.npy'))


def npz(path, array):
    np.savez(path, a=array)
    return read_npz(path.with_suffix('.npz'))['a']


def pickled(path, array):
    path.write_bytes(pickle.dumps(array))
    return load_pickle(path)


@pytest.mark.parametrize('write_and_read', [npy, npz, pickled])
@pytest.mark.parametrize('kind', ['>f4', '>f8', '>i2', '>u8', '>U3', '<f4', '<i8'])
def test_bytes_of_a_number_are_in_the_order_of_this_machine(
    tmp_path, write_and_read, kind
):
    """PyTorch takes no others."""
    array = np.array([[1, 2, 300]]).astype(kind)
    found = write_and_read(tmp_path / 'a', array)
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, array)


def test_blocks_become_one_array_in_memory_or_in_a_file():
    whole = np.arange(14, dtype=np.float32).reshape(7, 2)
    for max_bytes, writeable in ((56, True), (55, False)):
        found = gathered(iter(np.split(whole, [3, 4])), 7, max_bytes)
        np.testing.assert_array_equal(found, whole)
        assert (found.dtype, found.flags.writeable) == (whole.dtype, writeable)
