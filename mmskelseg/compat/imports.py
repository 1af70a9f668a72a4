"""Acting on imports before they happen."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

STAND_INS = Path(__file__).parent / 'stand_ins'


class _Finder(MetaPathFinder):
    """Finds one module, by a function of the path to search."""

    def __init__(
        self, module: str, find: Callable[[Sequence[str] | None], ModuleSpec | None]
    ):
        self.module = module
        self.find = find

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the spec of the one module that this finder knows."""
        return self.find(path) if fullname == self.module else None


def stand_in(module: str, folder: str | Path, *, first: bool = False) -> None:
    """Import the package in a folder as ``module`` where nobody else has it.

    Args:
        module: What is imported.
        folder: Where its stand-in lies, from ``stand_ins`` if it is relative.
        first: Whether it takes the place of one that is installed and broken.
    """
    folder = STAND_INS / folder

    def find(path: Sequence[str] | None) -> ModuleSpec | None:
        return importlib.util.spec_from_file_location(
            module,
            folder / '__init__.py',
            submodule_search_locations=[str(folder)],
        )

    position = 0 if first else len(sys.meta_path)
    sys.meta_path.insert(position, _Finder(module, find))


def after_import(module: str, action: Callable[[ModuleType], None]) -> None:
    """Call ``action`` with a module now, or as soon as it is imported."""
    if module in sys.modules:
        action(sys.modules[module])
        return

    def find(path: Sequence[str] | None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(module, path)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            action(module)

        spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec

    sys.meta_path.insert(0, _Finder(module, find))
