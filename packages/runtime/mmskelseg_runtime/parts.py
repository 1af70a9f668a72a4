"""Parts that configs name; each registers itself by a decorator, without MMEngine."""

from collections.abc import Callable
from typing import TypeVar

from mmskelseg_io.entry_points import function
from mmskelseg_io.messages.options import checked

Class = TypeVar('Class', bound=type)


class Parts:
    """The classes of one kind by their names.

    Other registries, such as those of MMEngine, can take them over with :meth:`share`.

    Args:
        finder: The function of an installed package that returns the class of a name
            that is not among them, or None.
    """

    def __init__(self, finder: str = '') -> None:
        self._finder = finder
        self._classes: dict[str, type] = {}
        self._takers: list[Callable[[type], object]] = []

    def register(self, cls: Class) -> Class:
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

    def get(self, name: str) -> type | None:
        """Return the class of a name, None if there is none."""
        if name in self._classes:
            return self._classes[name]
        find = function(self._finder)
        return find and find(name)

    def names(self) -> list[str]:
        """Return the names of the registered classes."""
        return list(self._classes)


RENDERERS = Parts()
ESTIMATORS = Parts('find_estimator')
