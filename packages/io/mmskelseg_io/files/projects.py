"""The observers of a folder, each with a project of their own."""

from pathlib import Path

from mmskelseg_io.files.names import project_of
from mmskelseg_io.messages.errors import UserError, unlike


def project_file(folder: Path, observer: str = '') -> Path:
    """Return the file of an observer's project in a folder.

    Raises:
        UserError: If the name cannot be part of that of a file, or differs from another
            by case alone.
    """
    if not observer:
        return folder / 'studio.json'
    if project_of(f'studio.{observer}.json') is None:
        expected = 'up to 40 letters, digits, hyphens and underscores'
        raise UserError(unlike('--observer', observer, expected))
    for other in observers(folder):
        if other != observer and other.casefold() == observer.casefold():
            raise UserError(
                f'--observer is {observer!r}, but {folder} has the labels of '
                f'{other!r}; give that name, or one that differs by more than capitals.'
            )
    return folder / f'studio.{observer}.json'


def observer_of(path: Path) -> str:
    """Return whose project a file is, '' without a name.

    >>> observer_of(Path('mice/studio.ann.json')), observer_of(Path('studio.json'))
    ('ann', '')
    """
    return project_of(path.name) or ''


def observers(folder: Path) -> list[str]:
    """Return whose projects a folder has; the one without a name comes first."""
    found = (project_of(path.name) for path in folder.iterdir())
    return sorted(name for name in found if name is not None)
