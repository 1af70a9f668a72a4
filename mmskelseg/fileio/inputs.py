"""Files that others made: regular ones, and no larger inside than they look."""

import os
import stat
from pathlib import Path

from mmskelseg.utils.errors import MissingFileError, UserError, system_fault

# What the content of a file may take in memory: so many times its size on disk, and
# so many bytes in any case. Poses, labels and features compress ten times at best.
_RATIO = 50
_FREE = 1 << 28

# Frames per second of the fastest cameras.
MOST_FPS = 1e6


def regular_file(path: str | os.PathLike) -> Path:
    """Return the path of a file, if there is one to read.

    A pipe or a device is none, since reading it may never end.

    Raises:
        MissingFileError: If there is no such file.
        UserError: If it is something else.
    """
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
    r"""Return whether there is a file to read at a path, which data may have named.

    >>> is_file('x' * 5000), is_file('\0')
    (False, False)
    """
    try:
        regular_file(path)
    except UserError:
        return False
    return True


def most_bytes(path: str | os.PathLike) -> int:
    """Return how much memory the content of a file may take."""
    return max(_FREE, _RATIO * Path(path).stat().st_size)


def check_claim(claimed: int, path: str | os.PathLike) -> None:
    """Raise a UserError if a file claims to hold far more bytes than its size allows.

    The bound is 256 MiB, or 50 times the size of the file if that is more.
    """
    size = Path(path).stat().st_size
    if claimed > most_bytes(path):
        raise UserError(
            f'{path}: would take {in_words(claimed)} of memory, but has '
            f'{in_words(size)}; read are files that take 256 MiB at most, or '
            f'{_RATIO} times their size. It is damaged or made to harm; if it is '
            'neither, save it in parts.'
        )


def in_words(size: float) -> str:
    """Return a number of bytes for people to read.

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
