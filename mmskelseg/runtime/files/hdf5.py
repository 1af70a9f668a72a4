"""Reading and checking HDF5 files of other tools.

Every fault raises a :class:`UserError` that names the file, the place in it, the value
and the remedy.
"""

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from mmskelseg.runtime.files.inputs import check_claim, regular_file
from mmskelseg.runtime.files.parsing import FilePath
from mmskelseg.runtime.messages.errors import (
    UnavailableError,
    UserError,
    reading,
    shown,
)

if TYPE_CHECKING:
    import h5py

# What h5py raises for a damaged file, besides errors of types and values.
_DAMAGED = (MemoryError, OSError, RuntimeError)
# The most texts of a data set, which are names of joints, people and columns.
_MOST_TEXTS = 100_000
# About how many bytes of them are read at once.
_TEXT_BLOCK = 1 << 24


@contextmanager
def open_hdf5(path: FilePath) -> Iterator['h5py.File']:
    """Open an HDF5 file for reading.

    Errors of h5py in the block become a UserError that names the file, so the block
    should do nothing but read.
    """
    try:
        import h5py
    except ModuleNotFoundError:
        raise UnavailableError(
            f'{path}: reading this file requires h5py, which is not installed; run pip '
            'install h5py, or export the poses as CSV.'
        ) from None
    regular_file(path)
    try:
        file = h5py.File(path, 'r')
    except (TypeError, ValueError, LookupError, *_DAMAGED) as error:
        raise UserError(
            f'{path}: not a complete HDF5 file ({shown(error, 120)}); export or copy '
            'it again.'
        ) from None
    with file, reading(path, *_DAMAGED):
        yield file


def hdf5_array(
    dataset: 'h5py.Dataset', path: FilePath, most: int | None = None
) -> np.ndarray:
    """Return the numbers of an HDF5 data set, or the rows of a table of numbers.

    ``most`` is the largest plausible number of values; by default, any. A data set in
    another file is rejected, since the user did not name that file.

    Raises:
        UserError: If it holds anything else, or if its size is implausible.
    """
    fields = dataset.dtype.fields
    kinds = [kind for kind, *_ in fields.values()] if fields else [dataset.dtype]
    if any(kind.base.kind not in 'biuf' for kind in kinds):
        raise UserError(
            f'{path}: {dataset.name} has the type {shown(str(dataset.dtype))}, but '
            'numbers are expected; export the file again.'
        )
    _check_size(dataset, path, most)
    return np.asarray(dataset[()])


def hdf5_texts(dataset: 'h5py.Dataset', path: FilePath) -> list[str]:
    """Return the texts of an HDF5 data set of one axis.

    Raises:
        UserError: If it holds anything else, too many of them, or if they would take
            far more memory than the file.
    """
    import h5py

    text = h5py.check_string_dtype(dataset.dtype)
    if text is None or dataset.ndim != 1:
        raise UserError(
            f'{path}: {dataset.name} has the type {shown(str(dataset.dtype))} and the '
            f'shape {dataset.shape}, expected a list of texts; export the file again.'
        )
    _check_size(dataset, path, _MOST_TEXTS)
    # Any number of texts of variable length may share the same bytes of the file.
    step = max(1, _TEXT_BLOCK // os.path.getsize(path))
    found: list[str] = []
    held = 0
    for begin in range(0, len(dataset), step):
        part = dataset[begin : begin + step]
        held += sum(map(len, part))
        check_claim(held, path)
        found += texts(part)
    return found


def hdf5_attribute(holder: 'h5py.HLObject', name: str, path: FilePath) -> Any:
    """Return an attribute that is a single number or text; None if there is none.

    NetCDF writes a number as a list of one.
    """
    import h5py

    if name not in holder.attrs:
        return None
    attribute = holder.attrs.get_id(name)
    is_text = h5py.check_string_dtype(attribute.dtype) is not None
    if attribute.shape not in ((), (1,)) or not (
        is_text or attribute.dtype.kind in 'biuf'
    ):
        raise UserError(
            f'{path}: the attribute {name} of {holder.name} has the shape '
            f'{attribute.shape}, expected one number or text; export the file again.'
        )
    value = holder.attrs[name]
    return value[0] if attribute.shape else value


def _check_size(dataset: 'h5py.Dataset', path: FilePath, most: int | None) -> None:
    if (
        os.fspath(dataset.file.filename) != os.fspath(path)
        or dataset.is_virtual
        or dataset.external
    ):
        raise UserError(
            f'{path}: {dataset.name} lies in another file; copy it into this one.'
        )
    size = dataset.size or 0
    if most is not None and size > most:
        raise UserError(
            f'{path}: {dataset.name} has {size} values, but at most {most} are '
            'plausible; export the file again.'
        )
    # They become numbers of 64 bits, in another order. A chunk is unpacked as a whole.
    width = dataset.dtype.itemsize
    chunk = math.prod(dataset.chunks or ()) * width
    check_claim(max(2 * size * max(8, width), chunk), path)


def texts(values: Iterable[object]) -> list[str]:
    """Return byte strings of an HDF5 file as text.

    >>> texts([b'nose', 'tail'])
    ['nose', 'tail']
    """
    return [v.decode('utf-8') if isinstance(v, bytes) else str(v) for v in values]
