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

from mmskelseg.interchange.poses.layouts import checked, counted_layout, named_layout
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
    given: Any = skeleton if skeleton is not None else _layout(arrays, str(path))
    layout, notes = counted_layout(joints, given, str(path))
    size, fps = _size_and_rate(arrays, str(path))
    people = tuple(str(i) for i in range(len(keypoint)))
    return Poses(
        keypoint,
        score,
        layout,
        img_shape=size,
        fps=fps,
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


def _layout(
    arrays: Mapping[str, np.ndarray], source: str
) -> str | dict[str, Any] | None:
    if 'skeleton' in arrays:
        return checked(str(arrays['skeleton']), source)
    if 'joints' in arrays:
        limbs, names = arrays.get('limbs', np.zeros((0, 2), int)), arrays['joints']
        if names.ndim != 1 or limbs.shape[1:] != (2,) or limbs.dtype.kind not in 'iu':
            raise ValueError(
                f'{source}: joints has shape {names.shape} and limbs {limbs.shape}, '
                'expected V names and (L, 2) whole numbers.'
            )
        return checked(named_layout(list(map(str, names)), limbs.tolist()), source)
    return None


def _size_and_rate(
    arrays: Mapping[str, np.ndarray], source: str
) -> tuple[tuple[int, int] | None, float | None]:
    size, fps = arrays.get('img_shape'), arrays.get('fps')
    if size is not None and (size.shape != (2,) or size.dtype.kind not in 'iu'):
        raise ValueError(
            f'{source}: img_shape has shape {size.shape}, expected height and width.'
        )
    if fps is not None and (fps.shape != () or fps.dtype.kind not in 'fiu'):
        raise ValueError(f'{source}: fps has shape {fps.shape}, expected one number.')
    return (
        None if size is None else (int(size[0]), int(size[1])),
        None if fps is None else float(fps),
    )


def _of_numbers(array: np.ndarray, where: str) -> np.ndarray:
    if array.dtype.kind not in 'fiu':
        raise ValueError(f'{where} is {array.dtype}, expected numbers.')
    return array
