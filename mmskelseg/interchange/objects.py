"""Files of objects, which the runtime reads."""

from mmskelseg.runtime.objects import *  # noqa: F403
from mmskelseg.runtime.objects import __all__ as __all__
