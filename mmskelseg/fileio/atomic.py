"""Writing of files that are whole or absent."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_replacement(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path, whose file replaces ``path`` when the block ends well.

    Missing folders are made. After an error, or when the program is stopped, ``path``
    is what it was before.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Processes on other machines may have the same number.
    aside = path.with_name(f'.{secrets.token_hex(8)}.part{path.suffix}')
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a temporary file, as :func:`atomic_replacement`, for reading and writing."""
    with atomic_replacement(path) as aside, aside.open('w+b') as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def atomic_write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text as UTF-8, with its line ends as they are, whole or not at all."""
    with atomic_write(path) as file:
        file.write(text.encode())
