"""Reading pickles that hold only data."""

import codecs
import operator
import os
import pickle
import pickletools
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from mmskelseg_io.files import inputs
from mmskelseg_io.files.pickled_values import DATA_NAMES, UnsafePickleError
from mmskelseg_io.files.pickles import load_pickle
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.oracle import Call

PLAIN = [
    np.arange(6.0).reshape(2, 3),
    np.ones((2, 3, 4), np.float32).transpose(1, 0, 2),
    np.zeros(0),
    np.array(['a', 'bcd']),
    np.array(['2020'], 'M8[D]'),
    np.float16(2),
    np.bool_(True),
    np.str_(''),
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


@pytest.mark.parametrize('protocol', range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_load_pickle_reads_long_bytes(tmp_path, protocol):
    """Alone, in lists and dicts, twice, and in arrays."""
    long, numbers = bytes(range(256)) * 300, np.arange(99999.0)
    for value in (long, bytearray(long), [long, long], {'a': long}, [bytearray(long)]):
        path = write(tmp_path / 'a.pkl', pickle.dumps(value, protocol))
        loaded = load_pickle(path)
        assert type(loaded) is type(value)
        assert loaded == value
    path = write(
        tmp_path / 'a.pkl', pickle.dumps([numbers, numbers, -numbers], protocol)
    )
    for found, value in zip(
        load_pickle(path), (numbers, numbers, -numbers), strict=True
    ):
        np.testing.assert_array_equal(found, value)


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
    with raises_naming(UnsafePickleError, path, '`os.system`'):
        load_pickle(path)
    assert not trace.exists()


def named_dict():
    """Return a dict whose attribute would take the place of a method."""
    values = OrderedDict(config='x')
    values.get = codecs.encode
    return values


STATE = b'(N}X\x08\x00\x00\x00__name__X\x01\x00\x00\x00xstb.'
# What a pickle may not ask for, and what the message names.
REFUSED = (
    (Call(eval, '1'), 'builtins.eval'),
    (Call(getattr, 'a', 'upper'), 'builtins.getattr'),
    (Call(operator.attrgetter, 'upper'), 'operator.attrgetter'),
    (Path('a'), 'Posix'),
    (b'cbuiltins\nset.__init__\n.', 'builtins.set.__init__'),
    (b'\x80\x04\x8c\x08builtins\x8c\x07set.mro\x93.', 'builtins.set.mro'),
    (b'\x80\x02\x82\x01.', 'extension'),
    (b'cnumpy\ndtype\n' + STATE, 'attributes'),
    (b'c_codecs\nencode\n' + STATE, 'attributes'),
    (named_dict(), 'OrderedDict'),
    # set(stop=3)
    (b'\x80\x04\x8c\x08builtins\x8c\x03set\x93)}\x8c\x04stopK\x03s\x92.',
     'keywords'),
    # Offsets of fields could point outside the array.
    (np.zeros(2, dtype=[('a', 'i4')]), "'V4'"),
    # Half a character, which no terminal or file could show.
    ({'frame_dir': 'take\ud800'}, 'Unicode'),
)  # fmt: skip


@pytest.mark.parametrize(('content', 'shown'), REFUSED, ids=[x for _, x in REFUSED])
def test_load_pickle_refuses_all_but_data(tmp_path, content, shown):
    with raises_naming(UnsafePickleError, tmp_path / 'a.pkl', shown):
        load_pickle(write(tmp_path / 'a.pkl', content))


def test_names_of_a_pickle_cannot_be_called():
    """So no reader runs them by mistake."""
    assert not any(map(callable, DATA_NAMES.values()))


@pytest.mark.parametrize('shape', [(4,), (1, 4), (4, 1), (2, 1, 2)])
def test_load_pickle_reads_an_array_of_objects_as_lists(tmp_path, shape):
    array = np.array([1, None, 'a', (2,)], object).reshape(shape)
    path = write(tmp_path / 'a.pkl', {'a': array})
    assert load_pickle(path) == {'a': array.tolist()}


def text(value):
    return b'\x8c' + bytes([len(value)]) + value.encode()


def plain(value):
    """Return the program of a value."""
    return pickletools.optimize(pickle.dumps(value, 2))[2:-1]


def dtype(code, state):
    """Return the program of a type with a state."""
    made = text('numpy') + text('dtype') + b'\x93' + text(code) + b'\x89\x88\x87R'
    return made + plain(state) + b'b'


def array(kind, content, shape=(1,)):
    """Return the program of an array from those of its type and content."""
    made = (
        text('numpy._core.multiarray') + text('_reconstruct') + b'\x93'
        + text('numpy') + text('ndarray') + b'\x93K\x00\x85C\x01b\x87R'
    )  # fmt: skip
    return made + b'(K\x01' + plain(shape) + kind + b'\x89' + content + b'tb'


PLAIN_STATE = (3, '<', None, None, None, -1, -1, 0)
F8 = dtype('f8', PLAIN_STATE)
O8 = dtype('O8', (3, '|', None, None, None, -1, -1, 63))
NDARRAY = text('numpy') + text('ndarray') + b'\x93'
PRIME = (2**61 - 1).to_bytes(8, 'little')
CRAFTED = {
    'array of fewer objects than its shape': array(O8, b']', (3,)),
    'array of forged pointers': array(O8, b'C\x08AAAAAAAA'),
    'array of a forged type': array(dtype('O8', PLAIN_STATE), b'C\x08AAAAAAAA'),
    'type with a forged unit': dtype('M8', (4, '=', None, None, None, 1, 3, 255)),
    'dates in units of no days': array(
        dtype('M8', (4, '<', None, None, None, 8, 8, 0, ({}, (b'D', 0, 1, 1)))),
        b'C\x08AAAAAAAA',
    ),
    'type with the name of another': b'cnumpy\ndtype\ncbuiltins\nset\n\x85R',
    'type with fields': dtype('f8', (3, '<', None, ('a',), {'a': 1}, 8, 1, 0)),
    'array larger than its content': array(F8, b'C\x08AAAAAAAA', (2,)),
    'array of a negative shape': array(F8, b'C\x08AAAAAAAA', (-1,)),
    'array of an endless shape': array(F8, b'C\x08AAAAAAAA', (1 << 62, 1 << 62, 0)),
    'array whose content is a list': array(F8, b']'),
    'array without content': array(F8, b'')[:-2] + b'0',
    'array that is built twice': array(F8, b'C\x08AAAAAAAA') + b')b',
    'array built by its constructor': NDARRAY + b'K\x01\x85R',
    'buffer that is read only': b'\x96' + bytes(8) + b'\x98',
    'buffer in another file': b'\x97',
    'items of an array': array(F8, b'C\x08AAAAAAAA') + b'K\x00K\x01s',
    'items of bytes': b'\x96' + bytes(8) + b'K\x00a',
    'value twice': b'N2\x86',
    'instance of a class': b'(ibuiltins\nset\n',
    'object of a class': b'(cbuiltins\nset\no',
    'list that holds itself': b']\x94h\x00a',
    'key that is a list': b'}]K\x01s',
    'key that is a type': b'}' + F8 + b'K\x01s',
    'key that is a name': b'}cnumpy\nndarray\nK\x01s',
    'number with the hash of zero': b'}\x8a\x08' + PRIME + b'K\x01s',
    'slice of a list': text('builtins') + text('slice') + b'\x93]\x85R',
    'array of text beyond Unicode': array(
        dtype('U1', (3, '<', None, None, None, 4, 4, 0)), b'C\x04\xff\xff\xff\x7f'
    ),
    'text of half a character': b'\x8c\x03\xed\xa0\x80',
    'mark alone': b'(',
    'two values': b'NN',
    'nothing': b'',
    'persistent id': b'NQ',
    'type that is never built': b'cnumpy\ndtype\n' + text('f8') + b'\x85R',
}  # fmt: skip


@pytest.mark.parametrize('program', CRAFTED.values(), ids=CRAFTED)
def test_load_pickle_refuses_programs_that_no_value_has(tmp_path, program):
    """Some make NumPy's own loader access foreign memory."""
    path = write(tmp_path / 'a.pkl', b'\x80\x05' + program + b'.')
    with raises_naming(UserError, path) as error:
        load_pickle(path)
    assert ' at 0x' not in str(error.value)


def test_load_pickle_reads_the_programs_that_the_crafted_ones_vary(tmp_path):
    """So the crafted ones are refused for their change."""
    program = b'\x80\x05' + array(F8, b'C\x08' + np.float64(3).tobytes()) + b'.'
    assert load_pickle(write(tmp_path / 'a.pkl', program)).tolist() == [3]


LONG = b'B' + (1 << 16).to_bytes(4, 'little') + bytes(1 << 16) + b'\x94'
REPEATED = {
    'lists': b']' * (1 << 16),
    'sets': b'\x8f' * (1 << 15),
    'calls': b'cbuiltins\nset\n\x94' + b'h\x00)\x81' * (1 << 14),
    'types': b'cnumpy\ndtype\n\x94' + (b'h\x00' + text('f8') + b'\x85R') * (1 << 13),
    'long bytes': LONG + b'h\x00' * 100,
    'arrays': LONG + F8 + b'\x94' + array(b'h\x01', b'h\x00', (1 << 13,)) * 100,
    'lists of lists': b'](' + b']\x94(' + b'K\x01' * 99 + b'e' + b''.join(
        b']\x94(' + bytes([104, i]) * 99 + b'e' for i in range(9)) + b'e',
}  # fmt: skip


@pytest.mark.parametrize('program', REPEATED.values(), ids=REPEATED)
def test_load_pickle_counts_the_memory_of_what_it_makes(tmp_path, monkeypatch, program):
    """A few bytes may ask for a large value, again and again."""
    path = write(tmp_path / 'a.pkl', b'\x80\x05' + program + b'.')
    # The bound that always holds is 256 MiB, which takes seconds to reach.
    monkeypatch.setattr(inputs, '_FREE', 1 << 22)
    with raises_naming(UnsafePickleError, path):
        load_pickle(path)


def test_load_pickle_takes_256_mib_at_most_for_a_small_file(tmp_path):
    long = b'B' + (1 << 20).to_bytes(4, 'little') + bytes(1 << 20) + b'\x94'
    path = write(tmp_path / 'a.pkl', b'\x80\x05' + long + b'h\x00' * 256 + b'.')
    with raises_naming(UnsafePickleError, path, 'memory'):
        load_pickle(path)


def test_load_pickle_returns_arrays_of_their_own(tmp_path):
    """Writing to one does not change another with the same bytes."""
    content = np.arange(1 << 14).astype(np.float64)
    first, second = load_pickle(write(tmp_path / 'a.pkl', pickle.dumps([content] * 2)))
    assert first is second
    program = (
        b'\x80\x05](B' + (1 << 17).to_bytes(4, 'little') + bytes(1 << 17) + b'\x940'
        + F8 + b'\x940' + array(b'h\x01', b'h\x00', (1 << 14,)) * 2 + b'e.'
    )  # fmt: skip
    first, second = load_pickle(write(tmp_path / 'b.pkl', program))
    first[:] = 1
    assert second.sum() == 0


def test_load_pickle_names_a_missing_file(tmp_path):
    with raises_naming(FileNotFoundError, tmp_path / 'none.pkl'):
        load_pickle(tmp_path / 'none.pkl')


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_load_pickle_names_a_truncated_file(tmp_path, protocol):
    whole = pickle.dumps({'a': np.arange(9), 'b': ['x', {1}, 2.5]}, protocol)
    for length in range(0, len(whole), 3):
        path = write(tmp_path / 'cut.pkl', whole[:length])
        with raises_naming(ValueError, path, f' of {length} bytes'):
            load_pickle(path)


@pytest.mark.parametrize('content', [b'PK\x03\x04zip', b'frame_dir,label\n', b'\xff'])
def test_load_pickle_names_a_file_that_is_no_pickle(tmp_path, content):
    with raises_naming(ValueError, tmp_path / 'a.pkl', f' of {len(content)} bytes'):
        load_pickle(write(tmp_path / 'a.pkl', content))
