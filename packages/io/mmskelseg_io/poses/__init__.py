"""Pose files of other programs, and the choice of a person.

Each tracker has a module, which registers its reader. Readers raise a
:class:`UserError`, a ``ValueError``, for a file that is not of their format or is
inconsistent. Readers of HDF5 also raise one if h5py is missing.
"""

from mmskelseg_io.entry_points import import_entry_points
from mmskelseg_io.files.formats import import_modules
from mmskelseg_io.poses.calms21 import read_calms21
from mmskelseg_io.poses.coco import read_coco
from mmskelseg_io.poses.deeplabcut import read_deeplabcut
from mmskelseg_io.poses.jabs import read_jabs
from mmskelseg_io.poses.layouts import to_coco17
from mmskelseg_io.poses.mediapipe import read_mediapipe
from mmskelseg_io.poses.mmpose import read_mmpose
from mmskelseg_io.poses.npz import read_npz, write_npz
from mmskelseg_io.poses.openpose import read_openpose
from mmskelseg_io.poses.poses import Poses, in_pixels_of, with_rate, with_size
from mmskelseg_io.poses.reading import POSE_FORMATS, read_poses, recognise
from mmskelseg_io.poses.simba import read_simba
from mmskelseg_io.poses.sleap import read_sleap
from mmskelseg_io.poses.table import read_table
from mmskelseg_io.poses.tracking import POLICIES, choose_person, each_person

__all__ = [
    'FORMATS',
    'POLICIES',
    'Poses',
    'choose_person',
    'each_person',
    'in_pixels_of',
    'read_calms21',
    'read_coco',
    'read_deeplabcut',
    'read_jabs',
    'read_mediapipe',
    'read_mmpose',
    'read_npz',
    'read_openpose',
    'read_poses',
    'read_simba',
    'read_sleap',
    'read_table',
    'recognise',
    'to_coco17',
    'with_rate',
    'with_size',
    'write_npz',
]

# Register the trackers that are not named above, and those of other packages, too.
import_modules(__name__, __path__)
import_entry_points('pose_formats')
#: The names of the formats.
FORMATS = tuple(POSE_FORMATS.readers)
