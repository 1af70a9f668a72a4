"""Reading of ``torch.save`` files, without calling the functions that they name.

There are two formats: a zip archive with a pickle and a record for each storage, and,
before PyTorch 1.6, five pickles, followed by the storages.
"""

import io
import os
import re
import struct
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch.serialization import MAP_LOCATION as MapLocation  # noqa: N811
from torch.serialization import _get_restore_location

from mmskelseg_io.files.inputs import in_words
from mmskelseg_io.files.pickled_values import (
    DATA_NAMES,
    Builder,
    Named,
    Unbuilt,
    UnsafePickleError,
    checked_sizes,
)
from mmskelseg_io.files.pickles import PickleReader
from mmskelseg_io.messages.errors import shown

_HISTORY = 'mmengine.logging.history_buffer'
_STATISTICS = ('min', 'max', 'current', 'mean')
# How many bytes larger than its storage a tensor may be, by repeating parts of it.
_REPEATED = 1 << 26
_MAGIC_NUMBER, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
# Size of the fixed part of a zip member's header, which ends in two lengths.
_ZIP_HEAD = 30
# The most axes that a tensor may have, since each can repeat its values.
_MOST_AXES = 8
_DEVICE = re.compile(r'[a-z]+(:\d+)?')


class Storage(NamedTuple):
    """The memory of a tensor, and the type of its values."""

    memory: torch.UntypedStorage
    dtype: torch.dtype


class _Kind(NamedTuple):
    """Stands for a class of storages."""

    dtype: torch.dtype


def _tensor(
    _: PickleReader,
    storage: object,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    *__: object,
) -> torch.Tensor:
    """Return a tensor that lies within a storage."""
    if not isinstance(storage, Storage):
        raise TypeError('a tensor without a storage')
    for places in ((offset,), size, stride):
        checked_sizes(places, _MOST_AXES)
    there, width = storage.memory.nbytes(), storage.dtype.itemsize
    if prod(size) * width > there + _REPEATED:
        raise UnsafePickleError(
            f'it holds a tensor of the shape {shown(size)} on {in_words(there)}'
        )
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if prod(size) and (last + 1) * width > there:
        raise ValueError('a tensor reaches beyond its storage')
    empty = torch.empty(0, dtype=storage.dtype, device=storage.memory.device)
    return empty.set_(storage.memory, offset, size, stride)


def _parameter(
    _: PickleReader, data: object, requires_grad: bool, *__: object
) -> torch.nn.Parameter:
    if not isinstance(data, torch.Tensor):
        raise TypeError('a parameter of something other than a tensor')
    return torch.nn.Parameter(data, requires_grad is True)


def _size(_: PickleReader, sizes: tuple[int, ...] = ()) -> torch.Size:
    return torch.Size(checked_sizes(sizes, _MOST_AXES))


def _device(_: PickleReader, kind: str, *number: int) -> torch.device:
    if type(kind) is not str or not _DEVICE.fullmatch(kind):
        raise ValueError('no device')
    return torch.device(kind, *number)


def _history(_: PickleReader) -> Unbuilt:
    """Return a buffer of MMEngine's log; the file gives its values later."""

    def make(reader: PickleReader, state: dict) -> HistoryBuffer:
        methods = state.get('statistics_methods', {})
        for name, method in methods.items() if type(methods) is dict else ():
            if method is not _METHODS.get(name):
                raise UnsafePickleError(f'it would replace the statistics {name!r}')
        arrays: list[np.ndarray] = [state['_log_history'], state['_count_history']]
        if not all(
            isinstance(a, np.ndarray) and a.dtype.kind in 'biuf' for a in arrays
        ):
            raise TypeError('a history is numbers')
        if arrays[0].ndim != 1 or arrays[0].shape != arrays[1].shape:
            raise ValueError('a history has a count for each value')
        most = state['max_length']
        if type(most) is not int or len(arrays[0]) > most:
            raise ValueError('a history is longer than allowed')
        reader.charge(2 * arrays[0].nbytes)
        return HistoryBuffer(*arrays, max_length=most)

    return Unbuilt(make)


_HISTORY_CLASS = Builder(_history)
_METHODS = {name: Named(f'HistoryBuffer.{name}') for name in _STATISTICS}


def _statistics_method(_: PickleReader, owner: object, name: str) -> Named:
    """Stand in for ``getattr``, which MMEngine's files use for these methods."""
    if owner is not _HISTORY_CLASS or name not in _METHODS:
        raise UnsafePickleError('it would run `builtins.getattr`')
    return _METHODS[name]


def _plain_dict(reader: PickleReader, values: dict) -> dict:
    if type(values) is not dict:
        raise TypeError('a dict expected')
    reader.charge(100 * len(values))
    return dict(values)


_KINDS = {
    'Byte': torch.uint8, 'Char': torch.int8, 'Short': torch.int16, 'Int': torch.int32,
    'Long': torch.int64, 'Half': torch.float16, 'BFloat16': torch.bfloat16,
    'Float': torch.float32, 'Double': torch.float64, 'Bool': torch.bool,
    'ComplexFloat': torch.complex64, 'ComplexDouble': torch.complex128,
}  # fmt: skip
_DTYPES = {
    ('torch', name): kind
    for name, kind in vars(torch).items()
    if isinstance(kind, torch.dtype)
}
#: What the names in checkpoints stand for.
CHECKPOINT_NAMES: Mapping[tuple[str, str], object] = MappingProxyType(
    {
        **DATA_NAMES,
        **_DTYPES,
        **{('torch', f'{name}Storage'): _Kind(kind) for name, kind in _KINDS.items()},
        ('torch.storage', 'UntypedStorage'): _Kind(torch.uint8),
        ('torch', 'Size'): Builder(_size),
        ('torch', 'device'): Builder(_device),
        ('torch._utils', '_rebuild_tensor'): Builder(_tensor),
        ('torch._utils', '_rebuild_tensor_v2'): Builder(_tensor),
        ('torch._utils', '_rebuild_parameter'): Builder(_parameter),
        (_HISTORY, 'HistoryBuffer'): _HISTORY_CLASS,
        **{(_HISTORY, method.name): method for method in _METHODS.values()},
        ('builtins', 'getattr'): Builder(_statistics_method),
        # The milestones of a schedule.
        ('collections', 'Counter'): Builder(lambda *args: Counter(_plain_dict(*args))),
        # For a dataset's metainfo that comes from a config file.
        ('mmengine.config.config', 'ConfigDict'): Builder(_plain_dict),
    }
)


def read_zip(stream: io.BufferedIOBase, map_location: MapLocation = 'cpu') -> object:
    """Return the content of a file in the zip format.

    Raises:
        UnsafePickleError: If it holds a program, or would unpack to more than its size.
        Exception: What ``zipfile`` or the reader of pickles raises if it is damaged.
    """
    size = stream.seek(0, os.SEEK_END)
    with zipfile.ZipFile(stream) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if any(name.endswith('/constants.pkl') for name in members):
            raise UnsafePickleError('it would run a TorchScript program')
        claimed = sum(member.file_size for member in archive.infolist())
        # torch.save does not compress.
        if claimed > size or any(m.compress_type for m in members.values()):
            raise UnsafePickleError(
                f'it would unpack to {in_words(claimed)}, but has {in_words(size)}'
            )
        (name,) = (name for name in members if re.fullmatch(r'[^/]*/data\.pkl', name))
        folder = name.removesuffix('data.pkl')
        order = f'{folder}byteorder'
        if order in members and archive.read(order).decode() != sys.byteorder:
            raise UnsafePickleError('it is from a machine with another byte order')

        def read(key: str, length: int) -> torch.UntypedStorage:
            member = members[f'{folder}data/{key}']
            # Not with `archive.read`, which would copy large data.
            stream.seek(member.header_offset)
            head = stream.read(_ZIP_HEAD)
            name, extra = struct.unpack('<2H', head[-4:])
            stream.seek(name + extra, os.SEEK_CUR)
            if member.file_size != length:
                raise EOFError
            content = bytearray(length)
            if stream.readinto(content) != length:
                raise EOFError
            return _memory(content)

        storages = _Storages(read, map_location)
        reader = PickleReader(archive.read(name), CHECKPOINT_NAMES, storages.find)
        return reader.load()


def read_legacy(content: bytes, map_location: MapLocation = 'cpu') -> object:
    """Return the content of a file in the format before PyTorch 1.6.

    Raises:
        Exception: What the reader of pickles raises if it is damaged.
    """
    left = len(content)

    def reserve(_: str, length: int) -> torch.UntypedStorage:
        nonlocal left
        left -= length
        if left < 0:
            raise EOFError
        return torch.UntypedStorage(length)

    storages = _Storages(reserve, map_location)
    reader = PickleReader(content, CHECKPOINT_NAMES, storages.find)
    begin = [reader.load(), reader.load()]
    if {*map(type, begin)} != {int} or begin != [_MAGIC_NUMBER, _PROTOCOL]:
        raise ValueError('it was not written by torch.save')
    # A description of the machine, not needed.
    reader.load()
    value = reader.load()
    keys = reader.load()
    for key in keys if type(keys) is list else ():
        storage = storages.known[key]
        reader.number(8)
        part = _memory(bytearray(reader.take(storage.nbytes())))
        storage.copy_(part)
    return value


def read_storage(content: bytes) -> Storage:
    """Return the storage that a pickled tensor holds, in the format before PyTorch 1.6.

    Raises:
        Exception: What the reader of pickles raises if it is damaged.
    """
    value = read_legacy(content)
    if not isinstance(value, Storage):
        raise UnsafePickleError('it holds a tensor that is not made of bytes')
    return value


def _memory(content: bytearray) -> torch.UntypedStorage:
    if not content:
        return torch.UntypedStorage(0)
    return torch.frombuffer(content, dtype=torch.uint8).untyped_storage()


class _Storages:
    """The storages of a file by their keys; ``read`` takes a key and a length."""

    def __init__(
        self,
        read: Callable[[str, int], torch.UntypedStorage],
        map_location: MapLocation,
    ) -> None:
        self.known: dict[str, torch.UntypedStorage] = {}
        self._read = read
        self._restore = _get_restore_location(map_location)

    def find(self, claim: Any) -> Storage:
        """Return the storage of a persistent id."""
        if type(claim) is not tuple:
            raise TypeError('no storage')
        word, kind, key, location, count, *_ = claim
        if word != 'storage' or not isinstance(kind, _Kind) or type(key) is not str:
            raise ValueError('no storage')
        if type(location) is not str or not _DEVICE.fullmatch(location):
            raise ValueError('no device')
        if type(count) is not int or count < 0:
            raise ValueError('no number of values')
        if key not in self.known:
            memory = self._read(key, count * kind.dtype.itemsize)
            self.known[key] = self._restore(memory, location)
        return Storage(self.known[key], kind.dtype)
