"""Atomic writing: a file is complete or absent."""

import hashlib
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from mmskelseg_io.files.inputs import check_local
from mmskelseg_io.files.outputs import claim, record
from mmskelseg_io.messages.errors import (
    UnavailableError,
    UserError,
    is_of_disk,
    system_fault,
)

# Seconds between attempts to replace a file that others read.
_PAUSES = (0.01, 0.03, 0.1, 0.3, 1, 1.5)


@contextmanager
def atomic_replacement(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path; its file replaces ``path`` when the block succeeds.

    Missing folders are created. After an error, or when the program is stopped,
    ``path`` is unchanged. Temporary files that killed programs on this machine left in
    the folder are removed.

    Raises:
        UnavailableError: If the path cannot be written, or the disk is full.
        UserError: If the current command must not replace the file.
    """
    path = Path(path)
    check_local(path)
    claim(path)
    # The random number distinguishes files that one process writes at the same time.
    mark = f'{_machine()}-{os.getpid()}-{secrets.token_hex(8)}'
    aside = path.with_name(f'.{mark}.part{path.suffix}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_strays(path.parent.resolve())
        try:
            yield aside
            record(path, aside)
            _replace(aside, path)
        finally:
            with suppress(NotADirectoryError):
                aside.unlink(missing_ok=True)
    except OSError as error:
        name = None if error.filename is None else str(error.filename)
        of_folder = is_of_disk(error) and name in (None, str(path.parent))
        if isinstance(error, UserError) or not (of_folder or name == str(aside)):
            raise
        place = path
        if name == str(path.parent):
            # If it could not be made, what it should be made in is at fault.
            there = (one for one in path.parents if os.path.lexists(one))
            place = next(there, path.parent)
        raise UnavailableError(system_fault(error, place)) from error


def _replace(aside: Path, path: Path) -> None:
    """Rename a file; on Windows, wait for up to 3 seconds if the old one is open."""
    for pause in _PAUSES if sys.platform == 'win32' else ():
        with suppress(PermissionError):
            return os.replace(aside, path)
        time.sleep(pause)
    return os.replace(aside, path)


class _WithdrawnError(Exception):
    """Keeps a temporary file from replacing another one."""


def check_can_write(path: str | os.PathLike) -> None:
    """Raise UnavailableError if a file cannot be written, before a long computation.

    Missing folders are created; a file that exists is unchanged.
    """
    with suppress(_WithdrawnError), atomic_replacement(path) as aside:
        aside.touch()
        raise _WithdrawnError


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a temporary file for reading and writing; see :func:`atomic_replacement`."""
    with atomic_replacement(path) as aside, aside.open('w+b') as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def atomic_write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text as UTF-8 atomically, without changing its line ends."""
    with atomic_write(path) as file:
        file.write(text.encode())


@cache
def _machine() -> str:
    """Return an id of the machine or container, within which process ids are unique."""
    name = socket.gethostname()
    with suppress(OSError):
        name += f' {os.readlink("/proc/self/ns/pid")}'
    return hashlib.sha256(name.encode()).hexdigest()[:8]


# Cached for each folder, since a folder of features may hold thousands of files.
@cache
def _remove_strays(folder: Path) -> None:
    """Remove the temporary files of processes that no longer run.

    On Windows none is removed, since ``os.kill`` there would end a running process.
    """
    if os.name == 'nt':
        return
    for file in folder.glob(f'.{_machine()}-*.part*'):
        name = re.match(r'\.\w+-(\d+)-', file.name)
        if name is not None and not _is_running(int(name[1])):
            with suppress(OSError):
                file.unlink()


def _is_running(process: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True
