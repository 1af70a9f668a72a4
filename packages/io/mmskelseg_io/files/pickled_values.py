"""What a pickle of data may contain: builders of values, and bounds on the results."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmskelseg_io.files.arrays import is_valid_text, native
from mmskelseg_io.messages.errors import UserError

if TYPE_CHECKING:
    from mmskelseg_io.files.pickles import PickleReader

# The largest item of a text type, in bytes.
_LONGEST_ITEM = 1 << 16
# The most levels of nested lists and dicts.
_DEEPEST = 100
# The most axes of an array, and the most items along one.
_MOST_AXES, _LONGEST_AXIS = 32, 1 << 48
_UNITS = ('Y', 'M', 'W', 'D', 'h', 'm', 's', 'ms', 'us', 'ns')
_HOLDERS = (list, tuple, dict, OrderedDict)


class UnsafePickleError(UserError):
    """A pickle asks for something other than data."""


@dataclass(frozen=True, eq=False)
class Builder:
    """Stands for a name in a pickle: checks arguments and makes a value of them.

    A file cannot call it directly, wherever it puts it.
    """

    make: Callable[..., object]


@dataclass(eq=False, slots=True)
class Unbuilt:
    """An object whose content, which `make` turns into its value, follows."""

    make: Callable[['PickleReader', Any], object]
    made: list[object] = field(default_factory=list)

    def fill(self, reader: 'PickleReader', state: object) -> None:
        """Make the value."""
        # In other types, a few bytes may stand for very many items.
        if type(state) not in (tuple, dict):
            raise TypeError('the content of an object is a tuple or a dict')
        self.made.append(self.make(reader, state))

    def value(self) -> object:
        """Return the value; fails unless it was made exactly once."""
        (value,) = self.made
        return value


@dataclass(eq=False, slots=True)
class LongBytes:
    """Bytes that may become an array, or else of the type `kind`."""

    array: np.ndarray
    kind: type = bytes
    # Whether an array has taken over their memory.
    is_taken: bool = False

    def take(self) -> np.ndarray:
        """Return the bytes, in memory that nothing else uses."""
        array = self.array.copy() if self.is_taken else self.array
        self.is_taken = True
        return array

    def plain(self, charge: Callable[[int], None]) -> object:
        """Return the bytes, after counting their memory."""
        charge(len(self.array))
        return self.kind(self.array.tobytes())


@dataclass(frozen=True)
class Named:
    """Stands for a class or a function that a pickle names, and does nothing."""

    name: str


def shown_kind(value: object) -> str:
    """Return what a value is, for messages."""
    kind = getattr(value, 'name', None) or type(value).__name__
    return f'{"an" if kind[0] in "aeiouAEIOU" else "a"} {kind}'


def size_of(value: object) -> int:
    """Return about how many bytes a value takes."""
    # Tensors share the memory of their storage.
    if isinstance(value, np.ndarray):
        return 100 + value.nbytes
    if isinstance(value, bytes | bytearray):
        return 60 + len(value)
    return 64 if isinstance(value, np.generic) else 400


def check_tree(value: object, most: int) -> None:
    """Refuse a value that contains itself, or consists of over ``most`` values.

    Shared ones count each time.
    """
    # How many values each list or dict holds; None while they are counted.
    sizes: dict[int, int | None] = {}
    # Those being counted: id, remaining parts, number of values so far.
    path: list[list[Any]] = [[0, iter((value,)), 0]]
    while path:
        holder = path[-1]
        for part in holder[1]:
            holder[2] += 1
            if type(part) not in _HOLDERS:
                continue
            if id(part) not in sizes:
                sizes[id(part)] = None
                values = part.values() if isinstance(part, dict) else part
                path.append([id(part), iter(values), 0])
                break
            size = sizes[id(part)]
            if size is None:
                raise UnsafePickleError('it has a list that holds itself')
            holder[2] += size
        else:
            path.pop()
            sizes[holder[0]] = holder[2]
            if path:
                path[-1][2] += holder[2]
        if len(path) > _DEEPEST:
            raise UnsafePickleError(f'it has over {_DEEPEST} levels of lists')
        if holder[2] > most:
            raise UnsafePickleError('it repeats values so often that it never ends')


def set_metadata(target: OrderedDict, state: object) -> None:
    """Give a state dict the versions of its modules, its only attribute."""
    # Other attributes could take the place of methods, such as `get`.
    versions = state.get('_metadata') if type(state) is dict else None
    if (
        not isinstance(versions, OrderedDict)
        or len(state) != 1  # type: ignore[arg-type]
        or not all(type(entry) is dict for entry in versions.values())
        or not all(
            type(v) is int for entry in versions.values() for v in entry.values()
        )
    ):
        raise UnsafePickleError('it would change attributes of an OrderedDict')
    target._metadata = versions  # type: ignore[attr-defined]


def _set(kind: type) -> Builder:
    def make(reader: 'PickleReader', members: list | tuple = ()) -> object:
        # Not of a range, say: a few bytes of a file would make a huge set.
        if type(members) not in (list, tuple):
            raise UnsafePickleError(
                f'it would make a {kind.__name__} of something other than a list'
            )
        return reader.make_set(list(members), kind)

    return Builder(make)


def _bytes(kind: type) -> Builder:
    def make(
        reader: 'PickleReader',
        content: bytes | str | LongBytes = b'',
        encoding: str = 'latin-1',
    ) -> object:
        if type(content) is str:
            content = _encode(reader, content, encoding)
        if type(content) is LongBytes:
            content = content.take().tobytes()
        if type(content) not in (bytes, bytearray):
            raise UnsafePickleError(
                f'it would make a {kind.__name__} of something other than bytes'
            )
        return kind(content)

    return Builder(make)


def _encode(_: 'PickleReader', text: str, encoding: str) -> bytes:
    """Return the bytes that protocols 0 to 2 write as text."""
    if type(text) is not str:
        raise TypeError('text expected')
    if encoding not in ('latin1', 'latin-1'):
        raise UnsafePickleError(f'it encodes text as {encoding!r}')
    return text.encode('latin-1')


def _ordered(reader: 'PickleReader', pairs: list | tuple = ()) -> OrderedDict:
    if type(pairs) not in (list, tuple):
        raise TypeError('an OrderedDict is made of a list')
    return reader.set_items([part for k, v in pairs for part in (k, v)], OrderedDict())


def _complex(_: 'PickleReader', real: float, imaginary: float) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise TypeError('floats expected')
    return complex(real, imaginary)


def _slice(_: 'PickleReader', *ends: int | None) -> slice:
    if not all(end is None or type(end) is int for end in ends):
        raise TypeError('whole numbers expected')
    return slice(*ends)


def _dtype(_: 'PickleReader', code: str, *__: object) -> Unbuilt:
    """Return a type of NumPy; its byte order and unit follow."""
    if type(code) is not str:
        raise TypeError('text expected')
    if not re.fullmatch(r'b1|[iu][1248]|f[248]|c8|c16|[mM]8|O8|[SU]\d+', code):
        raise UnsafePickleError(f'it holds an array of the compound type {code!r}')
    if code[0] in 'SU' and int(code[1:]) > _LONGEST_ITEM:
        raise UnsafePickleError(f'it holds items of {code[1:]} bytes')

    def make(_: 'PickleReader', state: tuple) -> np.dtype:
        version, order, *compound = state[:5]
        if version not in (3, 4) or order not in ('<', '>', '|', '=') or any(compound):
            raise UnsafePickleError('it holds an array of a compound type')
        if code[0] not in 'mM':
            return np.dtype(code).newbyteorder(order)
        _, (unit, number, _, event) = state[8]
        unit = unit.decode('ascii') if type(unit) is bytes else unit
        if type(unit) is not str:
            raise TypeError('text expected')
        if unit == 'generic':
            return np.dtype(code)
        is_number = type(number) is int and 1 <= number < 1 << 31
        if unit not in _UNITS or not is_number or event != 1:
            raise UnsafePickleError(f'it holds times in the unit {unit!r}')
        return np.dtype(f'{order}{code}[{number}{unit}]')

    return Unbuilt(make)


def checked_sizes(shape: object, most: int = _MOST_AXES) -> tuple[int, ...]:
    """Return a shape, after checking its sizes and number of axes."""
    if type(shape) is not tuple or len(shape) > most:
        raise ValueError(f'the shape of an array is a tuple of up to {most} numbers')
    if not all(type(size) is int and 0 <= size < _LONGEST_AXIS for size in shape):
        raise ValueError('the shape of an array is whole numbers')
    return shape


def _array(
    content: object, kind: object, shape: object, order: Literal['C', 'F'] = 'C'
) -> np.ndarray:
    """Return an array made of bytes, which must match its type and shape in number."""
    if not isinstance(kind, np.dtype) or kind.hasobject:
        raise UnsafePickleError('it holds an array of objects')
    if isinstance(content, bytes | bytearray):
        content = LongBytes(np.frombuffer(bytearray(content), np.uint8))
    if not isinstance(content, LongBytes):
        raise TypeError('the content of an array is bytes')
    count = prod(sizes := checked_sizes(shape))
    # An item of no bytes is an empty text.
    if count * kind.itemsize != len(content.array) or (count > 1 and not kind.itemsize):
        raise ValueError('the content of an array has another length')
    flat = content.take().view(kind) if kind.itemsize else np.zeros(count, kind)
    if not is_valid_text(flat):
        raise ValueError('a string in an array is damaged')
    return native(flat).reshape(sizes, order=order)


def _lists(reader: 'PickleReader', values: object, shape: object) -> list:
    """Return an array of objects as nested lists."""
    sizes = checked_sizes(shape)
    if type(values) is not list or len(values) != prod(sizes) or not sizes:
        raise ValueError('an array of objects has another number of them')
    for size in sizes[:0:-1]:
        reader.charge(100 + 16 * len(values))
        # An array of no objects is an empty list.
        step = max(size, 1)
        values = [values[i : i + step] for i in range(0, len(values), step)]
    return values


def _reconstruct(_: 'PickleReader', kind: object, *__: object) -> Unbuilt:
    """Return an array whose type, shape and content follow."""
    if kind is not _NDARRAY:
        raise UnsafePickleError('it holds an array of a foreign type')

    def make(reader: 'PickleReader', state: tuple) -> object:
        _, shape, kind, is_fortran, content = state
        if isinstance(kind, np.dtype) and kind.kind == 'O':
            return _lists(reader, content, shape)
        if type(content) is str:
            # As Python 2 wrote bytes.
            content = content.encode('latin-1')
        array = _array(content, kind, shape, 'F' if is_fortran is True else 'C')
        reader.charge(array.nbytes)
        return array

    return Unbuilt(make)


def _frombuffer(
    _: 'PickleReader',
    content: object,
    kind: object,
    shape: object,
    order: str,
    axes: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Return the array of a protocol-5 pickle."""
    array = _array(content, kind, shape, 'F' if order == 'F' else 'C')
    if order != 'K' or axes is None:
        return array
    if sorted(checked_sizes(axes)) != list(range(array.ndim)):
        raise ValueError('not an order of the axes of an array')
    return array.transpose(axes)


def _scalar(_: 'PickleReader', kind: object, content: object = None) -> object:
    """Return a value of a type of NumPy."""
    return _array(content, kind, ())[()]


_NDARRAY = Named('numpy.ndarray')
#: What the names in pickles of NumPy arrays and built-in types stand for.
DATA_NAMES: Mapping[tuple[str, str], object] = MappingProxyType(
    {
        ('builtins', 'bytearray'): _bytes(bytearray),
        ('builtins', 'bytes'): _bytes(bytes),
        ('builtins', 'complex'): Builder(_complex),
        ('builtins', 'frozenset'): _set(frozenset),
        ('builtins', 'set'): _set(set),
        ('builtins', 'slice'): Builder(_slice),
        ('collections', 'OrderedDict'): Builder(_ordered),
        ('_codecs', 'encode'): Builder(_encode),
        ('numpy', 'ndarray'): _NDARRAY,
        ('numpy', 'dtype'): Builder(_dtype),
    }
    | {
        # The modules of NumPy 1 and 2.
        (f'numpy.{core}.{module}', name): Builder(make)
        for core in ('core', '_core')
        for module, name, make in (
            ('multiarray', '_reconstruct', _reconstruct),
            ('multiarray', 'scalar', _scalar),
            ('numeric', '_frombuffer', _frombuffer),
        )
    }
)
