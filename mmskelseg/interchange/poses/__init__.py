"""Pose files of other programs, one module for each format.

Readers raise a :class:`UserError`, a ``ValueError``, for a file that is not of their
format or is inconsistent. Readers of HDF5 also raise one if h5py is missing.
"""

from mmskelseg.interchange.poses.coco import read_coco
from mmskelseg.interchange.poses.deeplabcut import read_deeplabcut
from mmskelseg.interchange.poses.layouts import to_coco17
from mmskelseg.interchange.poses.mediapipe import read_mediapipe
from mmskelseg.interchange.poses.mmpose import read_mmpose
from mmskelseg.interchange.poses.npz import read_npz, write_npz
from mmskelseg.interchange.poses.openpose import read_openpose
from mmskelseg.interchange.poses.poses import Poses, with_rate, with_size
from mmskelseg.interchange.poses.reading import FORMATS, read_poses, recognise
from mmskelseg.interchange.poses.sleap import read_sleap
from mmskelseg.interchange.poses.table import read_table
from mmskelseg.interchange.poses.tracking import POLICIES, choose_person, each_person

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
