"""Arrays in an npz file, as in an annotation of this project.

``keypoint`` (M, T, V, 2) or (T, V, 2) in pixels and, if wanted, ``keypoint_score``
without its last axis, ``img_shape`` (height, width), ``fps``, ``skeleton`` (a name), or
``joints`` (names) and ``limbs`` (pairs of indices).
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmskelseg.interchange.poses.layouts import counted_layout, named_layout
from mmskelseg.interchange.poses.poses import Poses
from mmskelseg.interchange.poses.values import field


def read_npz(
    path: str | os.PathLike, skeleton: str | Mapping[str, Any] | None = None
) -> Poses:
    """Return the poses in an npz file, one video.

    Args:
        path: The file.
        skeleton: The layout; by default that of the file, or COCO's 17 joints.

    Raises:
        ValueError: If arrays are missing, or do not go together.
    """
    arrays = npz_arrays(path)
    keypoint = _of_numbers(field(arrays, 'keypoint', str(path)), f'{path}: keypoint')
    keypoint = keypoint[None] if keypoint.ndim == 3 else keypoint
    if keypoint.ndim != 4 or keypoint.shape[-1] != 2 or not keypoint.size:
        raise ValueError(
            f'{path}: keypoint has shape {keypoint.shape}, expected (people, frames, '
            'joints, 2) or (frames, joints, 2).'
        )
    score = arrays.get('keypoint_score', np.ones(keypoint.shape[:3]))
    score = _of_numbers(score, f'{path}: keypoint_score')
    score = score[None] if score.ndim == 2 else score
    if score.shape != keypoint.shape[:3]:
        raise ValueError(
            f'{path}: keypoint_score has shape {score.shape}, but keypoint needs '
            f'{keypoint.shape[:3]}.'
        )
    joints = keypoint.shape[2]
    given: Any = skeleton if skeleton is not None else _layout(arrays)
    layout, notes = counted_layout(joints, given, str(path))
    people = tuple(str(i) for i in range(len(keypoint)))
    shape = arrays.get('img_shape')
    return Poses(
        keypoint,
        score,
        layout,
        img_shape=None if shape is None else (int(shape[0]), int(shape[1])),
        fps=float(arrays['fps']) if 'fps' in arrays else None,
        people=people,
        notes=notes,
    )


def npz_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file, without running code from it.

    Raises:
        ValueError: If it is no such file, or holds objects.
    """
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'{path}: not an npz file of plain arrays ({error}); save it again by '
            'np.savez, without objects.'
        ) from None


def _layout(arrays: Mapping[str, np.ndarray]) -> str | dict[str, Any] | None:
    if 'skeleton' in arrays:
        return str(arrays['skeleton'])
    if 'joints' in arrays:
        limbs = arrays.get('limbs', np.zeros((0, 2), int))
        return named_layout([str(name) for name in arrays['joints']], limbs.tolist())
    return None


def _of_numbers(array: np.ndarray, where: str) -> np.ndarray:
    if array.dtype.kind not in 'fiu':
        raise ValueError(f'{where} is {array.dtype}, expected numbers.')
    return array
