"""Lazy imports of the names of a package."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package that imports its parts when needed.

    Importing PyTorch takes seconds, and some users do not have it. Parts that need it
    are therefore not imported together with the package.

    Args:
        package: The ``__name__`` of the package.
        modules: For each name, the module of the package that defines it.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        return getattr(import_module(f'{package}.{modules[name]}'), name)

    return get
