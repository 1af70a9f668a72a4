"""The arrays of DeST's layout: joints, signals, class ids and boundaries."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmskelseg_io.converters.building import annotation, check_finite, read_numbers
from mmskelseg_io.messages.errors import UserError, reads_file
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.bodies import SIDE, fit_image

AXES = ('CTVM', 'CTV', 'TVC', 'TD')
# The default meaning of the channels of a joint, by their number.
BY_COUNT = {2: 'xy', 3: 'xyz'}
# Coordinates up to this absolute value are not pixels.
LARGEST_PART = 2
# The axes of 3D joints that point right and down in the 2D view, with their signs.
IMAGE_AXES = {
    'y-up': ((0, 1), (1, -1)),
    'y-down': ((0, 1), (1, 1)),
    'z-up': ((0, 1), (2, -1)),
}


@reads_file
def read_ids(path: Path, classes: Sequence[int]) -> np.ndarray:
    """Return the class of each frame, numbered from 0 in order of ids, (T,) int64.

    Raises:
        UserError: If a frame has no class; the message names it.
    """
    meaning = '(T,), the class id of each frame'
    array = read_numbers(path, meaning, (None,), kinds='fiu')
    wrong = np.flatnonzero(~np.isin(array, classes))
    if wrong.size:
        raise UserError(
            f'{path}: frame {wrong[0]} is {array[wrong[0]]:g}, the first of '
            f'{wrong.size} that are not a class; mapping.txt has the ids {classes[0]} '
            f'to {classes[-1]}.'
        )
    return np.searchsorted(classes, array).astype(np.int64)


@reads_file
def read_signals(path: Path) -> np.ndarray:
    """Return all numbers of each frame, (T, D), from (C, T, V) or (C, T, V, M)."""
    shapes = ((None,) * 3, (None,) * 4)
    array = read_numbers(path, '(C, T, V) or (C, T, V, M)', *shapes, kinds='fiu')
    signals = array.swapaxes(0, 1).reshape(array.shape[1], -1)
    check_finite(path, signals)
    return signals


@reads_file
def read_joints(path: Path, joints: int, count: int) -> np.ndarray:
    """Return the numbers of each joint, (T, M, V, C), in any order of axes.

    V distinguishes these shapes; C is for (T, M * V * C), which does not show it.

    Raises:
        UserError: If the array has another shape.
    """
    meaning = (
        f'(C, T, {joints}, M), (C, T, {joints}), (T, {joints}, C) or (T, M*{joints}*C) '
        f'for {joints} joints, or name the skeleton of these data with --skeleton'
    )
    shapes = (
        (None, None, joints, None), (None, None, joints), (None, joints, None),
        (None, None),
    )  # fmt: skip
    array = read_numbers(path, meaning, *shapes, kinds='fiu')
    if array.ndim == 4:
        pose = array.transpose(1, 3, 2, 0)
    elif array.ndim == 3 and array.shape[2] == joints:
        pose = array.transpose(1, 2, 0)[:, None]
    elif array.ndim == 3:
        pose = array[:, None]
    elif array.shape[1] % (joints * count) == 0:
        pose = array.reshape(len(array), -1, joints, count)
    else:
        raise UserError(f'{path}: shape {array.shape}, expected {meaning}.')
    check_finite(path, pose)
    return pose.astype(np.float32)


def joint_channels(path: Path, count: int, wanted: str | None, stated: bool) -> str:
    """Return the meaning of each of ``count`` channels of a joint.

    Those that the user ``stated`` must match; those known of a data set may not.

    Raises:
        UserError: If their number does not fit, or says nothing.
    """
    if wanted and len(wanted) == count:
        return wanted
    if stated or count not in BY_COUNT:
        raise UserError(
            f'{path}: {count} numbers for each joint, but the channels are '
            f'{wanted or "not known"}; give the meaning of each with --channels, such '
            'as xys or ...xyz, or none without coordinates.'
        )
    return BY_COUNT[count]


def seen_joints(points: np.ndarray, pixels: bool) -> np.ndarray:
    """Return whether each joint (M, T, V, D) is present, shape (M, T, V).

    Joints at 0 are missing, with one exception: if coordinates are not pixels, a joint
    that is at 0 whenever its person is present is the origin of the coordinates.
    """
    found = np.any(points, axis=-1)
    if pixels:
        return found
    there = np.any(found, axis=-1, keepdims=True)
    return found | (there & ~np.any(found, axis=1, keepdims=True))


def annotate(
    name: str,
    pose: np.ndarray,
    meaning: str,
    label: np.ndarray,
    *,
    fps: float,
    vertical: str,
    size: tuple[int, int] | None,
) -> VideoAnnotation:
    """Return the annotation of a video from its joints, shape (M, T, V, C).

    ``meaning`` has a letter for each channel; x and y may be pixels of an image of
    ``size``; ``vertical`` is a key of ``IMAGE_AXES``.
    """
    dims = 'xyz' if 'z' in meaning else 'xy'
    points = pose[..., [meaning.index(letter) for letter in dims]]
    in_pixels = dims == 'xy' and np.abs(points).max() > LARGEST_PART
    size = size if in_pixels else None
    seen = seen_joints(points, size is not None)
    score = seen.astype(np.float32)
    if 's' in meaning:
        score *= pose[..., meaning.index('s')]
    shared: VideoAnnotation = {'img_shape': size or (SIDE, SIDE), 'fps': fps}
    if dims == 'xyz':
        shared['keypoint_3d'] = points
        view = [sign * points[..., axis] for axis, sign in IMAGE_AXES[vertical]]
        points = np.stack(view, axis=-1)
    if size is None:
        points = fit_image(points, seen)
    return annotation(shared, name, points, score, label)


def begins(label: np.ndarray) -> np.ndarray:
    """Return 1 in the first frame and the first two of each further segment, else 0.

    >>> begins(np.array([0, 0, 1, 1, 1, 2]))
    array([1., 0., 1., 1., 0., 1.], dtype=float32)
    """
    boundary = np.zeros(len(label), np.float32)
    first = np.flatnonzero(np.diff(label)) + 1
    boundary[[0, *first, *np.minimum(first + 1, len(label) - 1)]] = 1
    return boundary


def joint_array(video: VideoAnnotation, axes: str) -> np.ndarray:
    """Return the joints of a video for a file: x, y, z or x, y, score, float32.

    ``axes`` is one of ``AXES``. In TD, each row has all numbers of a frame, ordered by
    person, then joint, then channel.

    Raises:
        UserError: If there are several persons, for which the axes have no place.
    """
    score = video['keypoint_score'][..., None]
    points = video.get('keypoint_3d')
    if points is None:
        points = np.concatenate([video['keypoint'], score], axis=-1)
    pose = np.where(score > 0, points, 0).astype(np.float32)
    if axes == 'CTVM':
        return np.ascontiguousarray(pose.transpose(3, 1, 2, 0))
    if axes == 'TD':
        return pose.swapaxes(0, 1).reshape(pose.shape[1], -1)
    if len(pose) > 1:
        raise UserError(
            f'video {video["frame_dir"]}: {len(pose)} persons, for which {axes} has no '
            'axis; choose CTVM or TD with --axes.'
        )
    return np.ascontiguousarray(
        pose[0].transpose(2, 0, 1) if axes == 'CTV' else pose[0]
    )
