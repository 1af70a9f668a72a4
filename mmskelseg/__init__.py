"""Frame-level action segmentation from skeleton heatmaps and video for MMAction2."""

from importlib import import_module
from typing import Any

from mmskelseg import compat
from mmskelseg.compat import dependencies
from mmskelseg.version import __version__

# Called where the dependencies are needed first: by commands and by the registry.
check_dependencies = dependencies.check
# Before mmaction.models or mmcv.ops is imported for the first time.
compat.apply()

__all__ = ['__version__', 'fit', 'load']
_MODULES = {'fit': 'mmskelseg.automl.job', 'load': 'mmskelseg_runtime.model'}


def __getattr__(name: str) -> Any:
    """Import a function when it is needed, not for every command."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(_MODULES[name]), name)
