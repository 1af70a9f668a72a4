"""Frame-level action segmentation from skeleton heatmaps and video for MMAction2."""

from mmskelseg import compat
from mmskelseg.version import __version__

# Before mmaction.models or mmcv.ops is imported for the first time.
compat.apply()

__all__ = ['__version__']
