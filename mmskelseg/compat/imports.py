"""Acting on imports before they happen."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

STAND_INS = Path(__file__).parent / 'stand_ins'


class _StandIn(MetaPathFinder):
    """Finds one package in the folder of another."""

    def __init__(self, module: str, folder: Path):
        self.module = module
        self.folder = folder

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the stand-in for the one module that this finder knows."""
        if fullname != self.module:
            return None
        return importlib.util.spec_from_file_location(
            fullname,
            self.folder / '__init__.py',
            submodule_search_locations=[str(self.folder)],
        )


class _Watcher(MetaPathFinder):
    """Lets one module be imported as usual and acts on it afterwards."""

    def __init__(self, module: str, action: Callable[[ModuleType], None]):
        self.module = module
        self.action = action

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the module's own spec, with the action after its execution."""
        spec = PathFinder.find_spec(fullname, path) if fullname == self.module else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            self.action(module)

        spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec


def stand_in(module: str, folder: str | Path, *, first: bool = False) -> None:
    """Import the package in a folder as ``module`` where nobody else has it.

    Args:
        module: What is imported.
        folder: Where its stand-in lies, from ``stand_ins`` if it is relative.
        first: Whether it takes the place of one that is installed and broken.
    """
    finder = _StandIn(module, STAND_INS / folder)
    sys.meta_path.insert(0 if first else len(sys.meta_path), finder)


def after_import(module: str, action: Callable[[ModuleType], None]) -> None:
    """Call ``action`` with a module now, or as soon as it is imported."""
    if module in sys.modules:
        action(sys.modules[module])
    else:
        sys.meta_path.insert(0, _Watcher(module, action))
