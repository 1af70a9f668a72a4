"""Files of objects of other programs: detectors, trackers and annotation tools.

Each tool has a module, which registers its reader. Readers raise a :class:`UserError`,
a ``ValueError``, for a file that is not of their format or is inconsistent.
"""

from mmskelseg_io.files.formats import import_modules
from mmskelseg_io.objects.found import Found, FoundObjects, kinds_of
from mmskelseg_io.objects.reading import (
    OBJECT_FORMATS,
    find_objects,
    pair_objects,
    read_objects,
)

__all__ = [
    'FORMATS',
    'Found',
    'FoundObjects',
    'find_objects',
    'kinds_of',
    'pair_objects',
    'read_objects',
]

import_modules(__name__, __path__)
#: The names of the formats.
FORMATS = tuple(OBJECT_FORMATS.readers)
