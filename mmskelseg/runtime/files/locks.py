"""Locks on files, which end with the program that holds them."""

import sys
from typing import BinaryIO


def lock(file: BinaryIO) -> bool:
    """Lock a file until it is closed; return False at once if it is already locked."""
    try:
        if sys.platform == 'win32':
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
