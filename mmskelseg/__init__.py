"""Frame-level action segmentation from skeleton heatmaps and video for MMAction2."""

import re
import sys

from mmskelseg import compat
from mmskelseg.compat import dependencies
from mmskelseg.version import __version__

# The doctor lists what this check would stop at.
if not re.search(r'mmskelseg(\.exe)?[. ]doctor', ' '.join(sys.orig_argv)):
    dependencies.check()
# Before mmaction.models or mmcv.ops is imported for the first time.
compat.apply()

__all__ = ['__version__']
