"""Locks on files, which end with the program that holds them."""

import sys
from typing import BinaryIO

from mmskelseg_io.messages.errors import UnavailableError, system_fault


def lock(file: BinaryIO) -> bool:
    """Lock a file until it is closed; return False at once if it is already locked.

    Raises:
        UnavailableError: If its disk has no locks, such as some of networks.
    """
    try:
        if sys.platform == 'win32':
            import msvcrt

            # The byte at the current place is locked, which need not be there.
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise UnavailableError(system_fault(error, file.name)) from error
    return True
