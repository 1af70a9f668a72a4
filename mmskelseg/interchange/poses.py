"""Pose files, which the runtime reads and writes."""

from mmskelseg.runtime.poses import *  # noqa: F403
from mmskelseg.runtime.poses import __all__ as __all__
