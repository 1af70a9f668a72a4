"""Pose files of other programs, and the choice of a person.

Each tracker has a module, which registers its reader. Readers raise a
:class:`UserError`, a ``ValueError``, for a file that is not of their format or is
inconsistent. Readers of HDF5 also raise one if h5py is missing.
"""

from mmskelseg.runtime.files.formats import import_modules
from mmskelseg.runtime.poses.calms21 import read_calms21
from mmskelseg.runtime.poses.coco import read_coco
from mmskelseg.runtime.poses.deeplabcut import read_deeplabcut
from mmskelseg.runtime.poses.jabs import read_jabs
from mmskelseg.runtime.poses.layouts import to_coco17
from mmskelseg.runtime.poses.mediapipe import read_mediapipe
from mmskelseg.runtime.poses.mmpose import read_mmpose
from mmskelseg.runtime.poses.npz import read_npz, write_npz
from mmskelseg.runtime.poses.openpose import read_openpose
from mmskelseg.runtime.poses.poses import (
    Poses,
    in_pixels_of,
    with_rate,
    with_size,
)
from mmskelseg.runtime.poses.reading import POSE_FORMATS, read_poses, recognise
from mmskelseg.runtime.poses.simba import read_simba
from mmskelseg.runtime.poses.sleap import read_sleap
from mmskelseg.runtime.poses.table import read_table
from mmskelseg.runtime.poses.tracking import POLICIES, choose_person, each_person

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

# Register the trackers that are not named above, too.
import_modules(__name__, __path__)
#: The names of the formats.
FORMATS = tuple(POSE_FORMATS.readers)
