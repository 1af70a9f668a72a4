"""What pose estimators have in common: from a video file to poses."""

from __future__ import annotations

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.error import URLError

import numpy as np

from mmskelseg.apis.pose_estimators.video_frames import VideoFrames
from mmskelseg.compat.dependencies import Dependency, DependencyError
from mmskelseg.interchange.poses import Poses
from mmskelseg.interchange.poses.poses import Detection, gather
from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UnavailableError


class PoseEstimator(ABC):
    """Finds the people in a video and their joints.

    Networks are loaded with the first video.
    """

    @property
    @abstractmethod
    def skeleton(self) -> str | dict[str, Any]:
        """The layout of the joints that are found."""

    @abstractmethod
    def detections(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Yield the people in images, which are the frames of one video in order.

        Args:
            images: Shape (h, w, 3), uint8, blue, green and red. All are read.
        """

    def estimate(self, video: str | os.PathLike, *, progress: bool = True) -> Poses:
        """Return the poses in a video file, everybody's, with size and frame rate.

        Row m of the poses is the m-th person of a frame, not the same one throughout;
        ``choose_person`` picks one. A video in which nobody is found has one row, of
        which all joints are missing, and a note that says so.

        Args:
            video: The file, which is read frame by frame.
            progress: Whether to show a progress bar.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it cannot be read as a video.
            RuntimeError: If networks that it needs cannot be downloaded.
        """
        frames = VideoFrames(video, progress=progress)
        try:
            found = list(self.detections(frames))
        except URLError as error:
            raise UnavailableError(
                f'{type(self).__name__}: its networks cannot be downloaded '
                f'({error.reason}); docs/pose_estimation.md says what works without a '
                'connection.'
            ) from error
        notes = tuple(frames.notes)
        if found:
            layout, count = self.skeleton, frames.count
            poses = gather(found, layout, str(video), frames=count, counted=True)
        else:
            shape = (1, frames.count, Skeleton.get(self.skeleton).num_joints)
            poses = Poses(np.zeros((*shape, 2)), np.zeros(shape), self.skeleton)
            notes += ('nobody was found in any frame',)
        return poses.noting(
            *notes, img_shape=frames.file.img_shape, fps=frames.file.fps
        )

    def settings(self) -> dict[str, Any]:
        """Return all that decides the poses, as plain values."""
        names = inspect.signature(type(self)).parameters
        values = {name: getattr(self, name) for name in names if name != 'device'}
        return {'type': type(self).__name__, **values}


def strongest(
    frame: int,
    keypoint: np.ndarray,
    score: np.ndarray,
    *,
    box: np.ndarray | None = None,
    box_score: np.ndarray | None = None,
    most: int,
) -> Iterator[Detection]:
    """Yield the people of a frame by falling score, no more than ``most``.

    Args:
        frame: Number of the frame.
        keypoint: Pixels, shape (M, V, 2).
        score: Confidence of the joints, shape (M, V).
        box: x and y of first and last corner, shape (M, 4).
        box_score: Confidence of the people, shape (M,); by default the mean of that of
            their joints.
        most: The largest number of people.
    """
    joints = np.concatenate([keypoint, score[..., None]], axis=-1, dtype=np.float32)
    order = np.argsort(
        -(score.mean(axis=-1) if box_score is None else box_score), kind='stable'
    )
    for i in order[:most]:
        yield Detection(
            frame,
            joints[i],
            None if box_score is None else float(box_score[i]),
            box=None if box is None else box[i].astype(np.float32),
        )


def require(estimator: str, remedy: str, *packages: Dependency) -> None:
    """Check that packages are installed, without importing them.

    Args:
        estimator: Who needs them.
        remedy: What to do where they are not.
        packages: The packages.

    Raises:
        DependencyError: In one sentence, for the first that is missing or unsuitable.
    """
    for package in packages:
        if package.problem():
            name, version = package.found()
            state = f'{name} {version} is' if version else 'it is not'
            raise DependencyError(
                f'{estimator} needs {package.name}{package.needed}, but {state} '
                f'installed; {remedy}.'
            )
