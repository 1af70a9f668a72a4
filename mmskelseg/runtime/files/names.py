"""Names of files and configs."""

import hashlib
import os
import re
from pathlib import Path

# The most bytes of an id in a file name; systems allow 255 bytes in total.
_LONGEST = 160


def file_name(name: str) -> str:
    """Return a file name for a video's id; different ids get different names.

    >>> file_name('subject 1/take:2'), file_name('..')
    ('subject 1%2Ftake%3A2', '%2E%2E')
    """
    safe = re.sub(
        r'[/\\:*?"<>|%\x00-\x1f]', lambda match: f'%{ord(match[0]):02X}', name
    )
    if safe in ('.', '..'):
        safe = safe.replace('.', '%2E')
    if len(safe.encode()) <= _LONGEST:
        return safe
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f'{safe.encode()[: _LONGEST - 17].decode(errors="ignore")}~{digest}'


def config_name(path: str | os.PathLike) -> str:
    """Return a config's name with its folder, since several models share names.

    >>> config_name('/home/me/configs/ms_gcn/uwiom_pose3d.py')
    'ms_gcn/uwiom_pose3d.py'
    """
    return '/'.join(Path(path).resolve().parts[-2:])
