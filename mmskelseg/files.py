"""Files that are whole or not there, under names that any system takes."""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# Bytes of an id in a file name, of which systems allow 255 in all.
_LONGEST = 160


@contextmanager
def written_whole(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file to write aside, which takes its name when the block ends well.

    Missing folders are made. After an error, or when the program is stopped, a file of
    that name is still what it was before.

    Args:
        path: The file to write.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Processes on other machines may have the same number.
    aside = path.with_name(f'.{secrets.token_hex(8)}.part')
    try:
        with aside.open('w+b') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def file_name(name: str) -> str:
    """Return a video's id as a file name; different ids stay different.

    >>> file_name('subject 1/take:2')
    'subject 1%2Ftake%3A2'
    """
    safe = re.sub(
        r'[/\\:*?"<>|%\x00-\x1f]', lambda match: f'%{ord(match[0]):02X}', name
    )
    if len(safe.encode()) <= _LONGEST:
        return safe
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f'{safe.encode()[: _LONGEST - 17].decode(errors="ignore")}~{digest}'


def config_name(path: str | os.PathLike) -> str:
    """Return a config's name with its folder, since several models have the same.

    >>> config_name('/home/me/configs/ms_gcn/uwiom_pose3d.py')
    'ms_gcn/uwiom_pose3d.py'
    """
    return '/'.join(Path(path).resolve().parts[-2:])
