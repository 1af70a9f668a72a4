"""Pose files of other programs, and the choice of a person.

Each tracker has a module, which registers its reader. Readers raise a
:class:`UserError`, a ``ValueError``, for a file that is not of their format or is
inconsistent. Readers of HDF5 also raise one if h5py is missing.
"""

from mmskelseg_io.entry_points import import_entry_points
from mmskelseg_io.files.formats import import_modules
from mmskelseg_io.poses.layouts import to_coco17
from mmskelseg_io.poses.npz import read_npz, write_npz
from mmskelseg_io.poses.poses import Poses, in_pixels_of, with_rate, with_size
from mmskelseg_io.poses.reading import POSE_FORMATS, read_poses, recognise
from mmskelseg_io.poses.tracking import POLICIES, choose_person, each_person

__all__ = [
    'FORMATS',
    'POLICIES',
    'Poses',
    'choose_person',
    'each_person',
    'in_pixels_of',
    'read_npz',
    'read_poses',
    'recognise',
    'to_coco17',
    'with_rate',
    'with_size',
    'write_npz',
]

# Register all trackers, and those of other packages.
import_modules(__name__, __path__)
import_entry_points('pose_formats')
#: The names of the formats.
FORMATS = tuple(POSE_FORMATS.readers)
