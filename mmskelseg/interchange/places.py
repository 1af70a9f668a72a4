"""Files of places, which the runtime reads and writes."""

from mmskelseg.runtime.places import *  # noqa: F403
from mmskelseg.runtime.places import __all__ as __all__
