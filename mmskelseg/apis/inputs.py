"""One annotation for each source: what a model is to segment, without labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.apis.sources import Source
from mmskelseg.fileio.video import VideoFile
from mmskelseg.interchange.labels.segments import check_fps
from mmskelseg.interchange.poses import (
    Poses,
    choose_person,
    read_poses,
    with_rate,
    with_size,
)
from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError


@dataclass(frozen=True)
class InputReader:
    """Makes annotations that fit a model.

    An annotation is as in docs/data_format.md, with ``label`` only where it is known,
    the path of the video as ``filename``, ``skeleton``, ``estimated`` where its poses
    come from an estimator, and ``notes``, sentences on what was assumed.

    Args:
        skeleton: The layout that the model was trained with.
        classes: Of the model.
        needs_poses: Whether the model reads skeletons.
        needs_video: Whether it reads the frames of a video.
        estimate: Returns the poses of a video file that comes without.
        person: Which of several people a file of poses or an estimator is about; see
            :func:`mmskelseg.interchange.poses.choose_person`.
        fps: Frames per second of the poses, where no file states it.
    """

    skeleton: Any
    classes: tuple[str, ...]
    needs_poses: bool
    needs_video: bool
    estimate: Callable[[Path], Poses]
    person: str = 'track'
    fps: float | None = None

    def read(self, source: Source) -> dict[str, Any]:
        """Return the annotation of one video.

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If it is not what the model needs.
        """
        video = self._read(source)
        if self.needs_video and 'filename' not in video:
            raise UserError(
                f'{source.name}: the model reads the frames of a video, and there is '
                'none; name the video, with its poses beside it where it needs both.'
            )
        return {'frame_dir': source.name, 'skeleton': self.skeleton, **video}

    def _read(self, source: Source) -> dict[str, Any]:
        if source.entry is not None and 'keypoint' in source.entry:
            return self._of_entry(source, source.entry)
        path = source.video or (source.entry or {}).get('filename')
        file = None if path is None else VideoFile.open(path)
        if source.poses is not None or (self.needs_poses and file is not None):
            return self._of_poses(source, file)
        if file is None:
            raise UserError(
                f'{source.name}: the input has the keys {sorted(source.entry or {})}, '
                'but needs `keypoint` or `filename`.'
            )
        return {
            'filename': str(file.path.absolute()),
            'img_shape': file.img_shape,
            'total_frames': file.count(),
            'fps': check_fps(self.fps or file.fps, source.name),
            'notes': (),
        }

    def _of_entry(self, source: Source, entry: Mapping[str, Any]) -> dict[str, Any]:
        name = source.name
        layout = (source.metainfo or entry).get('skeleton', self.skeleton)
        keypoint, score = _arrays(entry, Skeleton.get(layout), name)
        fps = entry.get('fps', self.fps)
        if fps is None:
            raise UserError(
                f'{name}: the rate of its frames is not known; give fps, frames per '
                'second.'
            )
        poses = Poses(keypoint, score, layout, entry.get('img_shape'))
        video = {**entry, **self._fitted(poses, name, entry.get('keypoint_3d'))}
        classes = (source.metainfo or {}).get('classes', self.classes)
        if tuple(classes) != self.classes:
            video.pop('label', None)
        if source.video is not None:
            video['filename'] = str(source.video.absolute())
        if not (self.needs_video or Path(video.get('filename', '')).is_file()):
            missing = video.pop('filename', None)
            if missing is not None:
                video['notes'] += (f'{missing}: there is no such file',)
        return {**video, 'frame_dir': name, 'fps': check_fps(fps, name)}

    def _of_poses(self, source: Source, file: VideoFile | None) -> dict[str, Any]:
        size = None if file is None else file.img_shape
        poses, place = source.poses, source.name
        if poses is None:
            assert file is not None
            place = str(file.path)
            poses = choose_person(self.estimate(file.path), self.person, place)
        else:
            if isinstance(poses, Path):
                place = str(poses)
                poses = read_poses(poses, img_shape=size)
            poses = choose_person(poses, self.person, place)
            poses = with_rate(poses, file, self.fps, place)
        video = self._fitted(poses.noting(img_shape=poses.img_shape or size), place)
        if file is not None:
            video['filename'] = str(file.path.absolute())
        return {**video, 'fps': poses.fps, 'estimated': source.poses is None}

    def _fitted(
        self, poses: Poses, place: str, keypoint_3d: np.ndarray | None = None
    ) -> dict[str, Any]:
        """Return what an annotation has of poses, with the joints of the model."""
        wanted, joints = Skeleton.get(self.skeleton), poses.joints
        poses = with_size(poses)
        notes = poses.notes
        missing = [joint for joint in wanted.joints if joint not in joints]
        if missing:
            raise UserError(
                f'{place}: its {len(joints)} joints lack {", ".join(missing[:3])}'
                f'{" and more" if len(missing) > 3 else ""} of the {wanted.num_joints} '
                f'of {wanted.name}, with which the model was trained; estimate poses '
                'in that layout, or convert them with '
                'tools/dataset_converters/keypoints.py.'
            )
        columns = [joints.index(joint) for joint in wanted.joints]
        if len(joints) > len(columns):
            notes = (*notes, f'{len(columns)} of {len(joints)} joints are used')
        video: dict[str, Any] = {
            'keypoint': poses.keypoint[:, :, columns],
            'keypoint_score': poses.keypoint_score[:, :, columns],
            'total_frames': poses.keypoint.shape[1],
            'img_shape': poses.img_shape,
            'notes': notes,
        }
        if keypoint_3d is not None:
            video['keypoint_3d'] = np.asarray(keypoint_3d)[:, :, columns]
        return video


def _arrays(
    entry: Mapping[str, Any], skeleton: Skeleton, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return keypoint (M, T, V, 2) and keypoint_score (M, T, V) of an entry."""
    keypoint = np.asarray(entry['keypoint'])
    if keypoint.ndim == 3:
        keypoint = keypoint[None]
    numerical = keypoint.dtype.kind in 'fiu'
    if (
        not numerical
        or keypoint.ndim != 4
        or keypoint.shape[3] != 2
        or 0 in keypoint.shape
    ):
        raise UserError(
            f'{name}: keypoint is {keypoint.dtype} of shape {keypoint.shape}, expected '
            'numbers (persons, frames, joints, 2) or (frames, joints, 2), none 0.'
        )
    if keypoint.shape[2] != skeleton.num_joints:
        raise UserError(
            f'{name}: keypoint has {keypoint.shape[2]} joints, but the skeleton '
            f'{skeleton.name} has {skeleton.num_joints}; a model reads the layout that '
            'it was trained with, so convert the poses to it.'
        )
    score = entry.get('keypoint_score')
    score = np.ones(keypoint.shape[:3]) if score is None else np.asarray(score)
    score = score[None] if score.ndim == 2 else score
    if score.shape != keypoint.shape[:3]:
        raise UserError(
            f'{name}: keypoint_score has shape {score.shape}, but keypoint needs '
            f'{keypoint.shape[:3]}.'
        )
    return keypoint, score
