"""Download the archive of a release, and unpack the files that belong to it."""

import os
import re
import shutil
import struct
import zipfile
import zlib
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from mmskelseg_io.files.inputs import in_words, most_bytes_of
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError, is_of_disk, shown

CHUNK = 1 << 18
RANGE_NOT_SATISFIABLE = 416
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What ``zipfile`` raises for damaged and encrypted archives, and what is found here.
_DAMAGED = (
    OSError, ValueError, LookupError, OverflowError, RuntimeError, EOFError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def download(
    url: str, archive: Path, member: str, is_there: bool, events: Events
) -> None:
    """Download a zip archive and unpack it where it lies, unless its files are there.

    As long as the archive lies there, its files are not taken for complete. Those are
    unpacked whose names match the pattern ``member``, whose group 1 is their path.

    Raises:
        UserError: If the download fails, or if the archive is not one of the release.
    """
    if not archive.exists():
        if is_there:
            there = f'{archive.parent} contains a release'
            events.note(f'{there}, so nothing is downloaded')
            return
        fetch(url, archive, events)
    extract(archive, member)
    archive.unlink()


def fetch(url: str, path: Path, events: Events) -> None:
    """Download a file; ``path`` exists only once it is complete.

    An interrupted download is continued from ``<path>.part`` if the server supports it,
    and otherwise started again.

    Raises:
        UserError: If the download fails or ends too early.
    """
    part = path.with_name(f'{path.name}.part')
    path.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    tenths = 0
    try:
        request = Request(url, headers={'Range': f'bytes={have}-'} if have else {})
        with urlopen(request, timeout=60) as reply:
            have = have if reply.status == 206 else 0
            length = reply.headers.get('Content-Length')
            total = have + int(length) if length else None
            with part.open('ab' if have else 'wb') as file:
                while chunk := reply.read(CHUNK):
                    file.write(chunk)
                    have += len(chunk)
                    if total and 10 * have // total > tenths:
                        tenths = 10 * have // total
                        events.progress(f'Downloading {path.name}', tenths - 1, 10)
    except (HTTPException, OSError, ValueError) as error:
        unfit = isinstance(error, HTTPError) and error.code == RANGE_NOT_SATISFIABLE
        if unfit and have:
            part.unlink()
            return fetch(url, path, events)
        raise UserError(
            f'{url}: the download failed ({error}); run the command again, or download '
            'the file by hand and unpack it.'
        ) from None
    if total is not None and part.stat().st_size != total:
        raise UserError(
            f'{url}: the connection ended after {part.stat().st_size} of {total} '
            'bytes; run the command again to continue.'
        )
    return os.replace(part, path)


def extract(archive: Path, member: str) -> None:
    """Extract the files of a zip archive whose names match; group 1 is their path.

    An archive that is damaged, encrypted, would unpack to far more than its size, or
    has no such file is deleted, and nothing of it is extracted.

    Raises:
        UserError: If it is such an archive.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            matches = {n: m for n in file.namelist() if (m := re.fullmatch(member, n))}
            if not matches:
                raise ValueError('it contains no file of the release')
            claimed = sum(file.getinfo(name).file_size for name in matches)
            if claimed > most_bytes_of(archive.stat().st_size):
                raise ValueError(f'its files would take {in_words(claimed)}')
            for name in matches:
                _check(file, name)
            for name, match in matches.items():
                path = archive.parent / match[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                with file.open(name) as packed, path.open('wb') as unpacked:
                    shutil.copyfileobj(packed, unpacked, CHUNK)
    except _DAMAGED as error:
        if isinstance(error, OSError) and is_of_disk(error):
            raise
        archive.unlink()
        raise UserError(
            f'{archive}: cannot be unpacked ({shown(error, 200)}), so it was deleted; '
            'run the command again to download it once more, or check --url.'
        ) from None


def _check(file: zipfile.ZipFile, name: str) -> None:
    """Raise an error unless a file of an archive can be unpacked."""
    if file.getinfo(name).compress_type not in _PACKINGS:
        raise NotImplementedError(f'{name} is neither stored nor deflated')
    with file.open(name) as packed:
        while packed.read(CHUNK):
            pass
