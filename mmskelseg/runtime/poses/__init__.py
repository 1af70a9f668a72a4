"""Pose files of other programs, one module for each format.

Readers raise a :class:`UserError`, a ``ValueError``, for a file that is not of their
format or is inconsistent. Readers of HDF5 also raise one if h5py is missing.
"""

from mmskelseg.runtime.poses.coco import read_coco
from mmskelseg.runtime.poses.deeplabcut import read_deeplabcut
from mmskelseg.runtime.poses.layouts import to_coco17
from mmskelseg.runtime.poses.mediapipe import read_mediapipe
from mmskelseg.runtime.poses.mmpose import read_mmpose
from mmskelseg.runtime.poses.npz import read_npz, write_npz
from mmskelseg.runtime.poses.openpose import read_openpose
from mmskelseg.runtime.poses.poses import Poses, with_rate, with_size
from mmskelseg.runtime.poses.reading import FORMATS, read_poses, recognise
from mmskelseg.runtime.poses.sleap import read_sleap
from mmskelseg.runtime.poses.table import read_table
from mmskelseg.runtime.poses.tracking import POLICIES, choose_person, each_person

__all__ = [
    'FORMATS',
    'POLICIES',
    'Poses',
    'choose_person',
    'each_person',
    'read_coco',
    'read_deeplabcut',
    'read_mediapipe',
    'read_mmpose',
    'read_npz',
    'read_openpose',
    'read_poses',
    'read_sleap',
    'read_table',
    'recognise',
    'to_coco17',
    'with_rate',
    'with_size',
    'write_npz',
]
