"""Parts that configs name; each registers itself by a decorator, without MMEngine."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mmskelseg.runtime.messages.options import checked

Part = TypeVar('Part', bound=type)


class Parts:
    """The classes of one kind by their names.

    Other registries, such as those of MMEngine, can take them over with :meth:`share`,
    or add theirs with :meth:`look_in`; the runtime does not need to know them.
    """

    def __init__(self) -> None:
        self._classes: dict[str, type] = {}
        self._takers: list[Callable[[type], object]] = []
        self._finders: list[Callable[[str], type | None]] = []

    def register(self, cls: Part) -> Part:
        """Add a class, which then checks its arguments, as its decorator."""
        checked(cls)
        self._classes[cls.__name__] = cls
        for take in self._takers:
            take(cls)
        return cls

    def share(self, take: Callable[[type], object]) -> None:
        """Call a function with each class, and with those that are registered later."""
        self._takers.append(take)
        for cls in self._classes.values():
            take(cls)

    def look_in(self, find: Callable[[str], type | None]) -> None:
        """Ask a function for names that no class has."""
        self._finders.append(find)

    def get(self, name: str) -> type | None:
        """Return the class of a name, None if there is none."""
        found = self._classes.get(name)
        for find in self._finders:
            found = found or find(name)
        return found

    def names(self) -> list[str]:
        """Return the names of the registered classes."""
        return list(self._classes)


RENDERERS = Parts()
ESTIMATORS = Parts()
#: Functions that return the command that makes the data set of a folder, if any does.
REMEDIES: list[Callable[[Path], str | None]] = []
