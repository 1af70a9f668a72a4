"""Unpacking the archive of a release, whoever made it."""

import zipfile

import pytest

from mmskelseg.converters import downloading
from mmskelseg.converters.downloading import extract, fetch
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.oracle import bounded_memory

MEMBER = r'[^/]+/((?:coords|annots)/[\w-]+\.csv)'
NAMES = ('release/coords/a.csv', 'release/annots/a.csv')
ENCRYPTED = 1
DIRECTORY, LOCAL = b'PK\x01\x02', b'PK\x03\x04'


def write_archive(path, content=b'1,2,3\n' * 100, packing=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, 'w', packing) as archive:
        for name in NAMES:
            archive.writestr(name, content)
    return path


def replaced(start, distance, value):
    """Return what overwrites bytes so far after the last place of others."""

    def change(path):
        raw = bytearray(path.read_bytes())
        at = raw.rindex(start) + distance
        raw[at : at + len(value)] = value
        path.write_bytes(raw)

    return change


def zeros(path):
    """320 MiB in one."""
    block = bytes(1 << 20)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in NAMES:
            with archive.open(name, 'w') as file:
                for _ in range(160):
                    file.write(block)


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        (zeros, '320.0 MiB'),
        # Of the flags, the method, the place and the packed bytes of the last file.
        (replaced(DIRECTORY, 8, bytes([ENCRYPTED])), 'encrypted'),
        (replaced(DIRECTORY, 10, b'\x63'), 'annots/a.csv'),
        (replaced(DIRECTORY, 42, b'\xff' * 3), 'subtle.zip'),
        (replaced(LOCAL, 42, b'\xff' * 8), 'subtle.zip'),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), 'not a zip file'),
        (lambda path: path.write_bytes(path.read_bytes()[90:]), 'subtle.zip'),
        (lambda path: zipfile.ZipFile(path, 'w').close(), '--url'),
    ],
    ids=['zeros', 'encrypted', 'method', 'offset', 'data', 'cut', 'beheaded', 'empty'],
)
def test_archive_that_cannot_be_unpacked_is_named_and_deleted(tmp_path, change, named):
    path = write_archive(tmp_path / 'subtle.zip')
    change(path)
    with (
        bounded_memory(1 << 28),
        raises_naming(UserError, path, named, 'deleted'),
    ):
        extract(path, MEMBER)
    assert not path.exists()


@pytest.mark.parametrize(
    'packing', [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_damaged_file_of_any_packing_is_named(tmp_path, packing):
    content = bytes(range(256)) * 40
    path = write_archive(tmp_path / 'subtle.zip', content, packing)
    whole = path.read_bytes()
    first = whole.index(NAMES[0].encode()) + len(NAMES[0]) + 20
    path.write_bytes(whole[:first] + b'\xff' * 16 + whole[first + 16 :])
    with raises_naming(UserError, path):
        extract(path, MEMBER)


def test_disk_that_is_full_is_not_the_fault_of_the_archive(tmp_path):
    path = write_archive(tmp_path / 'subtle.zip')
    (tmp_path / 'coords').touch()
    with pytest.raises(OSError, match='coords'):
        extract(path, MEMBER)
    assert path.exists()


def test_archive_is_unpacked(tmp_path):
    extract(write_archive(tmp_path / 'subtle.zip', b'1\n'), MEMBER)
    assert (tmp_path / 'coords/a.csv').read_bytes() == b'1\n'
    assert (tmp_path / 'annots/a.csv').read_bytes() == b'1\n'


def test_server_that_refuses_every_range_is_named(server, tmp_path):
    """It is asked once more, without one, and no third time."""
    server.refuses = True
    (tmp_path / 'a.zip.part').write_bytes(b'x')
    with raises_naming(UserError, server.url, '416'):
        fetch(server.url, tmp_path / 'a.zip', PrintedEvents())
    assert server.asked == ['bytes=1-', None]


def test_download_tells_how_far_it_is(tmp_path, monkeypatch, capsys):
    """Of 40 bytes, a quarter at a time."""
    monkeypatch.setattr(downloading, 'CHUNK', 10)
    (tmp_path / 'b').write_bytes(bytes(40))
    fetch((tmp_path / 'b').as_uri(), tmp_path / 'a.zip', PrintedEvents())
    assert (tmp_path / 'a.zip').read_bytes() == bytes(40)
    lines = [f'[{tenths}/10] Downloading a.zip' for tenths in (2, 5, 7, 10)]
    assert capsys.readouterr().out.splitlines() == lines
