"""Frame-level action segmentation from skeleton heatmaps and video for MMAction2."""

import re
import sys
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

from mmskelseg.runtime.parts import ESTIMATORS, REMEDIES
from mmskelseg.version import __version__

# The distribution mmskelseg-runtime has no dependencies to check or repair.
if find_spec('mmskelseg.compat') is not None:
    from mmskelseg import compat
    from mmskelseg.compat import dependencies
    from mmskelseg.runtime.messages.errors import user_errors

    # The doctor lists all problems, where this check would stop.
    if not re.search(r'mmskelseg(\.exe)?[. ]doctor', ' '.join(sys.orig_argv)):
        names = {Path(word).name for word in sys.orig_argv}
        is_command = not names.isdisjoint({'mmskelseg', 'mmskelseg.exe'})
        with user_errors() if is_command else nullcontext():
            dependencies.check()
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
