"""The 33 landmarks of MediaPipe Pose, in common forms of JSON, CSV or npz files.

MediaPipe itself writes no file; docs/keypoint_formats.md lists the forms that are read.
The result is COCO's 17 joints, a subset of the 33. Coordinates are taken as pixels if
their median exceeds 2, and otherwise as fractions of the image.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg_io.files.arrays import read_npz as read_npz_arrays
from mmskelseg_io.files.parsing import FilePath, field, numbers, read_json
from mmskelseg_io.files.typed import typed
from mmskelseg_io.messages.errors import UserError, misfit, unlike
from mmskelseg_io.poses.layouts import COCO17
from mmskelseg_io.poses.npz import numeric_array
from mmskelseg_io.poses.poses import Detection, Poses, check_img_shape, gather
from mmskelseg_io.poses.reading import POSE_FORMATS
from mmskelseg_io.poses.table import FRAME, frame_number, table_detections

_NAMES = """
nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer
left_ear right_ear mouth_left mouth_right left_shoulder right_shoulder left_elbow
right_elbow left_wrist right_wrist left_pinky right_pinky left_index right_index
left_thumb right_thumb left_hip right_hip left_knee right_knee left_ankle right_ankle
left_heel right_heel left_foot_index right_foot_index
"""
LANDMARKS = tuple(_NAMES.split())
_KEYS = ('pose_landmarks', 'landmarks', 'landmark')
_CHOSEN = [LANDMARKS.index(joint) for joint in COCO17]


@dataclass(frozen=True)
class _File:
    frames: list[Any]
    width: int = 0
    height: int = 0
    fps: float | None = None


def _is_table(header: list[str]) -> bool:
    """Return whether columns are numbered landmarks, or have MediaPipe's own names."""
    starts = ('landmark', 'left_foot_index', 'right_foot_index')
    landmark, *feet = (any(n.startswith(start) for n in header) for start in starts)
    return landmark or all(feet)


@POSE_FORMATS.register(
    'mediapipe',
    {
        '.json': (*_KEYS, 'visibility').__contains__,
        '.csv': _is_table,
        '.tsv': _is_table,
        '.npz': None,
    },
)
def read_mediapipe(path: FilePath, img_shape: tuple[int, int] | None = None) -> Poses:
    """Return COCO's 17 joints from the landmarks of one video.

    ``img_shape`` is height and width in pixels, if the file does not state them.
    """
    fps: float | None = None
    frames = 0
    suffix = Path(path).suffix.lower()
    if suffix in ('.csv', '.tsv'):
        found = _from_table(path)
    elif suffix == '.npz':
        found, frames = _from_array(path)
    else:
        data = read_json(path, 'your script')
        if not isinstance(data, dict):
            data = {'frames': data}
        file = typed(data, _File, path, 'write a list of frames with 33 landmarks')
        if file.width and file.height:
            img_shape = check_img_shape([file.height, file.width], str(path))
        fps, numbered = file.fps, list(_numbered(file.frames, str(path)))
        frames = max((number for number, *_ in numbered), default=-1) + 1
        found = list(_from_json(numbered))
    poses = gather(found, 'coco17', str(path), frames=frames)
    note = '33 landmarks mapped to coco17'
    seen = poses.keypoint_score > 0
    if seen.any() and np.median(poses.keypoint[seen]) > 2:
        return poses.noting(f'{note}, in pixels', img_shape=img_shape, fps=fps)
    if img_shape is None:
        raise UserError(
            f'{path}: x and y are fractions of the image, but the file does not state '
            'its size; give it by --size WIDTHxHEIGHT, or the videos by --videos.'
        )
    pixels = poses.keypoint * np.array(img_shape[::-1], np.float32)
    return poses.noting(note, keypoint=pixels, img_shape=img_shape, fps=fps)


def _numbered(entries: list[object], source: str) -> Iterator[tuple[int, object, str]]:
    """Yield the frame of each entry, its place if it does not state one, and where."""
    for number, entry in enumerate(entries):
        where = f'{source}: entry {number}'
        stated = [key for key in FRAME if isinstance(entry, dict) and key in entry]
        if isinstance(entry, dict) and stated:
            number = frame_number(entry, stated[0], where)
        yield number, entry, where


def _from_json(entries: Iterable[tuple[int, object, str]]) -> Iterator[Detection]:
    for number, entry, where in entries:
        for person in _people(entry, where):
            if len(person) != len(LANDMARKS):
                count, expected = len(person), f'the {len(LANDMARKS)} of MediaPipe Pose'
                raise misfit(where, 'the number of landmarks', count, expected)
            values = []
            for point in person:
                # Unset fields are absent or null.
                seen = point.get('visibility')
                xy = [field(point, axis, where) for axis in 'xy']
                values.append([*xy, 1 if seen is None else seen])
            xyc = numbers(values, (len(LANDMARKS), 3), where)
            yield Detection(number, xyc[_CHOSEN])


def _people(entry: object, where: str) -> list[list[dict[str, Any]]]:
    """Return the landmarks of each person in a frame."""
    while isinstance(entry, dict):
        key = next((key for key in _KEYS if key in entry), None)
        if key is None:
            raise misfit(where, 'the object', entry, f'a key {", ".join(_KEYS)}')
        entry = entry[key]
    if not entry:
        return []
    if not isinstance(entry, list):
        raise UserError(unlike(where, entry, '33 landmarks or null'))
    if isinstance(entry[0], dict) and 'x' in entry[0]:
        return [entry]
    return [person for item in entry for person in _people(item, where)]


def _from_table(path: FilePath) -> list[Detection]:
    names, found, _ = table_detections(path)
    index = {}
    for column, name in enumerate(names):
        # No more digits than Python converts.
        if digits := re.search(r'(?<!\d)(\d{1,9})$', name):
            number = int(digits[1])
            name = LANDMARKS[number] if number < len(LANDMARKS) else name
        index[name.lower()] = column
    missing = [joint for joint in COCO17 if joint not in index]
    if missing:
        raise UserError(
            f'{path}: no landmark {missing[0]}; expected those of MediaPipe Pose, by '
            f'name or number, but the names are {", ".join(names)[:200]}.'
        )
    order = [index[joint] for joint in COCO17]
    return [Detection(d.frame, d.joints[order], track=d.track) for d in found]


def _from_array(path: FilePath) -> tuple[list[Detection], int]:
    arrays = read_npz_arrays(path)
    key = next((key for key in _KEYS if key in arrays), _KEYS[0])
    points = numeric_array(arrays, key, str(path))
    points = points[None] if points.ndim == 3 else points
    if points.ndim != 4 or points.shape[2] != 33 or points.shape[3] not in (3, 4, 5):
        expected = '(frames, 33, 3), x, y, z, or 4 with visibility, or 5 with presence'
        raise misfit(path, key, points, expected)
    values = points[:, :, _CHOSEN, :3].astype(np.float64)
    values[..., 2] = points[:, :, _CHOSEN, 3] if points.shape[-1] > 3 else 1
    there = np.isfinite(values).all(-1).any(-1)
    found = [
        Detection(int(t), values[m, t], track=str(m) if len(points) > 1 else None)
        for m, t in np.argwhere(there)
    ]
    return found, points.shape[1]
