"""Reading pickles that hold only data, with an interpreter that calls nothing.

A pickle is a program: its instructions name functions, call them and set attributes.
The interpreter here knows the instructions that put values together, and a fixed list
of names. Each name stands for a builder of ours, which checks plain values and makes
the result itself; nothing that a file names is ever called.
"""

import mmap
import os
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import IO, Any, TypeAlias

import numpy as np

from mmskelseg_io.files.inputs import most_bytes_of, regular_file
from mmskelseg_io.files.pickled_values import (
    DATA_NAMES,
    Builder,
    LongBytes,
    Unbuilt,
    UnsafePickleError,
    check_tree,
    set_metadata,
    shown_kind,
    size_of,
)
from mmskelseg_io.messages.errors import UserError

# What the interpretation of a damaged pickle can raise.
UNREADABLE = (
    AttributeError, EOFError, LookupError, MemoryError, OverflowError, RuntimeError,
    TypeError, ValueError, struct.error,
)  # fmt: skip
# The builder or value of each name (module, name) that a pickle may use.
Names: TypeAlias = Mapping[tuple[str, str], object]
# From this length on, an array takes over the memory of bytes instead of copying them.
_LONG = 1 << 16
# The most bytes of a whole number.
_LARGEST_INTEGER = 1024
# Many dict keys of one hash take quadratic time. A file can make such keys of tuples,
# and of whole numbers from this size on.
_LARGEST_KEY = 1 << 60
_LONGEST_KEY, _MOST_TUPLES = 1000, 10_000
_PLAIN_KEYS = (str, bytes, bool, float, type(None))
_NEVER_WRITTEN = {
    pickle.INST: 'it would make an instance of a class',
    pickle.OBJ: 'it would make an instance of a class',
    pickle.NEWOBJ_EX: 'it would call a constructor with keywords',
    pickle.NEXT_BUFFER: 'its arrays are in another file',
    pickle.READONLY_BUFFER: 'its arrays are in another file',
    pickle.EXT1: 'it would run what is registered as an extension',
    pickle.EXT2: 'it would run what is registered as an extension',
    pickle.EXT4: 'it would run what is registered as an extension',
}


class PickleReader:
    """Interprets the pickles in some bytes, one after the other.

    Args:
        content: The bytes.
        names: The names that they may use.
        persistent: Returns the value of a persistent id, such as a storage of torch;
            by default such ids are refused.
        file: The file that ``content`` maps, from which long parts are read faster.
    """

    def __init__(
        self,
        content: bytes | mmap.mmap,
        names: Names | None = None,
        persistent: Callable[[Any], object] | None = None,
        file: IO[bytes] | None = None,
    ) -> None:
        self.content = content
        self.file = file
        self.position = 0
        self.names = DATA_NAMES if names is None else names
        self.persistent = persistent
        self.left = most_bytes_of(len(content))
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.unbuilt = self.tuples = 0
        # The last long bytes, and where they are in the file.
        self.last: tuple[LongBytes | None, range] = (None, range(0))

    def load(self) -> Any:
        """Return the value of the next pickle.

        Raises:
            UnsafePickleError: If it names a function that is not in ``names``, or would
                take far more memory than its size.
            Exception: One of ``UNREADABLE`` if it is damaged.
        """
        self.stack, self.marks, self.memo, self.unbuilt = [], [], {}, 0
        content, stop, push = self.content, pickle.STOP[0], self.stack.append
        costs, values, actions = _COSTS, _VALUES, _ACTIONS
        while (code := content[self.position]) != stop:
            self.position += 1
            # As `charge` does, without a call for each instruction.
            self.left -= costs[code]
            if self.left < 0:
                self.charge(0)
            if make := values[code]:
                push(make(self))
            else:
                actions[code](self)
        self.position += 1
        (value,) = self.kept(self.stack)
        if self.unbuilt:
            raise ValueError('it ends before an object is complete')
        check_tree(value, most_bytes_of(len(content)) // 8)
        return value

    def charge(self, size: int) -> None:
        """Count the bytes that a value takes."""
        self.left -= size
        if self.left < 0:
            raise UnsafePickleError('it would take far more memory than its size')

    def take(self, size: int) -> bytes:
        """Return the next bytes of the file."""
        start, stop = self.position, self.position + size
        if stop > len(self.content):
            raise EOFError
        self.position = stop
        return self.content[start:stop]

    def line(self) -> bytes:
        """Return the rest of the line."""
        stop = self.content.find(b'\n', self.position)
        if stop < 0:
            raise EOFError
        return self.take(stop + 1 - self.position)[:-1]

    def number(self, width: int, signed: bool = False) -> int:
        """Return a whole number that is stored in this number of bytes."""
        return int.from_bytes(self.take(width), 'little', signed=signed)

    def byte(self) -> int:
        """Return the next byte."""
        position = self.position
        self.position = position + 1
        return self.content[position]

    def take_integer(self, size: int) -> int:
        """Return a whole number of any size."""
        if size > _LARGEST_INTEGER:
            raise UnsafePickleError(f'it holds a whole number of {size} bytes')
        return self.number(size, signed=True)

    def take_text(self, size: int) -> str:
        """Return text of this number of bytes."""
        try:
            return self.take(size).decode()
        except UnicodeDecodeError:
            raise UnsafePickleError('it holds text that is not Unicode') from None

    def take_bytes(self, size: int, kind: type = bytes) -> object:
        """Return bytes; long ones in a form that an array can take over."""
        if size < _LONG:
            return kind(self.take(size))
        start, stop = self.position, self.position + size
        if stop > len(self.content):
            raise EOFError
        content = bytearray(size)
        if self.file is None:
            content[:] = self.content[start:stop]
        else:
            self.file.seek(start)
            self.file.readinto(content)  # type: ignore[attr-defined]
        # Not into an empty array, whose memory the system would have to provide.
        array = np.frombuffer(content, np.uint8)
        self.position = stop
        self.last = (LongBytes(array, kind), range(start, stop))
        return self.last[0]

    def name(self, module: str, name: str) -> object:
        """Return what a name stands for."""
        known = {'__builtin__': 'builtins'}.get(module, module)
        if (known, name) not in self.names:
            if not f'{known}.{name}'.replace('.', '').isidentifier():
                # Text of another kind of file that looks like an instruction.
                raise ValueError('it is not a pickle')
            shown = {'posix': 'os', 'nt': 'os'}.get(known, known)
            raise UnsafePickleError(f'it would run `{shown}.{name}`')
        return self.names[known, name]

    def pop(self, count: int) -> list[Any]:
        """Pop and return values from the top."""
        if len(self.stack) < count:
            raise IndexError
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def since_mark(self) -> list[Any]:
        """Pop and return the values above the last mark."""
        mark = self.marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def remember(self, key: int) -> None:
        """Keep the value on top under a number."""
        value = self.stack[-1]
        # Long bytes are read again when they are needed again.
        self.memo[key] = self.last[1] if value is self.last[0] else value

    def recall(self, key: int) -> object:
        """Return the value that was kept under a number."""
        value = self.memo[key]
        if type(value) is range:
            self.charge(len(value))
            here, self.position = self.position, value.start
            value = self.take_bytes(len(value))
            self.position = here
        elif type(value) is Unbuilt:
            value = value.value()
        return value

    def check_keys(self, keys: Iterable[Any]) -> None:
        """Refuse keys whose hashes a file could choose, or that hold other values."""
        for key in keys:
            kind = type(key)
            if kind in _PLAIN_KEYS or (kind is int and abs(key) < _LARGEST_KEY):
                continue
            if isinstance(key, np.generic) and key.dtype.kind in 'biufSU':
                continue
            if kind is not tuple or any(type(part) is tuple for part in key):
                raise UnsafePickleError(f'it has {shown_kind(key)} as a key')
            self.tuples += 1
            if len(key) > _LONGEST_KEY or self.tuples > _MOST_TUPLES:
                raise UnsafePickleError(
                    f'it has over {_MOST_TUPLES} keys, or a key of over {_LONGEST_KEY} '
                    'values, that are tuples'
                )
            self.check_keys(key)

    def set_items(self, items: list[Any], target: Any) -> Any:
        """Return a dict after setting its items, from keys and values in turn."""
        if type(target) not in (dict, OrderedDict):
            raise TypeError('items of something other than a dict')
        self.check_keys(items[::2])
        self.charge(50 * len(items))
        target.update(zip(items[::2], self.kept(items[1::2]), strict=True))
        return target

    def kept(self, values: list[Any]) -> list[Any]:
        """Return values for a list or dict, with long bytes as plain ones."""
        if LongBytes not in map(type, values):
            return values
        return [v.plain(self.charge) if type(v) is LongBytes else v for v in values]

    def make_set(self, members: list[Any], kind: type) -> Any:
        """Return a set or a frozenset."""
        self.check_keys(members)
        self.charge(100 * len(members))
        return kind(members)

    def call(self, builder: object, arguments: object) -> object:
        """Return what a builder makes of its arguments."""
        if type(builder) is not Builder or type(arguments) is not tuple:
            raise TypeError('a call of something other than a name')
        value = builder.make(self, *arguments)
        self.unbuilt += type(value) is Unbuilt
        self.charge(size_of(value))
        return value


def _line_of_number(reader: PickleReader) -> int:
    text = reader.line()
    truths = {b'00': False, b'01': True}
    return truths[text] if text in truths else int(text)


def _line_of_text(reader: PickleReader) -> str:
    # Lone surrogates are refused, as in the other instructions.
    return reader.line().decode('raw-unicode-escape').encode().decode()


def _stack_global(reader: PickleReader) -> object:
    module, name = reader.pop(2)
    if type(name) is not str or type(module) is not str:
        raise TypeError('a name that is not text')
    return reader.name(module, name)


def _persistent(reader: PickleReader) -> object:
    if reader.persistent is None:
        raise UnsafePickleError('it names values that are not in it')
    return reader.persistent(reader.stack.pop())


def _build(reader: PickleReader) -> object:
    target, state = reader.pop(2)
    if type(target) is Unbuilt:
        target.fill(reader, state)
        reader.unbuilt -= 1
        return target.value()
    if type(target) is not OrderedDict:
        raise UnsafePickleError(f'it would change attributes of {shown_kind(target)}')
    set_metadata(target, state)
    return target


# The instructions that push a value: how it is made, and about how many bytes it takes.
_PUSHING: tuple[tuple[bytes, int, Callable[[PickleReader], object]], ...] = (
    (pickle.NONE, 8, lambda reader: None),
    (pickle.NEWTRUE, 8, lambda reader: True),
    (pickle.NEWFALSE, 8, lambda reader: False),
    (pickle.INT, 32, _line_of_number),
    (pickle.BININT, 32, lambda reader: reader.number(4, signed=True)),
    (pickle.BININT1, 8, PickleReader.byte),
    (pickle.BININT2, 32, lambda reader: reader.number(2)),
    (pickle.LONG, 64, lambda reader: int(reader.line().removesuffix(b'L'))),
    (pickle.LONG1, 64, lambda reader: reader.take_integer(reader.byte())),
    (pickle.LONG4, 64, lambda reader: reader.take_integer(reader.number(4))),
    (pickle.FLOAT, 32, lambda reader: float(reader.line())),
    (pickle.BINFLOAT, 32, lambda reader: struct.unpack('>d', reader.take(8))[0]),
    (pickle.UNICODE, 64, _line_of_text),
    (pickle.SHORT_BINUNICODE, 64, lambda reader: reader.take_text(reader.byte())),
    (pickle.BINUNICODE, 64, lambda reader: reader.take_text(reader.number(4))),
    (pickle.BINUNICODE8, 64, lambda reader: reader.take_text(reader.number(8))),
    # What Python 2 wrote for text.
    (pickle.SHORT_BINSTRING, 64, lambda reader: reader.take_text(reader.byte())),
    (pickle.BINSTRING, 64, lambda reader: reader.take_text(reader.number(4))),
    (pickle.SHORT_BINBYTES, 64, lambda reader: reader.take_bytes(reader.byte())),
    (pickle.BINBYTES, 64, lambda reader: reader.take_bytes(reader.number(4))),
    (pickle.BINBYTES8, 64, lambda reader: reader.take_bytes(reader.number(8))),
    (pickle.BYTEARRAY8, 64, lambda r: r.take_bytes(r.number(8), bytearray)),
    (pickle.EMPTY_TUPLE, 8, lambda reader: ()),
    (pickle.TUPLE1, 64, lambda reader: tuple(reader.pop(1))),
    (pickle.TUPLE2, 64, lambda reader: tuple(reader.pop(2))),
    (pickle.TUPLE3, 64, lambda reader: tuple(reader.pop(3))),
    (pickle.TUPLE, 64, lambda reader: tuple(reader.since_mark())),
    (pickle.EMPTY_LIST, 80, lambda reader: []),
    (pickle.LIST, 80, PickleReader.since_mark),
    (pickle.EMPTY_DICT, 240, lambda reader: {}),
    (pickle.DICT, 240, lambda reader: reader.set_items(reader.since_mark(), {})),
    (pickle.EMPTY_SET, 240, lambda reader: set()),
    (pickle.FROZENSET, 240, lambda r: r.make_set(r.since_mark(), frozenset)),
    (pickle.GET, 8, lambda reader: reader.recall(int(reader.line()))),
    (pickle.BINGET, 8, lambda reader: reader.recall(reader.byte())),
    (pickle.LONG_BINGET, 8, lambda reader: reader.recall(reader.number(4))),
    (pickle.GLOBAL, 8, lambda r: r.name(r.line().decode(), r.line().decode())),
    (pickle.STACK_GLOBAL, 8, _stack_global),
    # Calls of functions, and instances of classes.
    (pickle.REDUCE, 64, lambda reader: reader.call(*reader.pop(2))),
    (pickle.NEWOBJ, 64, lambda reader: reader.call(*reader.pop(2))),
    (pickle.BUILD, 8, _build),
    (pickle.BINPERSID, 64, _persistent),
)


def _check_protocol(reader: PickleReader) -> None:
    if reader.byte() > pickle.HIGHEST_PROTOCOL:
        raise ValueError('an unknown protocol')


def _check_frame(reader: PickleReader) -> None:
    if reader.number(8) > len(reader.content) - reader.position:
        raise EOFError


def _pop(reader: PickleReader) -> None:
    if reader.marks and reader.marks[-1] == len(reader.stack):
        reader.marks.pop()
    else:
        reader.stack.pop()


def _extend(reader: PickleReader, values: list[Any]) -> None:
    target = reader.stack[-1]
    if type(target) is not list:
        raise TypeError('items of something other than a list')
    target.extend(reader.kept(values))


def _add(reader: PickleReader, values: list[Any]) -> None:
    members, target = reader.make_set(values, set), reader.stack[-1]
    if type(target) is not set:
        raise TypeError('members of something other than a set')
    target |= members


# The other instructions.
_ACTING: tuple[tuple[bytes, int, Callable[[PickleReader], object]], ...] = (
    (pickle.PROTO, 0, _check_protocol),
    (pickle.FRAME, 0, _check_frame),
    (pickle.MARK, 8, lambda reader: reader.marks.append(len(reader.stack))),
    (pickle.POP, 0, _pop),
    (pickle.POP_MARK, 0, PickleReader.since_mark),
    (pickle.APPEND, 16, lambda reader: _extend(reader, reader.pop(1))),
    (pickle.APPENDS, 8, lambda reader: _extend(reader, reader.since_mark())),
    (pickle.SETITEM, 8, lambda r: r.set_items(r.pop(2), r.stack[-1])),
    (pickle.SETITEMS, 8, lambda r: r.set_items(r.since_mark(), r.stack[-1])),
    (pickle.ADDITEMS, 8, lambda reader: _add(reader, reader.since_mark())),
    (pickle.MEMOIZE, 100, lambda reader: reader.remember(len(reader.memo))),
    (pickle.PUT, 100, lambda reader: reader.remember(int(reader.line()))),
    (pickle.BINPUT, 100, lambda reader: reader.remember(reader.byte())),
    (pickle.LONG_BINPUT, 100, lambda reader: reader.remember(reader.number(4))),
)


def _refusal(code: int) -> Callable[[PickleReader], object]:
    def refuse(_: PickleReader) -> None:
        if reason := _NEVER_WRITTEN.get(bytes([code])):
            raise UnsafePickleError(reason)
        raise ValueError(f'no instruction {code}')

    return refuse


# By the code of an instruction.
_VALUES: list[Callable[[PickleReader], object] | None] = [None] * 256
_ACTIONS = [_refusal(code) for code in range(256)]
_COSTS = [0] * 256
for _code, _cost, _make in _PUSHING:
    _VALUES[_code[0]], _COSTS[_code[0]] = _make, _cost
for _code, _cost, _act in _ACTING:
    _ACTIONS[_code[0]], _COSTS[_code[0]] = _act, _cost


def load_pickle(path: str | os.PathLike, names: Names | None = None) -> Any:
    """Return the content of a pickle of NumPy arrays and built-in types.

    Arrays of compound (structured or void) types are refused; an array of objects
    becomes a list. ``names`` are those that it may use, by default those of such data.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafePickleError: If the pickle names anything else; none of it has run.
        ValueError: If the file is truncated or not a pickle.
    """
    path = regular_file(path)
    with path.open('rb') as file:
        size = os.fstat(file.fileno()).st_size
        # An empty file cannot be mapped.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else None
        with mapped or nullcontext(b'') as content:
            return read_pickle(content, path, names, file)


def read_pickle(
    content: bytes | mmap.mmap,
    path: str | os.PathLike,
    names: Names | None = None,
    file: IO[bytes] | None = None,
) -> Any:
    """Return the content of a pickle in a file; see :func:`load_pickle`."""
    reader = PickleReader(content, names, file=file)
    try:
        return reader.load()
    except UnsafePickleError as error:
        raise UnsafePickleError(
            f'{path}: refused: {error}; only NumPy arrays and built-in types are read. '
            'Do not open this file; save its data again as plain arrays.'
        ) from None
    except UNREADABLE:
        raise UserError(
            f'{path}: a pickle was expected, but after {reader.position} of '
            f'{len(content)} bytes it ends or cannot be read; copy or make it again.'
        ) from None
