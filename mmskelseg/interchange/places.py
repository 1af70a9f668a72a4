"""Files of places, which the runtime reads and writes."""

from mmskelseg_io.places import *  # noqa: F403
from mmskelseg_io.places import __all__ as __all__
