"""Locks of files, by each system's own means."""

import sys
import types

import pytest

from mmskelseg_io.files.locks import lock
from tests.errors import raises_naming


def test_locked_file_cannot_be_locked_again_until_it_is_closed(tmp_path):
    path = tmp_path / 'lock'
    with path.open('ab') as first, path.open('ab') as second:
        assert lock(first)
        assert not lock(second)
    with path.open('ab') as third:
        assert lock(third)


@pytest.mark.parametrize(('error', 'found'), [(None, True), (PermissionError, False)])
def test_lock_needs_no_fcntl_on_windows(tmp_path, monkeypatch, error, found):
    """The first byte of the file is locked there, whatever was written."""

    def locking(number, how, count):
        places.append((how, count))
        if error is not None:
            raise error

    places = []
    windows = types.SimpleNamespace(LK_NBLCK=2, locking=locking)
    monkeypatch.setitem(sys.modules, 'msvcrt', windows)
    monkeypatch.setitem(sys.modules, 'fcntl', None)
    monkeypatch.setattr(sys, 'platform', 'win32')
    (tmp_path / 'lock').write_bytes(b'abc')
    with (tmp_path / 'lock').open('ab') as file:
        assert lock(file) is found
        assert file.tell() == 0
    assert places == [(2, 1)]


@pytest.mark.skipif(sys.platform == 'win32', reason='it has no fcntl')
def test_file_on_a_disk_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(37, 'No locks available')

    monkeypatch.setattr('fcntl.flock', refuse)
    with (tmp_path / 'lock').open('ab') as file, raises_naming(OSError, file.name):
        lock(file)
