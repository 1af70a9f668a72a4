"""Label files, which the runtime reads and writes."""

from mmskelseg.runtime.labels import *  # noqa: F403
from mmskelseg.runtime.labels import __all__ as __all__
