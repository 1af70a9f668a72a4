"""Repairs of defects in releases of dependencies, each with its upstream issue."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from mmskelseg.config_files import configs_folder
from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.files.work_folders import find_latest_checkpoint

STAND_INS = Path(__file__).parent / 'stand_ins'


class _Finder(MetaPathFinder):
    """A finder of one module, which calls a function with the path to search."""

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
        """Return the spec of the module of this finder; None for other modules."""
        return self.find(path) if fullname == self.module else None


def stand_in(module: str, folder: str | Path, *, first: bool = False) -> None:
    """Import the package in a folder as ``module`` if there is no such module.

    Relative folders are relative to ``stand_ins``. With ``first``, it replaces an
    installed package that is broken.
    """
    folder = STAND_INS / folder

    def find(path: Sequence[str] | None) -> ModuleSpec | None:
        return spec_from_file_location(
            module, folder / '__init__.py', submodule_search_locations=[str(folder)]
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


@dataclass(frozen=True)
class Repair:
    """A defect in a release of a dependency, and its repair.

    Args:
        name: A one-word name.
        upstream: The project, with the number of the issue if there is one.
        mends: The symptom of the defect.
        apply: Function that repairs it.
        needed: Function that returns whether the defect is present, without importing
            the package; by default, wherever MMEngine is.
    """

    name: str
    upstream: str
    mends: str
    apply: Callable[[], None]
    needed: Callable[[], bool] = lambda: bool(_folder('mmengine'))


def _folder(package: str) -> Path | None:
    """Return the folder of a top-level package; None if it is not installed."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _lacks_drn() -> bool:
    mmaction = _folder('mmaction')
    folder = mmaction and mmaction / 'models' / 'localizers'
    return bool(folder and folder.is_dir() and not (folder / 'drn').is_dir())


def _lacks_importlib_metadata() -> bool:
    return bool(_folder('mmaction')) and not find_spec('importlib_metadata')


def _lacks_operators() -> bool:
    mmcv = _folder('mmcv')
    if not mmcv or any(mmcv.glob('_ext*')):
        return False
    return bool(_folder('mmdet') or _folder('mmpose'))


def _lacks_xtcocotools() -> bool:
    if not (_folder('mmpose') and _folder('pycocotools')):
        return False
    # Its releases up to 1.14.3 were compiled for NumPy 1 and do not work with NumPy 2,
    # which only an import can show; this module only imports NumPy.
    try:
        importlib.import_module('xtcocotools._mask')
    except (ImportError, ValueError):
        return True
    return False


def _lacks_numpy_inf() -> bool:
    if not _folder('numpy'):
        return False
    import numpy

    return not hasattr(numpy, 'Inf')


def _add_numpy_inf() -> None:
    import numpy

    numpy.Inf = numpy.inf  # type: ignore[attr-defined]


def _replace_xtcocotools() -> None:
    sys.modules.pop('xtcocotools', None)
    folder = _folder('pycocotools')
    assert folder is not None, 'the repair is needed only where it is installed'
    stand_in('xtcocotools', folder, first=True)


def _secure(checkpoint_module: ModuleType) -> None:
    # Imported here because it imports torch.
    from mmskelseg.checkpoints.reading import secure_mmengine

    secure_mmengine(checkpoint_module)


_registered_only = ContextVar('registered_only', default=False)


@contextmanager
def registered_only() -> Iterator[None]:
    """Keep registries from importing types that are not registered, for a block.

    This is for configs that are data, such as those in checkpoints. Otherwise,
    MMEngine's registries import whatever a ``type`` names, such as
    ``subprocess.Popen``, if nothing of that name is registered.
    """
    token = _registered_only.set(True)
    try:
        yield
    finally:
        _registered_only.reset(token)


def _restrict(registry_module: ModuleType) -> None:
    import_by_name = registry_module.get_object_from_string

    def find(name: str) -> object:
        return None if _registered_only.get() else import_by_name(name)

    registry_module.get_object_from_string = find  # type: ignore[attr-defined]


def _find_latest(runner_module: ModuleType) -> None:
    runner_module.find_latest_checkpoint = (  # type: ignore[attr-defined]
        find_latest_checkpoint
    )


def _write_whole(backend_module: ModuleType) -> None:
    def put(self: object, obj: bytes, filepath: str | Path) -> None:
        with atomic_write(filepath) as file:
            file.write(obj)

    backend_module.LocalBackend.put = put


def _is_mac() -> bool:
    return sys.platform == 'darwin' and bool(_folder('mmengine'))


def _avoid_mps(device_module: ModuleType) -> None:
    if device_module.DEVICE == 'mps':
        device_module.DEVICE = 'cpu'  # type: ignore[attr-defined]


def _open_configs(config_module: ModuleType) -> None:
    config = config_module.Config
    find, read = config._get_cfg_path, config._file2dict

    def base_of(cfg_path: str, filename: str) -> tuple[str, str | None]:
        package, _, name = cfg_path.partition('::')
        # Without a scope, as if its path were given: it sets the default scope.
        ours = package == 'mmskelseg' and (str(configs_folder() / name), None)
        return ours or find(cfg_path, filename)

    def read_file(filename: str, *args: Any, **options: Any) -> tuple[dict, ...]:
        content = read(filename, *args, **options)
        folder = os.path.dirname(os.path.abspath(filename))
        # At the end, so that its files hide no module, and for later processes, too.
        if content[0].get('custom_imports') and folder not in sys.path:
            sys.path.append(folder)
        return content

    config._get_cfg_path = staticmethod(base_of)
    config._file2dict = staticmethod(read_file)


REPAIRS = (
    Repair(
        name='checkpoints',
        upstream='mmengine 1655',
        mends='loading a checkpoint runs code from the file (torch < 2.6) or fails',
        apply=lambda: after_import('mmengine.runner.checkpoint', _secure),
    ),
    Repair(
        name='types',
        upstream='mmengine, which imports whatever a type in a config names',
        mends='the config in a checkpoint runs code',
        apply=lambda: after_import('mmengine.registry.registry', _restrict),
    ),
    Repair(
        name='whole_files',
        upstream='mmengine, which overwrites files in place',
        mends='a killed training leaves a truncated checkpoint',
        apply=lambda: after_import(
            'mmengine.fileio.backends.local_backend', _write_whole
        ),
    ),
    Repair(
        name='last_checkpoint',
        upstream='mmengine, which trusts the file last_checkpoint',
        mends='a training that was killed while writing that file does not resume',
        apply=lambda: after_import('mmengine.runner.runner', _find_latest),
    ),
    Repair(
        name='mps',
        upstream="mmengine, which prefers Apple's GPUs to the CPU",
        mends='models with statistics in float64 cannot be moved to such a GPU',
        needed=_is_mac,
        apply=lambda: after_import('mmengine.device.utils', _avoid_mps),
    ),
    Repair(
        name='configs',
        upstream='mmengine, which knows only the packages of OpenMMLab',
        mends="`_base_ = 'mmskelseg::...'` fails, as do imports from a config's folder",
        apply=lambda: after_import('mmengine.config.config', _open_configs),
    ),
    Repair(
        name='drn',
        upstream='mmaction2 2714',
        mends='`import mmaction.models` fails: localizers/drn was not packaged',
        needed=_lacks_drn,
        apply=lambda: stand_in('mmaction.models.localizers.drn', 'drn'),
    ),
    Repair(
        name='importlib_metadata',
        upstream='mmaction2, undeclared requirement',
        mends='`import mmaction.models` fails: it needs this backport of a built-in',
        needed=_lacks_importlib_metadata,
        apply=lambda: stand_in('importlib_metadata', 'importlib_metadata'),
    ),
    Repair(
        name='operators',
        upstream='mmcv-lite, without compiled operators',
        mends='`import mmdet` and `import mmpose` fail; torchvision replaces operators',
        needed=_lacks_operators,
        apply=lambda: stand_in('mmcv._ext', 'mmcv_ext'),
    ),
    Repair(
        name='xtcocotools',
        upstream='xtcocotools, compiled for NumPy 1',
        mends='`import mmpose.apis` fails; pycocotools replaces it, except for scores',
        needed=_lacks_xtcocotools,
        apply=_replace_xtcocotools,
    ),
    Repair(
        name='np.Inf',
        upstream='mmaction2, removed in NumPy 2.0',
        mends='`PoseCompact` and others fail: they use a name that NumPy 2 lacks',
        needed=_lacks_numpy_inf,
        apply=_add_numpy_inf,
    ),
)
