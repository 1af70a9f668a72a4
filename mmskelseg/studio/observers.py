"""The observers of a folder, each with a project of their own."""

import re
from pathlib import Path

from mmskelseg.runtime.messages.errors import UserError, shown

# Names become part of those of files.
_NAME = r'[\w-]{1,40}'
_FILE = re.compile(rf'studio(?:\.({_NAME}))?\.json')


def project_file(folder: Path, observer: str = '') -> Path:
    """Return the file of an observer's project in a folder.

    Raises:
        UserError: If the name cannot be part of that of a file, or differs from another
            by case alone.
    """
    if not observer:
        return folder / 'studio.json'
    if not re.fullmatch(_NAME, observer):
        raise UserError(
            f'--observer is {shown(observer)}, expected up to 40 letters, digits, '
            'hyphens and underscores; choose such a name.'
        )
    for other in observers(folder):
        if other != observer and other.casefold() == observer.casefold():
            raise UserError(
                f'--observer is {observer!r}, but {folder} has the labels of '
                f'{other!r}; give that name, or one that differs by more than capitals.'
            )
    return folder / f'studio.{observer}.json'


def is_project(name: str) -> bool:
    """Return whether a file of this name is a project.

    >>> is_project('studio.json'), is_project('studio.ann.json'), is_project('a.json')
    (True, True, False)
    """
    return _FILE.fullmatch(name) is not None


def observer_of(path: Path) -> str:
    """Return whose project a file is, '' without a name.

    >>> observer_of(Path('mice/studio.ann.json')), observer_of(Path('studio.json'))
    ('ann', '')
    """
    found = _FILE.fullmatch(path.name)
    return (found and found[1]) or ''


def observers(folder: Path) -> list[str]:
    """Return whose projects a folder has; the one without a name comes first."""
    return sorted(
        observer_of(path) for path in folder.iterdir() if is_project(path.name)
    )
