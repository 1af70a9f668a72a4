"""Converters from releases and other files to annotation files."""

from collections.abc import Iterable
from pathlib import Path


def converters(folders: Iterable[str] | None = None) -> dict[str, str]:
    """Return the first line of the docstring of each converter, by its name.

    A module with a ``main`` is one, as in :mod:`mmskelseg.commands`. It is read, since
    importing all would take as long as a conversion. The ``folders`` are by default
    those of this package.
    """
    found = {}
    for folder in __path__ if folders is None else folders:
        for path in sorted(Path(folder).glob('[!_]*.py')):
            text = path.read_text('utf-8')
            if '\nmain = ' in text:
                line = text.split('"""')[1].partition('\n')[0]
                found[path.stem] = line.removesuffix('.')
    return found
