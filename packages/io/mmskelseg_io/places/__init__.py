"""Files of places in the image, from programs that draw them.

Each format has a module, which registers its reader. Readers raise a
:class:`UserError`, a ``ValueError``, for a file that is not of their format or is
inconsistent.
"""

from mmskelseg_io.files.formats import import_modules
from mmskelseg_io.places.geojson import write_geojson
from mmskelseg_io.places.reading import PLACE_FORMATS, Places, places_for, read_places
from mmskelseg_io.places.table import write_table

__all__ = [
    'PLACE_FORMATS',
    'Places',
    'places_for',
    'read_places',
    'write_geojson',
    'write_table',
]

import_modules(__name__, __path__)
