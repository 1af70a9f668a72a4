"""Arrays in an npz file, as in an annotation of this project.

The file has ``keypoint`` (M, T, V, 2) or (T, V, 2) in pixels and optionally
``keypoint_score``, ``person_score`` and ``person_box`` as in :class:`Poses`;
``img_shape`` (height, width); ``fps``; ``skeleton`` (a name), or ``joints`` (names) and
``limbs`` (pairs of names or indices); ``people``, the names of the M rows, if each row
is one person; and ``notes``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmskelseg_io.files.arrays import read_npz as read_npz_arrays
from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.files.parsing import FilePath, field
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.poses.layouts import checked, own_layout
from mmskelseg_io.poses.poses import Layout, Poses, check_img_shape
from mmskelseg_io.poses.reading import POSE_FORMATS
from mmskelseg_io.structures import Skeleton


@POSE_FORMATS.register('npz', {'.npz': lambda names: 'keypoint' in names})
def read_npz(path: FilePath) -> Poses:
    """Return the poses of one video in an npz file."""
    arrays = read_npz_arrays(path)
    keypoint, score = keypoint_arrays(arrays, str(path))
    size, fps = arrays.get('img_shape'), arrays.get('fps')
    if fps is not None and (fps.shape != () or fps.dtype.kind not in 'fiu'):
        raise misfit(path, 'fps', fps, 'one number')
    people = np.atleast_1d(arrays.get('people', np.arange(len(keypoint))))
    if people.ndim > 1 or people.size not in (0, len(keypoint)):
        expected = f'none or {len(keypoint)} names, one for each row of keypoint'
        raise misfit(path, 'people', people, expected)
    return Poses(
        keypoint,
        score,
        _layout(arrays, keypoint.shape[2], str(path)),
        img_shape=None if size is None else check_img_shape(size.tolist(), str(path)),
        fps=None if fps is None else float(fps),
        people=tuple(map(str, people)),
        person_score=matching(arrays, 'person_score', keypoint.shape[:2], str(path)),
        person_box=matching(arrays, 'person_box', (*keypoint.shape[:2], 4), str(path)),
        notes=tuple(map(str, np.atleast_1d(arrays.get('notes', ())))),
    )


def write_npz(poses: Poses, path: FilePath, **more: np.ndarray) -> None:
    """Write poses so that ``read_npz`` returns them, with arrays for other readers."""
    # Any, since NumPy's signature mixes an option with the names of arrays.
    arrays: dict[str, Any] = {
        'keypoint': poses.keypoint,
        'keypoint_score': poses.keypoint_score,
        'people': np.array(poses.people, np.str_),
        'notes': np.array(poses.notes, np.str_),
        **more,
    }
    for key in ('img_shape', 'fps', 'person_score', 'person_box'):
        if (value := getattr(poses, key)) is not None:
            arrays[key] = np.asarray(value)
    if isinstance(poses.skeleton, str):
        arrays['skeleton'] = np.array(poses.skeleton)
    else:
        layout = Skeleton.get(poses.skeleton)
        arrays['joints'] = np.array(layout.joints)
        arrays['limbs'] = np.array(layout.limbs, np.int64).reshape(-1, 2)
    with atomic_write(path) as file:
        np.savez_compressed(file, **arrays)


def keypoint_arrays(
    arrays: Mapping[str, object], source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return keypoint (M, T, V, 2) and keypoint_score (M, T, V), 1 by default."""
    keypoint = numeric_array(arrays, 'keypoint', source)
    keypoint = keypoint[None] if keypoint.ndim == 3 else keypoint
    if keypoint.ndim != 4 or keypoint.shape[-1] != 2 or not keypoint.size:
        expected = '(people, frames, joints, 2) or (frames, joints, 2), none of them 0'
        raise misfit(source, 'keypoint', keypoint, expected)
    score = matching(arrays, 'keypoint_score', keypoint.shape[:3], source)
    return keypoint, np.ones(keypoint.shape[:3]) if score is None else score


def numeric_array(arrays: Mapping[str, object], key: str, source: str) -> np.ndarray:
    """Return one of the arrays, after checking that it exists and has numbers."""
    value = field(arrays, key, source)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        raise UserError(f'{source}: {key} is ragged, expected an array.') from None
    if array.dtype.kind not in 'fiu':
        raise misfit(source, key, array, 'numbers')
    return array


def _layout(arrays: Mapping[str, np.ndarray], joints: int, source: str) -> Layout:
    if 'skeleton' in arrays:
        return checked(str(arrays['skeleton']), source)
    if 'joints' in arrays:
        limbs, names = arrays.get('limbs', np.zeros((0, 2), int)), arrays['joints']
        if names.ndim != 1 or limbs.shape[1:] != (2,) or limbs.dtype.kind not in 'iuU':
            raise UserError(
                f'{source}: joints has shape {names.shape} and limbs {limbs.shape}, '
                'expected V names and (L, 2) names or whole numbers.'
            )
        return own_layout(list(map(str, names)), source, limbs.tolist())
    return own_layout(joints, source)


def matching(
    arrays: Mapping[str, object], key: str, shape: tuple[int, ...], source: str
) -> np.ndarray | None:
    """Return an array after checking its shape, or None if it does not exist."""
    if arrays.get(key) is None:
        return None
    array = numeric_array(arrays, key, source)
    # For a single person, the first axis may be missing.
    array = array[None] if array.ndim == len(shape) - 1 else array
    if array.shape != shape:
        raise misfit(source, key, array, f'the shape {shape}, as of keypoint')
    return array
