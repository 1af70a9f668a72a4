"""Releases of 3D poses of LCR-Net: one folder for each key, one file for each video.

Joints are those of the skeleton ``lcr15``, in metres, in the axes of a camera.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmskelseg_io.converters.building import (
    Converter,
    ReleaseOptions,
    annotation,
    read_numbers,
    write,
)
from mmskelseg_io.files.parsing import release_lines
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import MissingFileError, UserError, reads_file
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation

JOINTS = 15
# The releases do not describe the camera; docs/datasets/uwiom.md explains the choice.
IMG_SHAPE = (480, 640)
FOCAL_LENGTH = 500
CAMERA = f'pinhole, focal length {FOCAL_LENGTH} pixels, centred'


def find_files(root: Path, parts: Mapping[str, str]) -> dict[tuple[str, str], Path]:
    """Return the file of each video's id and annotation key, sorted by id.

    ``parts`` has the path of the files of each key, with NN for the id.

    Raises:
        UserError: If a name is none of the release, or a file is missing.
    """
    found: dict[tuple[str, str], Path] = {}
    for key, part in parts.items():
        example = root / part
        pattern = re.escape(example.name).replace('NN', r'(\d\d)')
        for path in sorted(example.parent.glob('[!.]*')):
            match = re.fullmatch(pattern, path.name)
            if not match:
                raise UserError(
                    f'{path}: not a file name of the release, such as '
                    f'{example.name.replace("NN", "03")}; rename or remove the file.'
                )
            found[match[1], key] = path
    if not found:
        raise UserError(f'{root}: contains no video; copy the release again.')
    files = {}
    for video in sorted({video for video, _ in found}):
        for key, part in parts.items():
            if (video, key) not in found:
                name = Path(part).name.replace('NN', video)
                raise MissingFileError(
                    f'{(root / part).with_name(name)}: missing, although there are '
                    f'other files of video {video}; copy the release again.'
                )
            files[video, key] = found[video, key]
    return files


def videos_of(files: Mapping[tuple[str, str], Path]) -> list[str]:
    """Return the ids of the videos in a result of :func:`find_files`."""
    return list(dict.fromkeys(video for video, _ in files))


def project(pose: np.ndarray) -> np.ndarray:
    """Return the projection of a pose by a nominal pinhole camera, in pixels (..., 2).

    Joints are in metres, (..., 3): depth, left, up. The centre of the image of 640 x
    480 pixels is on the optical axis; points outside the image are not clipped.

    >>> project(np.array([4.0, -0.4, 0.8]))
    array([370., 140.], dtype=float32)
    """
    depth, left, up = np.moveaxis(pose.astype(float), -1, 0)
    image = np.stack([-left / depth, -up / depth], axis=-1)
    height, width = IMG_SHAPE
    return (image * FOCAL_LENGTH + (width / 2, height / 2)).astype(np.float32)


@reads_file
def read_pose(path: Path) -> np.ndarray:
    """Return the joints of each frame in metres, shape (T, 15, 3).

    Raises:
        UserError: If a depth is not above 0; the message names frame and joint.
    """
    pose = read_numbers(path, f'(frames, {JOINTS}, 3)', (None, JOINTS, 3))
    wrong = ~(pose[..., 0] > 0)
    if wrong.any():
        frame, joint = np.argwhere(wrong)[0]
        raise UserError(
            f'{path}: frame {frame}, joint {joint} has a depth that is not a number '
            f'above 0, the first of {wrong.sum()}; copy the file again.'
        )
    return pose.astype(np.float32)


@reads_file
def read_risk(path: Path) -> np.ndarray:
    """Return the REBA score of each frame, shape (T,).

    Raises:
        UserError: If a line is no number.
    """
    try:
        return np.array([float(line) for line in release_lines(path)], np.float32)
    except ValueError as error:
        raise UserError(f'{path}: {error}; each line must be a number.') from None


@dataclass(frozen=True, kw_only=True)
class LCRConverter(Converter):
    """Makes the annotation file of a release."""

    given: ReleaseOptions

    def write(
        self,
        root: Path,
        files: Mapping[tuple[str, str], Path],
        read_label: Callable[[Path], np.ndarray],
        split: dict[str, list[str]],
        meta: Metainfo,
        events: Events,
    ) -> Path:
        """Write the annotation file of the videos in a result of :func:`find_files`."""
        given, annotations = self.given, []
        for video in videos_of(files):
            pose = read_pose(files[video, 'keypoint'])[None]
            score = np.ones(pose.shape[:3], np.float32)
            label = read_label(files[video, 'label'])
            shared: VideoAnnotation = {'img_shape': IMG_SHAPE, 'fps': given.fps}
            shared['keypoint_3d'] = pose
            if (video, 'risk') in files:
                shared['risk'] = read_risk(files[video, 'risk'])
            annotations.append(annotation(shared, video, project(pose), score, label))
        assumed = {'fps': f'{given.fps:g}: the files state none', 'camera': CAMERA}
        meta = {**meta, 'assumed': {**assumed, **meta.get('assumed', {})}}
        return write(
            self.out,
            {'annotations': annotations, 'split': split, 'metainfo': meta},
            events,
            source=root, files=files, folds=given.folds, videos=given.videos,
        )  # fmt: skip
