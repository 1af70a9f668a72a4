"""Fetching and unpacking of public releases."""

import os
import re
import zipfile
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from mmskelseg.utils.errors import UserError

CHUNK = 1 << 18
RANGE_NOT_SATISFIABLE = 416


def fetch(url: str, path: Path) -> None:
    """Download a file with a progress bar; it is at ``path`` only once it is complete.

    What an interrupted download left in ``<path>.part`` is continued where the server
    can do that, and fetched anew where it cannot.
    """
    part = path.with_name(f'{path.name}.part')
    path.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    columns = (
        *Progress.get_default_columns()[:2],
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    try:
        request = Request(url, headers={'Range': f'bytes={have}-'} if have else {})
        with urlopen(request, timeout=60) as reply:
            have = have if reply.status == 206 else 0
            length = reply.headers.get('Content-Length')
            total = have + int(length) if length else None
            with part.open('ab' if have else 'wb') as file, Progress(*columns) as bar:
                task = bar.add_task(path.name, total=total, completed=have)
                while chunk := reply.read(CHUNK):
                    file.write(chunk)
                    bar.update(task, advance=len(chunk))
    except (HTTPException, OSError, ValueError) as error:
        if isinstance(error, HTTPError) and error.code == RANGE_NOT_SATISFIABLE:
            part.unlink()
            return fetch(url, path)
        raise UserError(
            f'{url}: the download failed ({error}); run the command again, or download '
            'the file by hand and unpack it.'
        ) from None
    if total is not None and part.stat().st_size != total:
        raise UserError(
            f'{url}: the connection ended after {part.stat().st_size} of {total} '
            'bytes; run the command again to continue.'
        )
    os.replace(part, path)
    return None


def extract(archive: Path, member: str, folder: Path) -> None:
    """Unpack those files of a zip archive whose names match a pattern.

    Args:
        archive: The zip file; it is deleted if it is damaged.
        member: Regular expression of whole names, the first group of which is the path
            below ``folder``. It must not match names with ``..`` in them.
        folder: Where to unpack to.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            matches = {n: m for n in file.namelist() if (m := re.fullmatch(member, n))}
            for name, match in matches.items():
                path = folder / match[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read(name))
    except (zipfile.BadZipFile, NotImplementedError) as error:
        archive.unlink()
        raise UserError(
            f'{archive}: not a complete zip file ({error}), so it was deleted; run the '
            'command again to download it anew.'
        ) from None
    if not matches:
        archive.unlink()
        raise UserError(
            f'{archive}: no file of the release in it, so it was deleted; check --url.'
        )
