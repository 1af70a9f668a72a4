"""Names of a package whose modules are imported when they are asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package.

    Parts that need PyTorch, which takes seconds to import and which some users do
    without, are not imported with the package.

    Args:
        package: Its ``__name__``.
        modules: The module of the package that each name is from.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        return getattr(import_module(f'{package}.{modules[name]}'), name)

    return get
