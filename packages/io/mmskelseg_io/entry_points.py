"""What other installed packages add, by the entry points that they declare.

The groups are ``mmskelseg.commands`` and ``mmskelseg.converters``, whose entry points
are packages with a module for each; ``mmskelseg.label_formats``,
``mmskelseg.pose_formats``, ``mmskelseg.exports`` and ``mmskelseg.postprocessing``,
whose entry points are modules that register what they have; and
``mmskelseg.functions``, single functions that this project's packages need of those
above them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint
from importlib.metadata import entry_points as all_entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Command:
    """A module with a ``main(argv, prog)``.

    Attributes:
        module: Its name.
        sentence: The first line of its docstring, without the full stop.
    """

    module: str
    sentence: str

    def main(self, argv: list[str], prog: str) -> None:
        """Import it, and run it with the words of a command line."""
        import_module(self.module).main(argv, prog=prog)


@cache
def entry_points(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of ``mmskelseg.GROUP`` by their names."""
    found = installed().select(group=f'mmskelseg.{group}')
    return {point.name: point for point in sorted(found, key=lambda one: one.value)}


@cache
def installed() -> Any:
    """Return the entry points of all packages, which are read once."""
    return all_entry_points()


def import_entry_points(group: str) -> None:
    """Import the modules of a group, so that what they have registers itself."""
    for point in entry_points(group).values():
        point.load()


def function(name: str) -> Callable[..., Any] | None:
    """Return what the group ``functions`` has by a name, None if it has nothing."""
    point = entry_points('functions').get(name)
    return None if point is None else point.load()


@cache
def commands(group: str) -> dict[str, Command]:
    """Return the commands in the packages of a group, by their names.

    They are read, not imported, which would take as long as running one.
    """
    found: dict[str, Command] = {}
    for point in entry_points(group).values():
        found |= commands_in(point.value)
    return dict(sorted(found.items()))


def commands_in(package: str) -> dict[str, Command]:
    """Return the commands among the modules of a package, without importing it."""
    top, *inner = package.split('.')
    spec = find_spec(top)
    found: dict[str, Command] = {}
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(folder, *inner).glob('[!_]*.py')):
            text = path.read_text('utf-8')
            if '\nmain = ' in text or '\ndef main(' in text:
                line = text.split('"""')[1].partition('\n')[0].removesuffix('.')
                found[path.stem] = Command(f'{package}.{path.stem}', line)
    return found
