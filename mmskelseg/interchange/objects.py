"""Files of objects, which the runtime reads."""

from mmskelseg_io.objects import *  # noqa: F403
from mmskelseg_io.objects import __all__ as __all__
