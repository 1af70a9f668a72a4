"""Reading of pickles that hold only data, without running code from the file.

A pickle is a small program: it names functions and calls them. The unpickler here
resolves only a fixed list of names, calls nothing else, and never sets attributes of a
class or function.
"""

import os
import pickle
import re
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import IO, Any, ClassVar, TypeAlias

import numpy as np

from mmskelseg.runtime.files.arrays import check_text
from mmskelseg.runtime.files.inputs import most_bytes_of, regular_file
from mmskelseg.runtime.messages.errors import UserError

# What executing the opcodes of a damaged pickle can raise.
UNREADABLE = (
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
)


class UnsafePickleError(UserError):
    """A pickle asks for something other than data."""


class _NdarrayType:
    """Stands for ``numpy.ndarray``, whose constructor could read foreign memory."""


_NDARRAY = _NdarrayType()


def _rebuilder(value: np.ndarray | np.generic) -> Callable[..., Any]:
    """Return the function of NumPy that a pickle of a value calls.

    Its module differs between NumPy 1 and 2.
    """
    reduced = value.__reduce_ex__(5)
    assert isinstance(reduced, tuple)
    return reduced[0]


_numpy_frombuffer: Callable[..., np.ndarray] = _rebuilder(np.zeros(1))
_numpy_scalar: Callable[..., np.generic] = _rebuilder(np.float64(0))

# Reads of more bytes than this are first compared with the size of the file.
_CHECKED_READ = 1 << 16
# The largest item of a text or void type, in bytes.
_LONGEST_ITEM = 1 << 16
# The most values in a tuple that is a key of a dict or a member of a set.
_LARGEST_KEY = 1000


def _size_of_key(value: object) -> int:
    """Return how many values a key holds; counting stops beyond the limit."""
    size = 1
    if isinstance(value, slice):
        value = (value.start, value.stop, value.step)
    for item in value if isinstance(value, tuple | frozenset) else ():
        size += _size_of_key(item)
        if size > _LARGEST_KEY:
            break
    return size


def _check_keys(values: Iterable[object]) -> None:
    """Refuse keys that hold one tuple so many times that hashing them never ends."""
    for value in values:
        if _size_of_key(value) > _LARGEST_KEY:
            raise UnsafePickleError(f'it has a key of over {_LARGEST_KEY} values')


def _size_of(value: object) -> int:
    """Return about how many bytes a call took for its result.

    Arrays and tensors take none, since they share the memory of their content.
    """
    storage = getattr(value, '_untyped_storage', None)
    if storage is not None:
        return storage.nbytes()
    if isinstance(value, bytes | bytearray | str):
        return len(value)
    if isinstance(value, set | frozenset | list | tuple | dict):
        return 64 * (1 + len(value))
    return 64


def _set_of(kind: type) -> Callable[..., object]:
    def make(*items: object) -> object:
        """Return the set of a list."""
        for item in items:
            if not isinstance(item, list | tuple):
                raise UnsafePickleError(
                    f'it would make a {kind.__name__} of something other than a list'
                )
            _check_keys(item)
        return kind(*items)

    return make


def _bytes_of(kind: type) -> Callable[..., object]:
    def make(*parts: object) -> object:
        """Return bytes made of bytes or text, but not of a bare number."""
        if parts and not isinstance(parts[0], bytes | bytearray | str | list):
            raise UnsafePickleError(f'it would make a {kind.__name__} of a number')
        return kind(*parts)

    return make


def _ordered(*items: list | tuple) -> OrderedDict:
    """Return the dict of a list of pairs."""
    for pairs in items:
        if not isinstance(pairs, list | tuple):
            raise UnsafePickleError(
                'it would make an OrderedDict of something other than a list'
            )
        _check_keys(pair[0] for pair in pairs)
    return OrderedDict(*items)


def _scalar(dtype: np.dtype, *value: object) -> np.generic:
    """Return a value of a NumPy type; without its bytes it is refused."""
    if not value:
        raise UnsafePickleError('it holds a value without its bytes')
    content = value[0]
    is_text = isinstance(dtype, np.dtype) and dtype.kind == 'U'
    if is_text and isinstance(content, bytes):
        check_text(np.frombuffer(content, dtype), 'array')
    return _numpy_scalar(dtype, *value)


def _reconstruct(kind: object, *_: object) -> np.ndarray:
    """Return the empty array that ``ndarray.__setstate__`` fills."""
    if kind is not _NDARRAY:
        raise UnsafePickleError('it holds an array of a foreign type')
    return np.empty(0, 'b')


def _frombuffer(buffer: bytes | bytearray, *layout: object) -> np.ndarray:
    """Return the array of a protocol-5 pickle."""
    if not isinstance(buffer, (bytes, bytearray)):
        raise UnsafePickleError('it shares the memory of an array')
    array = _numpy_frombuffer(buffer, *layout)
    check_text(array, 'array')
    return array


def _dtype(code: str, *_: object) -> np.dtype:
    """Return a new dtype, so that setting its state affects this pickle only."""
    if not (isinstance(code, str) and re.fullmatch(r'[?bBiufcSUmMO]\d*', code)):
        raise UnsafePickleError(f'it holds an array of the compound type {code!r}')
    if len(code) > 1 and int(code[1:]) > _LONGEST_ITEM:
        raise UnsafePickleError(f'it holds items of {code[1:]} bytes')
    return np.dtype(code, align=False, copy=True)


def _encode(text: str, encoding: str = 'latin1') -> bytes:
    """Return the bytes that protocols 0 to 2 write as text."""
    if encoding not in ('latin1', 'latin-1'):
        raise UnsafePickleError(f'it encodes text as {encoding!r}')
    return text.encode('latin1')


# What the pickle gets for the names (module, name) that it may use.
Globals: TypeAlias = Mapping[tuple[str, str], object]
# Gives an instance its pickled state.
StateSetter: TypeAlias = Callable[[Any, Any], None]

DATA_GLOBALS: Globals = MappingProxyType(
    {('builtins', kind.__name__): kind for kind in (complex, slice)}
    # They are never made of a number or a range, which take no room in a file.
    | {('builtins', kind.__name__): _set_of(kind) for kind in (frozenset, set)}
    | {('builtins', kind.__name__): _bytes_of(kind) for kind in (bytearray, bytes)}
    | {
        ('collections', 'OrderedDict'): _ordered,
        ('_codecs', 'encode'): _encode,
        ('numpy', 'ndarray'): _NDARRAY,
        ('numpy', 'dtype'): _dtype,
    }
    | {
        (f'numpy.{core}.{module}', name): function
        for core in ('core', '_core')
        for module, name, function in (
            ('multiarray', '_reconstruct', _reconstruct),
            ('multiarray', 'scalar', _scalar),
            ('numeric', '_frombuffer', _frombuffer),
        )
    }
)


def _set_dtype_state(dtype: np.dtype, state: object) -> None:
    size = dtype.itemsize
    dtype.__setstate__(state)  # type: ignore[attr-defined]
    # A forged state could pass off plain bytes as pointers, or let an array that
    # already has this type reach beyond its memory.
    plain = np.dtype(dtype.str)
    forged = (dtype.flags, plain, dtype.itemsize) != (plain.flags, dtype, size)
    if dtype.fields or dtype.subdtype or forged:
        raise UnsafePickleError('it holds an array of a compound type')


def _set_array_state(array: np.ndarray, state: tuple) -> None:
    array.__setstate__(state)
    check_text(array, 'array')


def _set_dict_state(instance: OrderedDict, state: object) -> None:
    # Other attributes could take the place of methods, such as `get`.
    if type(state) is not dict or state.keys() - {'_metadata'}:
        raise UnsafePickleError('it would change attributes of `OrderedDict`')
    instance.__dict__.update(state)


# The pure Python unpickler, because only its opcodes can be replaced.
class RestrictedUnpickler(pickle._Unpickler):
    """An unpickler that resolves only the names in ``admitted``.

    Subclasses extend ``admitted``, which maps (module, name) to what the pickle gets
    for it, and ``setters``, which maps a type to the function that gives an instance
    its pickled state. A name that is not in ``admitted`` raises UnsafePickleError.
    """

    admitted: ClassVar[Globals] = DATA_GLOBALS
    setters: ClassVar[Mapping[type, StateSetter]] = MappingProxyType(
        {
            np.ndarray: _set_array_state,
            np.dtype: _set_dtype_state,
            OrderedDict: _set_dict_state,
        }
    )
    dispatch: ClassVar[dict[int, Callable]] = dict(pickle._Unpickler.dispatch)
    stack: list[object]
    read: Callable[[int], bytes]
    append: Callable[[object], None]
    readline: Callable[[], bytes]

    def __init__(self, file: IO[bytes], **options: Any) -> None:
        super().__init__(file, **options)
        read, begin = file.read, file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(begin)

        def read_what_is_there(size: int) -> bytes:
            # Python would allocate as much as a length claims.
            if size > _CHECKED_READ and size > end - file.tell():
                raise EOFError
            return read(size)

        self._file_read = read_what_is_there
        self._left = most_bytes_of(end - begin)

    def find_class(self, module: str, name: str) -> object:
        """Return what ``admitted`` holds for a name in the pickle."""
        known = {'__builtin__': 'builtins'}.get(module, module)
        if (known, name) not in self.admitted:
            if not f'{known}.{name}'.replace('.', '').isidentifier():
                # Text of another kind of file that happens to look like an opcode.
                raise pickle.UnpicklingError('it is not a pickle')
            shown = {'posix': 'os', 'nt': 'os'}.get(known, known)
            raise UnsafePickleError(f'it would run `{shown}.{name}`')
        return self.admitted[known, name]

    def get_extension(self, code: int) -> None:
        """Refuse the registry of extension codes, which bypasses the names."""
        raise UnsafePickleError(f'it would run what is registered as extension {code}')

    def load_global(self) -> None:
        """Push a global; a file that ends within its name is truncated."""
        module, name = self.readline(), self.readline()
        if not name.endswith(b'\n'):
            raise EOFError
        self.append(self.find_class(module[:-1].decode(), name[:-1].decode()))

    dispatch[pickle.GLOBAL[0]] = load_global

    def load_reduce(self) -> None:
        """Push what a call returns; a few bytes could ask for many copies."""
        pickle._Unpickler.load_reduce(self)  # type: ignore[attr-defined]
        self._left -= _size_of(self.stack[-1])
        if self._left < 0:
            raise UnsafePickleError('it would take far more memory than its size')

    dispatch[pickle.REDUCE[0]] = load_reduce

    def load_newobj_ex(self) -> None:
        """Refuse constructors with keywords, which plain data never needs."""
        raise UnsafePickleError('it would call a constructor with keywords')

    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex

    def load_build(self) -> None:
        """Give the instance on top of the stack its state, if its type is known."""
        state = self.stack.pop()
        instance = self.stack[-1]
        for kind in type(instance).__mro__:
            if kind in self.setters:
                self.setters[kind](instance, state)
                return
        shown = getattr(instance, '__name__', type(instance).__name__)
        raise UnsafePickleError(f'it would change attributes of `{shown}`')

    dispatch[pickle.BUILD[0]] = load_build

    def load_bytearray8(self) -> None:
        """Push bytes from the file; Python's own would first allocate their length."""
        (length,) = struct.unpack('<Q', self.read(8))
        self.append(bytearray(self.read(length)))

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8

    def load_setitem(self) -> None:
        """Set an item of a dict."""
        _check_keys(self.stack[-2:-1])
        pickle._Unpickler.load_setitem(self)  # type: ignore[attr-defined]

    dispatch[pickle.SETITEM[0]] = load_setitem

    def load_setitems(self) -> None:
        """Set items of a dict."""
        _check_keys(self.stack[::2])
        pickle._Unpickler.load_setitems(self)  # type: ignore[attr-defined]

    dispatch[pickle.SETITEMS[0]] = load_setitems

    def load_dict(self) -> None:
        """Push a dict."""
        _check_keys(self.stack[::2])
        pickle._Unpickler.load_dict(self)  # type: ignore[attr-defined]

    dispatch[pickle.DICT[0]] = load_dict

    def load_additems(self) -> None:
        """Add members to a set."""
        _check_keys(self.stack)
        pickle._Unpickler.load_additems(self)  # type: ignore[attr-defined]

    dispatch[pickle.ADDITEMS[0]] = load_additems

    def load_frozenset(self) -> None:
        """Push a frozenset."""
        _check_keys(self.stack)
        pickle._Unpickler.load_frozenset(self)  # type: ignore[attr-defined]

    dispatch[pickle.FROZENSET[0]] = load_frozenset


def load_pickle(
    path: str | os.PathLike, unpickler: type[RestrictedUnpickler] = RestrictedUnpickler
) -> Any:
    """Return the content of a pickle of NumPy arrays and built-in types.

    Arrays of compound (structured or void) types are refused.

    Args:
        path: The file.
        unpickler: The unpickler to use, which may admit further types.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafePickleError: If the pickle names anything else; none of it has run then.
        ValueError: If the file is truncated or not a pickle.
    """
    path = regular_file(path)
    with path.open('rb') as file:
        try:
            return unpickler(file).load()
        except UnsafePickleError as error:
            raise UnsafePickleError(
                f'{path}: refused: {error}; only NumPy arrays and built-in types are '
                'read. Do not open this file; save its data again as plain arrays.'
            ) from None
        except (EOFError, *UNREADABLE):
            raise UserError(
                f'{path}: a pickle was expected, but after {file.tell()} of '
                f'{path.stat().st_size} bytes it ends or cannot be read; copy or make '
                'the file again.'
            ) from None
