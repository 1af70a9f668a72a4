"""Frame-level action segmentation from skeleton heatmaps and video for MMAction2."""

from importlib.util import find_spec
from pathlib import Path

from mmskelseg.runtime.parts import ESTIMATORS, REMEDIES
from mmskelseg.version import __version__

# The distribution mmskelseg-runtime has no dependencies to check or repair.
if find_spec('mmskelseg.compat') is not None:
    from mmskelseg import compat
    from mmskelseg.compat import dependencies

    # Called where the dependencies are needed first: by commands and by the registry.
    check_dependencies = dependencies.check
    # Before mmaction.models or mmcv.ops is imported for the first time.
    compat.apply()

    def _registered(name: str) -> type | None:
        from mmskelseg.registry import INFERENCERS

        return INFERENCERS.get(name)

    ESTIMATORS.look_in(_registered)

    def _remedy(folder: Path) -> str | None:
        from mmskelseg.converters.data_sets import remedy_of

        return remedy_of(folder)

    REMEDIES.append(_remedy)

__all__ = ['__version__']
