"""Opening HDF5 files, for which h5py is needed, an optional package."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmskelseg.utils.errors import MissingFileError, UnavailableError, UserError

# What h5py raises, and NumPy, where a file lacks something or has it otherwise.
_DAMAGED = (
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    UnicodeDecodeError,
)


@contextmanager
def open_hdf5(path: str | os.PathLike) -> Iterator[Any]:
    """Open a file to read, as an ``h5py.File``; the block should do no more than that.

    Raises:
        RuntimeError: If h5py is not installed.
        ValueError: If it is no HDF5 file, or the block finds something missing.
    """
    try:
        import h5py
    except ModuleNotFoundError:
        raise UnavailableError(
            f'{path}: h5py is not installed, which reads this file; run pip install '
            "'mmskelseg[trackers]', or export the poses as CSV."
        ) from None
    if not Path(path).is_file():
        raise MissingFileError(f'{path}: there is no such file.')
    try:
        file = h5py.File(path, 'r')
    except OSError as error:
        raise UserError(
            f'{path}: not a complete HDF5 file ({error}); export or copy it again.'
        ) from None
    try:
        with file:
            yield file
    except _DAMAGED as error:
        raise UserError(
            f'{path}: something in it is missing or damaged ({error}); export or copy '
            'it again.'
        ) from None


def texts(values: Any) -> list[str]:
    """Return byte strings of a file as text.

    >>> texts([b'nose', 'tail'])
    ['nose', 'tail']
    """
    return [v.decode('utf-8') if isinstance(v, bytes) else str(v) for v in values]
