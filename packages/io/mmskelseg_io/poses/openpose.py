"""Output of OpenPose with ``--write_json``: a folder with a file for each frame.

``VIDEO_000000000000_keypoints.json``, ``VIDEO_000000000001_keypoints.json``, ...::

    {"version": 1.3, "people": [{"person_id": [-1],
      "pose_keypoints_2d": [x0, y0, c0, x1, y1, c1, ...], ...}]}

Joints that were not found are 0, 0, 0. The layouts BODY_25 (75 numbers) and COCO (54)
are supported and kept; ``to_coco17`` converts both to COCO's 17 joints.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmskelseg_io.files.formats import FOLDER
from mmskelseg_io.files.parsing import (
    FilePath,
    by_name,
    numbers,
)
from mmskelseg_io.files.typed import read_typed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses.poses import Detection, Poses, check_pixels, gather
from mmskelseg_io.poses.reading import POSE_FORMATS

_NAME = re.compile(r'(.*?)_?(\d+)_keypoints\.json')
_IN_FOLDER = re.compile(r'(.*_)?\d+_keypoints\.json')


@dataclass(frozen=True)
class _Person:
    pose_keypoints_2d: list[Any]
    person_id: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Frame:
    people: list[_Person]


def _is_folder(path: Path) -> bool:
    """Return whether a folder contains a file for each frame.

    Other trackers' files may be called ``take1_keypoints.json``.
    """
    names = (file.name for file in path.glob('*_keypoints.json'))
    return any(_IN_FOLDER.fullmatch(name) for name in names)


@POSE_FORMATS.register(
    'openpose', {FOLDER: _is_folder, '.json': 'people'.__eq__}, ending='_keypoints'
)
def read_openpose(path: FilePath) -> Poses:
    """Return the poses of one video in a folder of OpenPose files.

    The numbers of the files are frame numbers; the smallest is the first frame.
    """
    if not Path(path).is_dir():
        raise UserError(
            f'{path}: a single frame of OpenPose; name the folder with the files of '
            'all frames.'
        )
    files = dict(sorted(_files(Path(path)).items()))
    first = min(files)
    missing = max(files) - first + 1 - len(files)
    if missing:
        gap = next(number for number in files if number + 1 not in files) + 1
        raise UserError(
            f'{path}: no file of frame {gap}, the first of {missing} missing between '
            f'{first} and {max(files)}; copy the folder again, or close the gaps.'
        )
    found = [
        detection
        for number in files
        for detection in _detections(files[number], number - first)
    ]
    counts = {len(detection.joints) for detection in found}
    if len(counts) > 1:
        raise UserError(
            f'{path}: files with {" and ".join(map(str, sorted(counts)))} joints; run '
            'OpenPose with one --model_pose.'
        )
    joints = counts.pop() if counts else 25
    name = {25: 'openpose_body25', 18: 'openpose_coco18'}[joints]
    poses = gather(found, name, str(path), frames=len(files))
    check_pixels(poses, str(path), 'run OpenPose with --keypoint_scale 0')
    return poses


def _files(folder: Path) -> dict[int, Path]:
    files = sorted(folder.glob('[!.]*.json'))
    names = {file: _NAME.fullmatch(file.name) for file in files}
    matches = {file: match for file, match in names.items() if match}
    videos = sorted({match[1] for match in matches.values()})
    if len(videos) != 1:
        what = f'files of {", ".join(videos[:3])}' if videos else 'no such file'
        raise UserError(
            f'{folder}: {what}; expected VIDEO_000000000000_keypoints.json and so on '
            'of one video, as OpenPose writes with --write_json.'
        )
    of_frames = ((str(int(match[2])), file) for file, match in matches.items())
    found = by_name(of_frames, str(folder), 'frames')
    return {int(number): file for number, file in found.items()}


def _detections(file: Path, frame: int) -> Iterator[Detection]:
    remedy = 'run OpenPose again with --write_json'
    for person in read_typed(file, _Frame, 'OpenPose', remedy).people:
        values = person.pose_keypoints_2d
        if not values:  # Only a face or a hand was found.
            continue
        if len(values) not in (75, 54):
            raise UserError(
                f'{file}: pose_keypoints_2d has {len(values)} numbers, expected 75 '
                '(BODY_25) or 54 (COCO).'
            )
        where = f'{file}: pose_keypoints_2d'
        joints = numbers(values, (len(values),), where).reshape(-1, 3)
        ids = person.person_id
        track = str(ids[0]) if ids and ids[0] >= 0 else None
        yield Detection(frame, joints, track=track)
