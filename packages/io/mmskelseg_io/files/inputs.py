"""Checks of input files: that they are regular and their claimed size is plausible."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from pathlib import Path
from typing import Any, TypeGuard

from mmskelseg_io.messages.errors import (
    MissingFileError,
    UserError,
    shown,
    system_fault,
)

# The content of a file may take this multiple of its size in memory, or this many bytes
# in any case. Poses, labels and features compress tenfold at best.
_RATIO = 50
_FREE = 1 << 28

# A scheme of two or more letters; one letter is a Windows drive. `Path` drops a slash.
_ADDRESS = re.compile(r'[A-Za-z][\w+.-]+:/')

# The frame rates that are accepted: from time lapses to beyond the fastest cameras.
LEAST_FPS, MOST_FPS = 1e-6, 1e6
#: The longest recording that is accepted, in seconds: ten years.
MOST_SECONDS = 10 * 366 * 24 * 3600
#: What messages about other rates expect.
RATES = f'frames per second, a number from {LEAST_FPS:g} to {MOST_FPS:g}'


def is_rate(value: Any) -> TypeGuard[float]:
    """Return whether a value is a number of frames per second.

    >>> is_rate(29.97), is_rate(1e-300), is_rate(True), is_rate(float('nan'))
    (True, False, False, False)
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and LEAST_FPS <= value <= MOST_FPS


def check_fps(fps: object, place: str) -> float:
    """Return frames per second as a float, after checking their range."""
    if not is_rate(fps):
        raise UserError(f'{place}: fps is {shown(fps)}, expected {RATES}.')
    return float(fps)


def look_into(
    paths: Iterable[Path], fits: Callable[[Path], bool], kinds: str
) -> Iterator[Path]:
    """Yield the files, and what fits and is not hidden in folders, one level deep.

    ``kinds`` says for messages what fits.
    """
    for path in paths:
        inside = [path]
        if path.is_dir() and not fits(path):
            inside = [item for item in sorted(path.glob('[!.]*')) if fits(item)]
        if not path.exists():
            raise MissingFileError(f'{path}: there is no such file or folder.')
        if not inside:
            raise UserError(f'{path}: no {kinds} there.')
        yield from inside


def check_local(path: str | os.PathLike) -> None:
    """Raise a UserError for an address, such as ``s3://bucket/a.pkl``.

    Otherwise, it would be taken for the folder ``s3:``.
    """
    if _ADDRESS.match(str(path)):
        raise UserError(
            f'{path}: is an address, but files are only read and written on this '
            'computer; copy it here, or name another.'
        )


def regular_file(path: str | os.PathLike) -> Path:
    """Return the path of a file, after checking that it is a regular one.

    Pipes and devices are refused, since reading them may never end.

    Raises:
        MissingFileError: If there is no such file.
        UserError: If it is something else.
    """
    check_local(path)
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFileError(f'{path}: there is no such file.') from None
    except OSError as error:
        raise UserError(system_fault(error, path)) from None
    except ValueError as error:
        # A name that no file can have.
        raise UserError(f'{str(path)!r}: cannot be a file ({error}).') from None
    if stat.S_ISDIR(mode):
        raise UserError(f'{path}: is a folder; name a file in it.')
    if not stat.S_ISREG(mode):
        raise UserError(
            f'{path}: is a pipe or a device; save its content in a file, and name that.'
        )
    return path


def is_file(path: str | os.PathLike) -> bool:
    r"""Return whether a path, even an invalid one from a data file, is a regular file.

    >>> is_file('x' * 5000), is_file('\0')
    (False, False)
    """
    try:
        regular_file(path)
    except UserError:
        return False
    return True


def most_bytes_of(size: int) -> int:
    """Return the most bytes of memory that a file of this size may take."""
    return max(_FREE, _RATIO * size)


def check_claim(claimed: int, path: str | os.PathLike) -> None:
    """Raise a UserError if a file claims to hold far more bytes than its size allows.

    The bound is 256 MiB, or 50 times the size of the file if that is more.
    """
    size = Path(path).stat().st_size
    if claimed > most_bytes_of(size):
        raise UserError(
            f'{path}: would take {in_words(claimed)} of memory, but has only '
            f'{in_words(size)}; a file may take 256 MiB, or {_RATIO} times its size. '
            'It is damaged or malicious; if it is neither, split it into several files.'
        )


def in_words(size: float) -> str:
    """Return a number of bytes in a readable form.

    >>> in_words(10), in_words(3 << 29)
    ('10 bytes', '1.5 GiB')
    """
    if size < 1024:
        return f'{size:.0f} bytes'
    for unit in ('KiB', 'MiB', 'GiB'):
        size /= 1024
        if size < 1024:
            return f'{size:.1f} {unit}'
    return f'{size / 1024:.3g} TiB'
