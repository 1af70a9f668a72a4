"""Pose files, which the runtime reads and writes."""

from mmskelseg_io.poses import *  # noqa: F403
from mmskelseg_io.poses import __all__ as __all__
