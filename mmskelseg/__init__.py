"""Frame-level action segmentation from skeleton heatmaps and video for MMAction2."""

from mmskelseg import compat
from mmskelseg.compat import dependencies
from mmskelseg.version import __version__

# Called where the dependencies are needed first: by commands and by the registry.
check_dependencies = dependencies.check
# Before mmaction.models or mmcv.ops is imported for the first time.
compat.apply()

__all__ = ['__version__']
