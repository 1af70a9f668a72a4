"""Reading data, and only data, from pickles."""

import codecs
import operator
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from mmskelseg.runtime.files.pickles import DATA_GLOBALS, UnsafePickleError, load_pickle

PLAIN = [
    np.arange(6.0).reshape(2, 3),
    np.ones((2, 3, 4), np.float32).transpose(1, 0, 2),
    np.zeros(0),
    np.array(['a', 'bcd']),
    np.array([1, None, [2]], object),
    np.array(['2020'], 'M8[D]'),
    np.float16(2),
    np.bool_(True),
    np.dtype('int64'),
    {1, 2},
    frozenset([2]),
    1j,
    slice(1, 2),
    b'a\xff',
    bytearray(b'a\xff'),
    OrderedDict(a=1),
    {'split': {'train': ['01']}, 'total_frames': 3, 'fps': None},
]


class Call:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


def write(path, content):
    data = content if isinstance(content, bytes) else pickle.dumps(content)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize('value', PLAIN, ids=repr)
def test_load_pickle_reads_plain_data_like_pickle(tmp_path, value, protocol):
    """Every protocol gives back type, values and dtype."""
    path = write(tmp_path / 'a.pkl', pickle.dumps(value, protocol))
    loaded = load_pickle(path)
    assert type(loaded) is type(value)
    if isinstance(value, np.ndarray):
        assert loaded.dtype == value.dtype
        np.testing.assert_array_equal(loaded, value, strict=True)
    else:
        assert loaded == value


@pytest.mark.parametrize('core', ['core', '_core'])
def test_load_pickle_reads_arrays_of_both_numpy_generations(tmp_path, core):
    """The module names of NumPy 1 and 2 are both known."""
    text = pickle.dumps(np.arange(3), 2).replace(b'numpy._core.', b'numpy.core.')
    text = text.replace(b'numpy.core.', f'numpy.{core}.'.encode())
    np.testing.assert_array_equal(
        load_pickle(write(tmp_path / 'a.pkl', text)), [0, 1, 2]
    )


def test_load_pickle_refuses_a_command_and_runs_nothing(tmp_path):
    """A pickle that calls os.system is refused by name and leaves no trace."""
    trace = tmp_path / 'trace'
    path = write(tmp_path / 'evil.pkl', Call(os.system, f'touch {trace}'))
    with pytest.raises(UnsafePickleError, match=r'evil.pkl: refused.*`os\.system`'):
        load_pickle(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ('content', 'shown'),
    [
        (Call(eval, '1'), 'builtins.eval'),
        (Call(getattr, 'a', 'upper'), 'builtins.getattr'),
        (Call(operator.attrgetter, 'upper'), 'operator.attrgetter'),
        (Path('a'), 'Posix'),
        (b'cbuiltins\nset.__init__\n.', 'builtins.set.__init__'),
        (b'\x80\x04\x8c\x08builtins\x8c\x07set.mro\x93.', 'builtins.set.mro'),
        (b'\x80\x02\x82\x01.', 'extension 1'),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_load_pickle_refuses_names_outside_the_list(tmp_path, content, shown):
    """Whatever opcode names it, a foreign function is refused."""
    with pytest.raises(UnsafePickleError, match=shown):
        load_pickle(write(tmp_path / 'a.pkl', content))


@pytest.mark.parametrize('name', [b'cnumpy\ndtype\n', b'c_codecs\nencode\n'])
def test_load_pickle_sets_no_attribute_of_a_function(tmp_path, name):
    """BUILD with a state of slots would otherwise change our own functions."""
    state = b'(N}X\x08\x00\x00\x00__name__X\x01\x00\x00\x00xst'
    before = [function for function in DATA_GLOBALS.values() if callable(function)]
    names = [function.__name__ for function in before]
    with pytest.raises(UnsafePickleError, match='would change attributes'):
        load_pickle(write(tmp_path / 'a.pkl', name + state + b'b.'))
    assert [function.__name__ for function in before] == names


def test_load_pickle_refuses_an_array_over_forged_pointers(tmp_path):
    """Neither the constructor nor a forged dtype may turn bytes into objects."""
    constructor = (
        b'cnumpy\nndarray\n((K\x01tX\x01\x00\x00\x00O'
        + pickle.dumps(b'12345678')[11:-1]
    )
    with pytest.raises(ValueError, match=r'a\.pkl'):
        load_pickle(write(tmp_path / 'a.pkl', constructor + b'tR.'))
    forged = pickle.dumps(np.dtype(object), 2).replace(b'K?t', b'K\x00t')
    with pytest.raises(UnsafePickleError, match='compound type'):
        load_pickle(write(tmp_path / 'b.pkl', forged))


def test_load_pickle_refuses_structured_arrays(tmp_path):
    """Field offsets come from the file and could point outside the array."""
    array = np.zeros(2, dtype=[('a', 'i4')])
    with pytest.raises(UnsafePickleError, match='compound type'):
        load_pickle(write(tmp_path / 'a.pkl', array))


def test_load_pickle_names_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.pkl: there is no such file'):
        load_pickle(tmp_path / 'none.pkl')


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_load_pickle_names_a_truncated_file(tmp_path, protocol):
    """Cut anywhere, a pickle is reported as such and nothing else is raised."""
    whole = pickle.dumps({'a': np.arange(9), 'b': ['x', {1}, 2.5]}, protocol)
    for length in range(0, len(whole), 3):
        path = write(tmp_path / 'cut.pkl', whole[:length])
        with pytest.raises(ValueError, match=rf'cut\.pkl.* of {length} bytes'):
            load_pickle(path)


@pytest.mark.parametrize('content', [b'PK\x03\x04zip', b'frame_dir,label\n', b'\xff'])
def test_load_pickle_names_a_file_that_is_no_pickle(tmp_path, content):
    with pytest.raises(ValueError, match=r'a\.pkl: a pickle was expected'):
        load_pickle(write(tmp_path / 'a.pkl', content))


def test_load_pickle_gives_dicts_no_attributes(tmp_path):
    """A function in place of a method would run where the dict is read."""
    values = OrderedDict(config='x')
    values.get = codecs.encode
    file = tmp_path / 'a.pkl'
    file.write_bytes(pickle.dumps(values))
    with pytest.raises(UnsafePickleError, match='attributes of `OrderedDict`'):
        load_pickle(file)


def test_load_pickle_calls_no_constructor_with_keywords(tmp_path):
    """They could name an address, such as the allocator of a storage."""
    file = tmp_path / 'a.pkl'
    # set(stop=3)
    file.write_bytes(
        b'\x80\x04\x8c\x08builtins\x8c\x03set\x93)}\x8c\x04stopK\x03s\x92.'
    )
    with pytest.raises(UnsafePickleError, match='constructor with keywords'):
        load_pickle(file)


def test_load_pickle_lets_no_type_grow_under_its_array(tmp_path):
    """The array would reach beyond its memory."""

    def text(value):
        return b'\x8c' + bytes([len(value)]) + value.encode()

    def state(size):
        return (
            b'(K\x03'
            + text('|')
            + b'NNNJ'
            + size.to_bytes(4, 'little')
            + b'K\x01K\x00t'
        )

    dtype = text('numpy') + text('dtype') + b'\x93' + text('S8') + b'\x85R'
    array = (
        text('numpy.core.multiarray') + text('_reconstruct') + b'\x93'
        + text('numpy') + text('ndarray') + b'\x93K\x00\x85C\x01b\x87R'
        + b'(K\x01K\x01\x85h\x00\x89C\x08AAAAAAAAtb\x94'
    )  # fmt: skip
    file = tmp_path / 'a.pkl'
    head = b'\x80\x04' + dtype + state(8) + b'b\x94' + array
    file.write_bytes(head + b'.')
    assert load_pickle(file).tolist() == [b'AAAAAAAA']
    file.write_bytes(head + b'h\x00' + state(4096) + b'b0.')
    with pytest.raises(UnsafePickleError, match='compound type'):
        load_pickle(file)
