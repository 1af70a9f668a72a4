"""Reading of pickles that hold data alone, without running code from the file.

A pickle is a small program: it names functions and calls them. The unpickler here
resolves a fixed list of names only, calls nothing else, and sets attributes on no
class or function.
"""

import os
import pickle
import re
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from mmskelseg.utils.errors import MissingFileError, UserError

# Raised while the opcodes of a damaged pickle are carried out.
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
# Found by what they reduce to, since their modules differ between NumPy 1 and 2.
_numpy_frombuffer: Any = np.zeros(1).__reduce_ex__(5)[0]
_numpy_scalar: Any = np.float64(0).__reduce__()[0]


def _reconstruct(kind: Any, *_: Any) -> np.ndarray:
    """Return the empty array that ``ndarray.__setstate__`` fills."""
    if kind is not _NDARRAY:
        raise UnsafePickleError('it holds an array of a foreign type')
    return np.empty(0, 'b')


def _frombuffer(buffer: bytes | bytearray, *layout: Any) -> np.ndarray:
    """Return the array of a protocol-5 pickle."""
    if not isinstance(buffer, (bytes, bytearray)):
        raise UnsafePickleError('it shares the memory of an array')
    return _numpy_frombuffer(buffer, *layout)


def _dtype(code: str, *_: Any) -> np.dtype:
    """Return a new dtype, so that a state set on it stays in this pickle."""
    if not (isinstance(code, str) and re.fullmatch(r'[?bBiufcSUmMO]\d*', code)):
        raise UnsafePickleError(f'it holds an array of the compound type {code!r}')
    return np.dtype(code, align=False, copy=True)


def _encode(text: str, encoding: str = 'latin1') -> bytes:
    """Return the bytes that protocols 0 to 2 write as text."""
    if encoding not in ('latin1', 'latin-1'):
        raise UnsafePickleError(f'it encodes text as {encoding!r}')
    return text.encode('latin1')


DATA_GLOBALS: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ('builtins', kind.__name__): kind
        for kind in (bytearray, bytes, complex, frozenset, range, set, slice)
    }
    | {
        ('builtins', 'xrange'): range,  # its name in protocols 0 to 2
        ('collections', 'OrderedDict'): OrderedDict,
        ('_codecs', 'encode'): _encode,
        ('numpy', 'ndarray'): _NDARRAY,
        ('numpy', 'dtype'): _dtype,
    }
    | {
        (f'numpy.{core}.{module}', name): function
        for core in ('core', '_core')
        for module, name, function in (
            ('multiarray', '_reconstruct', _reconstruct),
            ('multiarray', 'scalar', _numpy_scalar),
            ('numeric', '_frombuffer', _frombuffer),
        )
    }
)


def _set_dtype_state(dtype: np.dtype, state: Any) -> None:
    size = dtype.itemsize
    dtype.__setstate__(state)  # type: ignore[attr-defined]
    # A forged state could pass off plain bytes as pointers, or let an array that has
    # this type already reach beyond its memory.
    plain = np.dtype(dtype.str)
    forged = (dtype.flags, plain, dtype.itemsize) != (plain.flags, dtype, size)
    if dtype.fields or dtype.subdtype or forged:
        raise UnsafePickleError('it holds an array of a compound type')


def _set_dict_state(instance: OrderedDict, state: Any) -> None:
    # Other attributes could take the place of methods, such as `get`.
    if type(state) is not dict or state.keys() - {'_metadata'}:
        raise UnsafePickleError('it would change attributes of `OrderedDict`')
    instance.__dict__.update(state)


# The pure Python unpickler, because only there can an opcode be replaced.
class RestrictedUnpickler(pickle._Unpickler):
    """An unpickler that resolves ``admitted`` alone.

    Subclasses extend ``admitted``, which maps (module, name) to what the pickle gets
    for it, and ``setters``, which maps a type to the function that gives an instance
    its pickled state. A name that is not in ``admitted`` raises UnsafePickleError.
    """

    admitted: ClassVar[Mapping[tuple[str, str], Any]] = DATA_GLOBALS
    setters: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = MappingProxyType(
        {
            np.ndarray: lambda array, state: array.__setstate__(state),
            np.dtype: _set_dtype_state,
            OrderedDict: _set_dict_state,
        }
    )
    dispatch: ClassVar[dict[int, Callable]] = dict(pickle._Unpickler.dispatch)
    stack: list[Any]
    append: Callable[[Any], None]
    readline: Callable[[], bytes]

    def find_class(self, module: str, name: str) -> Any:
        """Return what ``admitted`` holds for a name of the pickle."""
        known = {'__builtin__': 'builtins'}.get(module, module)
        if (known, name) not in self.admitted:
            if not f'{known}.{name}'.replace('.', '').isidentifier():
                # Text of another kind of file, which only looks like an opcode.
                raise UserError('it is no pickle')
            shown = {'posix': 'os', 'nt': 'os'}.get(known, known)
            raise UnsafePickleError(f'it would run `{shown}.{name}`')
        return self.admitted[known, name]

    def get_extension(self, code: int) -> None:
        """Refuse the registry of extension codes, which bypasses the names."""
        raise UnsafePickleError(f'it would run what is registered as extension {code}')

    def load_global(self) -> None:
        """Push a global, unless the file ends within its name."""
        module, name = self.readline(), self.readline()
        if not name.endswith(b'\n'):
            raise EOFError
        self.append(self.find_class(module[:-1].decode(), name[:-1].decode()))

    dispatch[pickle.GLOBAL[0]] = load_global

    def load_newobj_ex(self) -> None:
        """Refuse constructors with keywords, which data does without."""
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


def load_pickle(
    path: str | os.PathLike, unpickler: type[RestrictedUnpickler] = RestrictedUnpickler
) -> Any:
    """Return the content of a pickle of NumPy arrays and built-in types.

    Arrays of compound (structured or void) types are not read.

    Args:
        path: The file.
        unpickler: What admits further types.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafePickleError: If the pickle names anything else; nothing of it has run.
        ValueError: If the file is truncated or not a pickle.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f'{path}: there is no such file.')
    with path.open('rb') as file:
        try:
            return unpickler(file).load()
        except UnsafePickleError as error:
            raise UnsafePickleError(
                f'{path}: refused: {error}; only NumPy arrays and built-in types are '
                'read. Do not open this file, and save its data again as plain arrays.'
            ) from None
        except (EOFError, *UNREADABLE):
            raise UserError(
                f'{path}: a pickle was expected, but after {file.tell()} of '
                f'{path.stat().st_size} bytes it ends or cannot be read; copy or make '
                'the file again.'
            ) from None
