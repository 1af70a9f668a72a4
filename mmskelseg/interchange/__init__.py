"""Label files, which the runtime reads and writes."""

from mmskelseg_io.labels import *  # noqa: F403
from mmskelseg_io.labels import __all__ as __all__
