"""Releases of 3D poses by LCR-Net, a folder for each part and a file for each video.

Their joints are those of the skeleton ``lcr15``, in metres, in the axes of a camera.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.datasets.converters.building import read_joints
from mmskelseg.datasets.converters.text_layout import read_lines
from mmskelseg.utils.errors import MissingFileError, UserError

JOINTS = 15
# The releases state no camera; docs/datasets/uwiom.md has reasons.
IMG_SHAPE = (480, 640)
FOCAL_LENGTH = 500
CAMERA = f'pinhole, focal length {FOCAL_LENGTH} pixels, centred'


def find_videos(root: Path, parts: Mapping[str, str]) -> list[str]:
    """Return the ids of the videos, each of which has all parts.

    Args:
        root: Folder of the release.
        parts: For each folder in it the name of its files, with NN for the id.
    """
    found: dict[str, set[str]] = {}
    for part, name in parts.items():
        found[part] = set()
        pattern = re.escape(name).replace('NN', r'(\d\d)')
        for path in sorted((root / part).glob('[!.]*')):
            match = re.fullmatch(pattern, path.name)
            if not match:
                raise UserError(
                    f'{path}: not a name of the release, such as '
                    f'{name.replace("NN", "03")}; rename it or take it away.'
                )
            found[part].add(match[1])
    videos = sorted(set.union(*found.values()))
    if not videos:
        raise UserError(f'{root}: there is no video in it; copy the release again.')
    for part, ids in found.items():
        for video in videos:
            if video not in ids:
                path = root / part / parts[part].replace('NN', video)
                raise MissingFileError(
                    f'{path}: missing, though another part of video {video} is there; '
                    'copy the release again.'
                )
    return videos


def project(pose: np.ndarray) -> np.ndarray:
    """Return the image of a pose in a nominal pinhole camera.

    Args:
        pose: Joints in metres, shape (..., 3): depth, lateral (left), vertical (up).

    Returns:
        Pixels (x, y) of an image of 640 x 480 with its centre on the optical axis,
        shape (..., 2), not clipped to the image.

    >>> project(np.array([4.0, -0.4, 0.8]))
    array([370., 140.], dtype=float32)
    """
    depth, left, up = np.moveaxis(pose.astype(float), -1, 0)
    image = np.stack([-left / depth, -up / depth], axis=-1)
    height, width = IMG_SHAPE
    return (image * FOCAL_LENGTH + (width / 2, height / 2)).astype(np.float32)


def read_posed_video(video: str, path: Path, fps: float) -> dict[str, Any]:
    """Return a video's annotation as far as its rate and its pose (T, 15, 3) decide it.

    Args:
        video: The id.
        path: A .npy file of the joints of each frame, in metres.
        fps: Frames per second.
    """
    pose = read_joints(path, JOINTS)
    wrong = ~(pose[..., 0] > 0)
    if wrong.any():
        frame, joint = np.argwhere(wrong)[0]
        raise UserError(
            f'{path}: frame {frame}, joint {joint} has a depth that is no number '
            f'above 0, the first of {wrong.sum()}; copy the file again.'
        )
    pose = pose.astype(np.float32)
    return {
        'frame_dir': video,
        'total_frames': len(pose),
        'img_shape': IMG_SHAPE,
        'fps': fps,
        'keypoint': project(pose)[None],
        'keypoint_score': np.ones((1, len(pose), JOINTS), np.float32),
        'keypoint_3d': pose[None],
    }


def read_risk(path: Path) -> np.ndarray:
    """Return the REBA score of each frame, shape (T,)."""
    try:
        return np.array([float(line) for line in read_lines(path)], np.float32)
    except ValueError as error:
        raise UserError(f'{path}: {error}; each line must be a number.') from None
