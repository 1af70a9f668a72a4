"""Reading NumPy's files: only plain arrays, with a check of the sizes they claim."""

import os
import pickle
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from math import prod
from tempfile import TemporaryFile
from tokenize import TokenError
from typing import IO

import numpy as np

from mmskelseg_io.files.inputs import check_claim, regular_file
from mmskelseg_io.messages.errors import UserError, reading, shown

# What NumPy and zipfile may raise for damaged files, besides errors of content.
_DAMAGED = (
    EOFError, OSError, MemoryError, RuntimeError, SyntaxError, TokenError,
    zipfile.BadZipFile, zlib.error, pickle.UnpicklingError,
)  # fmt: skip


def read_npy(path: str | os.PathLike) -> np.ndarray:
    """Return the array of a .npy file, memory-mapped if its byte order allows it.

    Raises:
        MissingFileError: If there is no such file.
        UserError: If it is not a complete file of one plain array.
    """
    path = regular_file(path)
    with reading(path, *_DAMAGED):
        array = np.lib.format.open_memmap(path, mode='r')
    check_text(array, path)
    return native(array)


def native(array: np.ndarray) -> np.ndarray:
    """Return an array with the byte order of this machine, which PyTorch needs."""
    return array.astype(array.dtype.newbyteorder('='), copy=False)


def write_npy(file: IO[bytes], rows: int, blocks: Iterable[np.ndarray]) -> None:
    """Write blocks (n, ...) of an array one by one, so many rows in all."""
    begin = 0
    for block in blocks:
        if begin == 0:
            header = {
                'descr': np.lib.format.dtype_to_descr(block.dtype),
                'fortran_order': False,
                'shape': (rows, *block.shape[1:]),
            }
            np.lib.format.write_array_header_1_0(file, header)
        file.write(np.ascontiguousarray(block).data)
        begin += len(block)
    assert begin == rows, f'{begin} of {rows} rows'


def gathered(
    blocks: Iterator[np.ndarray], rows: int, max_bytes: int = 1 << 28
) -> np.ndarray:
    """Return blocks (n, ...) as one array of so many rows, without a second copy.

    A larger one than ``max_bytes`` is read-only, and memory-mapped from a temporary
    file that goes with it.
    """
    first = next(blocks)
    shape, blocks = (rows, *first.shape[1:]), chain([first], blocks)
    if prod(shape) * first.itemsize > max_bytes:
        with TemporaryFile(prefix='mmskelseg-') as file:
            for block in blocks:
                file.write(np.ascontiguousarray(block).data)
            file.flush()
            return np.memmap(file, first.dtype, 'r', shape=shape)
    whole, end = np.empty(shape, first.dtype), 0
    for block in blocks:
        whole[end : end + len(block)] = block
        end += len(block)
    return whole[:end]


def check_text(array: np.ndarray, source: str | os.PathLike) -> None:
    """Raise a UserError if an array of strings holds invalid characters."""
    if not is_valid_text(array):
        raise UserError(
            f'{source}: a string in it is damaged; copy or make the file again.'
        )


def is_valid_text(array: np.ndarray) -> bool:
    """Return whether all characters in an array of strings are valid."""
    if array.dtype.kind != 'U' or not array.itemsize:
        return True
    order = '>' if array.dtype.byteorder == '>' else '<'
    codes = np.frombuffer(np.ascontiguousarray(array).tobytes(), f'{order}u4')
    return bool(codes.max(initial=0) <= sys.maxunicode)


def read_npz(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file; only plain ones are read, so no code runs.

    Raises:
        MissingFileError: If there is no such file.
        UserError: If it is not an npz file, or claims far more memory than its size.
    """
    path = regular_file(path)
    arrays = {}
    remedy = 'save plain arrays again with np.savez, without objects'
    with reading(path, *_DAMAGED, remedy=remedy), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        check_claim(sum(member.file_size for member in members), path)
        for member in members:
            with archive.open(member) as file:
                name = member.filename.removesuffix('.npy')
                arrays[name] = _read_member(file, member.file_size)
                check_text(arrays[name], path)
                arrays[name] = native(arrays[name])
    return arrays


def _read_member(file: IO[bytes], size: int) -> np.ndarray:
    """Return an array of an archive, after checking its header against its size."""
    version = np.lib.format.read_magic(file)
    headers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in headers:
        raise ValueError(f'its header has the unknown version {version}')
    shape, fortran, dtype = headers[version](file)
    if dtype.hasobject:
        raise ValueError('it holds objects')
    count = prod(map(int, shape))
    if not 0 <= count * dtype.itemsize <= size or (count and not dtype.itemsize):
        raise ValueError(f'it claims the shape {shown(shape)}, but has {size} bytes')
    array = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return array.reshape(shape, order='F' if fortran else 'C').copy()
