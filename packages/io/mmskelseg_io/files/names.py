"""Names of files and configs."""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath
from typing import TypeVar

from mmskelseg_io.messages.errors import misfit

Item = TypeVar('Item')
# The most bytes of an id in a file name; systems allow 255 bytes in total.
_LONGEST = 160
# Names of devices on Windows, with whatever ending.
_DEVICE = r'(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|\Z)'
# What is spelt out: the first letter of these, what some system does not allow, and an
# end that Windows leaves out.
_UNSAFE = re.compile(rf'\A(?={_DEVICE}).|[/\\:*?"<>|%\x00-\x1f]|[. ]\Z', re.IGNORECASE)

# What exports append to the name of a recording, where the file does not state it.
_APPENDED = {
    '.annot': '_segments',
    '.csv': '_deepethogram',
    '.eaf': '_segments',
    '.nc': '_movement',
    '.npz': '_poses',
    '.nwb': '_session',
}
_NUMBER = re.compile(r'(?<![0-9])([0-9]{1,15})$')
#: The folder in which the studio writes all but projects, and their names.
STUDIO = 'studio'
_PROJECT = re.compile(rf'{STUDIO}(?:\.([\w-]{{1,40}}))?\.json')


def project_of(name: str) -> str | None:
    """Return whose project of the studio a file of this name is; None of another file.

    >>> [project_of(name) for name in ('studio.json', 'studio.ann.json', 'a.json')]
    ['', 'ann', None]
    """
    found = _PROJECT.fullmatch(name)
    return found and (found[1] or '')


def is_of_studio(path: Path) -> bool:
    """Return whether a path is a project of the studio, or its own folder."""
    is_own = path.name == STUDIO and (path / 'lock').is_file()
    return is_own or project_of(path.name) is not None


def file_name(name: str) -> str:
    """Return a file name for a video's id; different ids get different names.

    It can be the name of a file or folder on every system, also with an ending.

    >>> file_name('subject 1/take:2'), file_name('..'), file_name('nul')
    ('subject 1%2Ftake%3A2', '.%2E', '%6Eul')
    """
    safe = _UNSAFE.sub(lambda match: f'%{ord(match[0]):02X}', name)
    return safe if len(safe.encode()) <= _LONGEST else _marked(safe, name)


def file_names(names: Collection[str]) -> dict[str, str]:
    """Return the file names of ids, which differ even if upper case is lower case.

    Windows and macOS take ``Take`` and ``take`` for one name, and macOS composed and
    decomposed letters. Ids that have one name there get a mark.
    """
    safe = {name: file_name(name) for name in names}
    alike = {name: _folded(file) for name, file in safe.items()}
    count = Counter(alike.values())
    return {
        name: file if count[alike[name]] == 1 else _marked(file, name)
        for name, file in safe.items()
    }


def _marked(file: str, name: str) -> str:
    """Return the beginning of a file name with the digest of its id."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f'{file.encode()[: _LONGEST - 17].decode(errors="ignore")}~{digest}'


def _folded(file: str) -> str:
    return unicodedata.normalize('NFC', unicodedata.normalize('NFC', file).casefold())


def recording_of(path: str | os.PathLike) -> str:
    """Return the recording that a file is named after, without what exports append.

    >>> recording_of('out/take1_session.nwb'), recording_of('take1_session.eaf')
    ('take1', 'take1_session')
    """
    path = Path(path)
    return path.stem.removesuffix(_APPENDED.get(path.suffix.lower(), '')) or path.stem


def numbered(name: str) -> tuple[str, int] | None:
    """Return the video and the number of the file of a frame, if it has a number.

    >>> numbered('labels/take1_12.txt'), numbered('000003.jpg'), numbered('a.txt')
    (('take1', 12), ('', 3), None)
    """
    stem = PurePath(name).stem
    found = _NUMBER.search(stem)
    return found and (stem[: found.start()].rstrip('_-. '), int(found[1]))


def frame_in(value: object, place: str, key: str) -> int:
    """Return the frame that the value of a key states: a number, or a file's name."""
    found = numbered(str(value))
    if found is None or str(value).startswith('-'):
        expected = 'the number of a frame, or a file name that ends in one'
        raise misfit(place, key, value, expected)
    return found[1]


def video_name(media: str) -> str:
    r"""Return the name of a media file without its folder and suffix.

    >>> video_name('C:\\clips\\take 1.mp4'), video_name('/data/?d=cam/subject.01.avi')
    ('take 1', 'subject.01')
    """
    name = re.split(r'[/\\]', media)[-1].partition('?')[0]
    return re.sub(r'\.(?=\w*[A-Za-z])\w{2,4}$', '', name)


def find_named(name: str, files: Iterable[tuple[str, Item]]) -> list[Item]:
    """Return the files with a name, or else those whose names contain it.

    The name must not be part of a longer number or word. macOS decomposes characters
    in names of files, which may differ in that.

    >>> find_named('12', [('take_12', Path('a')), ('112', Path('b'))]) == [Path('a')]
    True
    """
    name = unicodedata.normalize('NFC', name)
    files = [(unicodedata.normalize('NFC', other), path) for other, path in files]
    part = re.compile(rf'(?<![^\W_]){re.escape(name)}(?![^\W_])')
    return [path for other, path in files if other == name] or [
        path for other, path in files if part.search(other)
    ]


def config_name(path: str | os.PathLike) -> str:
    """Return a config's name with its folder, since several models share names.

    >>> config_name('/home/me/configs/ms_gcn/uwiom_pose3d.py')
    'ms_gcn/uwiom_pose3d.py'
    """
    return '/'.join(Path(path).resolve().parts[-2:])
