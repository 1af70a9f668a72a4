"""A stand-in for Windows: a file that a process has open or mapped stays in place."""

import os
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

# The open files of this process, on Linux.
_OPEN = Path('/proc/self/fd')
# What removes or renames the files that are its first arguments, by their number.
_CHANGES = {'unlink': 1, 'remove': 1, 'rmdir': 1, 'rename': 2, 'replace': 2}


@contextmanager
def open_files_stay():
    """Let functions of ``os`` fail for open and mapped files, for a block.

    Only where the system lists these; Windows needs no stand-in.
    """
    changed = _CHANGES if _OPEN.is_dir() else {}
    with mock.patch.multiple(
        os, **{name: _refusing(name, count) for name, count in changed.items()}
    ):
        yield


def _refusing(name, count):
    act = getattr(os, name)

    def refuse_or_act(*paths, **options):
        held = _held()
        for path in paths[:count]:
            folder = options.get('dir_fd')
            place = os.getcwd() if folder is None else f'/proc/self/fd/{folder}'
            path = os.path.realpath(os.path.join(place, os.fspath(path)))
            inside = [file for file in held if f'{file}/'.startswith(f'{path}/')]
            if inside:
                raise PermissionError(13, 'is in use by this process', inside[0])
        return act(*paths, **options)

    return refuse_or_act


def _held():
    """Return the files that are open or mapped."""
    with open('/proc/self/maps', encoding='utf-8') as file:
        columns = [line.split(maxsplit=5) for line in file]
    held = {row[5].strip() for row in columns if len(row) == 6}
    for number in os.listdir('/proc/self/fd'):
        try:
            target = os.readlink(f'/proc/self/fd/{number}')
        except OSError:
            continue
        if os.path.isfile(target):
            held.add(target)
    return sorted(path for path in held if path.startswith('/'))
