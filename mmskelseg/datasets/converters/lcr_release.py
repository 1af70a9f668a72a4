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
        parts: For each folder in it the pattern of its files' names, as a regular
            expression whose one group is ``(\\d\\d)``, the id.
    """
    found: dict[str, set[str]] = {}
    for part, pattern in parts.items():
        found[part] = set()
        for path in sorted((root / part).glob('[!.]*')):
            match = re.fullmatch(pattern, path.name)
            if not match:
                raise UserError(
                    f'{path}: not a name of the release, such as '
                    f'{file_name(pattern, "03")}; rename it or take it away.'
                )
            found[part].add(match[1])
    videos = sorted(set.union(*found.values()))
    if not videos:
        raise UserError(f'{root}: there is no video in it; copy the release again.')
    for part, ids in found.items():
        for video in videos:
            if video not in ids:
                raise MissingFileError(
                    f'{root / part / file_name(parts[part], video)}: missing, though '
                    f'another part of video {video} is there; copy the release again.'
                )
    return videos


def file_name(pattern: str, video: str) -> str:
    """Return the name that a pattern gives to a video.

    >>> file_name(r'(\\d\\d)_pose3d\\.npy', '03')
    '03_pose3d.npy'
    """
    return pattern.replace(r'(\d\d)', video).replace('\\', '')


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


def read_pose(path: Path) -> np.ndarray:
    """Return the joints of each frame in metres, shape (T, 15, 3)."""
    pose = read_joints(path, JOINTS)
    for wrong, what in (
        (~np.isfinite(pose).all(-1), 'a coordinate that is NaN or infinite'),
        (~(pose[..., 0] > 0), 'a depth that is not above 0'),
    ):
        if wrong.any():
            frame, joint = np.argwhere(wrong)[0]
            raise UserError(
                f'{path}: frame {frame}, joint {joint} has {what}, the first of '
                f'{wrong.sum()}; copy the file again.'
            )
    return pose.astype(np.float32)


def read_risk(path: Path, frames: int) -> np.ndarray:
    """Return the REBA score of each frame, shape (T,)."""
    scores = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            scores.append(float(line))
        except ValueError:
            scores.append(np.nan)
        if not np.isfinite(scores[-1]):
            raise UserError(
                f'{path}: line {number} is {line!r}, expected a finite number.'
            )
    if len(scores) != frames:
        raise UserError(
            f'{path}: {len(scores)} lines, expected {frames} as the pose has {frames} '
            'frames.'
        )
    return np.array(scores, np.float32)


def posed_video(video: str, pose: np.ndarray, fps: float) -> dict[str, Any]:
    """Return a video's annotation as far as its pose (T, 15, 3) and rate decide it."""
    return {
        'frame_dir': video,
        'total_frames': len(pose),
        'img_shape': IMG_SHAPE,
        'fps': fps,
        'keypoint': project(pose)[None],
        'keypoint_score': np.ones((1, len(pose), JOINTS), np.float32),
        'keypoint_3d': pose[None],
    }
