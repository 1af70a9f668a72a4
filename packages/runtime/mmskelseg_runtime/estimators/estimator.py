"""The interface of pose estimators, and their names."""

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.error import URLError

import numpy as np

from mmskelseg_io.files.video import (
    FrameTimes,
    VideoFile,
    opened_video,
    remaining_frames,
)
from mmskelseg_io.messages.dependencies import Dependency, DependencyError
from mmskelseg_io.messages.errors import UnavailableError, UserError
from mmskelseg_io.messages.progress import progress_bar
from mmskelseg_io.poses import Poses
from mmskelseg_io.poses.poses import Detection, gather
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.parts import ESTIMATORS

# The type for each name, and the argument that may follow the name after a colon.
NAMES = {
    'rtmlib': ('RTMLibPose', 'mode'),
    'mediapipe': ('MediaPipePose', ''),
    'topdown': ('MMPoseAlias', 'model'),
    'mmpose': ('MMPoseAlias', 'model'),
}
# The networks of the paper, and the options that are named after them.
_TOPDOWN: dict[str, object] = {
    'model': 'td-hm_hrnet-w32_8xb64-210e_coco-256x192',
    'detector': 'faster-rcnn_r50_fpn_1x_coco',
    'categories': ('person',),
    'box_score': 0.5,
}
_TOPDOWN_OPTIONS = {'pose': 'model', 'pose_weights': 'weights'}


class PoseEstimator(ABC):
    """A pose estimator, which finds the people in a video and their joints.

    Networks are loaded with the first video.
    """

    #: Where they compute; None leaves it to the model that reads the poses.
    device: str | None = None

    @property
    @abstractmethod
    def skeleton(self) -> Layout:
        """The layout of the joints."""

    @abstractmethod
    def detections(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Yield the people in images, which are the frames of one video in order.

        They are uint8 in BGR order, shape (h, w, 3), and all of them are read.
        """

    def estimate(self, video: str | os.PathLike, *, progress: bool = True) -> Poses:
        """Return the poses of everybody in a video file, with size and frame rate.

        Row m of the poses is the m-th person of each frame, who may change from frame
        to frame; ``choose_person`` picks one. If nobody is found, there is one row with
        all joints missing, and a note about it. ``progress`` shows a bar.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it cannot be read as a video.
            RuntimeError: If networks cannot be downloaded.
        """
        frames = VideoFrames(video, progress=progress)
        with downloading(type(self).__name__):
            found = list(self.detections(frames))
        notes, count = frames.times.notes(), frames.times.count
        if found:
            layout = self.skeleton
            poses = gather(found, layout, str(video), frames=count, counted=True)
        else:
            shape = (1, count, Skeleton.get(self.skeleton).num_joints)
            poses = Poses(np.zeros((*shape, 2)), np.zeros(shape), self.skeleton)
            notes += ('nobody was found in any frame',)
        return poses.noting(
            *notes, img_shape=frames.file.img_shape, fps=frames.file.fps
        )

    def settings(self) -> dict[str, object]:
        """Return everything that determines the poses, as plain values."""
        return settings_of(self)


def settings_of(part: object) -> dict[str, object]:
    """Return the type and the arguments of an estimator, but for its device."""
    names = inspect.signature(type(part)).parameters
    values = {name: getattr(part, name) for name in names if name != 'device'}
    return {'type': type(part).__name__, **values}


@contextmanager
def downloading(name: str) -> Iterator[None]:
    """Raise an UnavailableError if the networks of an estimator are out of reach."""
    try:
        yield
    except URLError as error:
        raise UnavailableError(
            f'{name}: its networks cannot be downloaded ({error.reason}); '
            'docs/pose_estimation.md says what works offline.'
        ) from error


def strongest(
    frame: int,
    keypoint: np.ndarray,
    score: np.ndarray,
    *,
    box: np.ndarray | None = None,
    box_score: np.ndarray | None = None,
    most: int,
) -> Iterator[Detection]:
    """Yield at most ``most`` people of a frame, in order of decreasing confidence.

    Args:
        frame: Number of the frame.
        keypoint: Joints in pixels, shape (M, V, 2).
        score: Confidence of the joints, shape (M, V).
        box: x and y of the first and the last corner, shape (M, 4).
        box_score: Confidence of the people, shape (M,); by default the mean confidence
            of their joints.
        most: The largest number of people.
    """
    joints = np.concatenate([keypoint, score[..., None]], axis=-1, dtype=np.float32)
    sure = score.mean(axis=-1) if box_score is None else box_score
    for i in np.argsort(-sure, kind='stable')[:most]:
        yield Detection(
            frame,
            joints[i],
            None if box_score is None else float(box_score[i]),
            box=None if box is None else box[i].astype(np.float32),
        )


def require(estimator: str, remedy: str, *packages: Dependency) -> None:
    """Raise DependencyError if a package is missing or unsuitable, without imports."""
    for package in packages:
        if package.problem():
            name, version = package.found()
            state = f'{name} {version} is' if version else 'it is not'
            raise DependencyError(
                f'{estimator} needs {package.name}{package.needed}, but {state} '
                f'installed; {remedy}.'
            )


def build_pose_estimator(
    estimator: str | Mapping[str, object] = 'rtmlib', **options: object
) -> PoseEstimator:
    """Build the pose estimator for a name or a config.

    Args:
        estimator: ``rtmlib`` or ``rtmlib:MODE`` (RTMPose); ``mediapipe``;
            ``mmpose:ALIAS`` (MMPose's inferencer, such as ``mmpose:human``);
            ``topdown`` or ``topdown:NETWORK`` (the same with Faster R-CNN and with
            HRNet or another network); or a config with ``type``, where
            ``TopDownPose`` means ``topdown``.
        options: Further arguments of the type, which replace those of a config;
            ``networks.pose`` is the item ``pose`` of a dict ``networks``.

    Raises:
        DependencyError: If a package that it needs is not or cannot be installed.
        UserError: If there is no such estimator, or it has no such option.
    """
    kind: Any
    if isinstance(estimator, str):
        name, _, argument = estimator.partition(':')
        kind, parameter = NAMES.get(name, ('', ''))
        if not kind or (argument and not parameter):
            raise UserError(
                f'There is no pose estimator {estimator!r}; choose rtmlib, '
                'rtmlib:MODE, mediapipe, topdown, topdown:NETWORK or mmpose:ALIAS.'
            )
        config: dict[str, object] = {parameter: argument} if argument else {}
        topdown = name == 'topdown'
    else:
        config = dict(estimator)
        kind = config.pop('type', None)
        topdown = kind == 'TopDownPose'
    for key, value in options.items():
        name, dot, item = key.partition('.')
        if dot:
            held = config.get(name)
            value = {**(held if isinstance(held, Mapping) else {}), item: value}
        config[name] = value
    if topdown:
        renamed = {_TOPDOWN_OPTIONS.get(k, k): v for k, v in config.items()}
        kind, config = 'MMPoseAlias', {**_TOPDOWN, **renamed}
    return built(_estimator_class(kind), config)


def built(cls: Any, config: Mapping[str, object]) -> Any:
    """Build an estimator, or raise a UserError if it lacks an option."""
    parameters = inspect.signature(cls).parameters
    unknown = sorted(config.keys() - parameters.keys())
    if unknown:
        raise UserError(
            f'{cls.__name__} has no option {unknown[0]}; choose from '
            f'{", ".join(parameters)}.'
        )
    return cls(**config)


def _estimator_class(kind: Any) -> Any:
    """Return the class of a type, which may be its name."""
    cls = kind
    if isinstance(kind, str):
        name = kind.removeprefix('mmskelseg.')
        cls = ESTIMATORS.get(name)
        if cls is None and name == 'MMPoseAlias':
            raise DependencyError(
                f'{name} needs MMPose, which mmskelseg-runtime does not support; '
                'choose rtmlib or mediapipe, or install mmskelseg.'
            )
    if cls is None:
        known = ', '.join([*ESTIMATORS.names(), 'MMPoseAlias'])
        raise UserError(
            f'The type of a pose estimator is {kind!r}, expected {known}, or a type '
            'that is registered in INFERENCERS.'
        )
    return cls


#: A pose estimator, or its name or config; see :func:`build_pose_estimator`.
PoseEstimatorLike: TypeAlias = str | Mapping[str, object] | PoseEstimator


class VideoFrames:
    """An iterable over the frames of a video file, which holds one at a time.

    Attributes:
        file: The metadata of the file.
        times: Those of the frames that have been read.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        progress: bool = True,
        title: str = 'Estimating poses',
    ) -> None:
        self.file = VideoFile.open(path)
        self.progress = progress
        self.title = title
        self.times = FrameTimes(self.file)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield images (H, W, 3), uint8, in BGR order."""
        with (
            opened_video(self.file.path) as capture,
            progress_bar(self.title, self.file.frames, self.progress) as count,
        ):
            for image in remaining_frames(capture):
                self.times.add(capture)
                yield image
                count(1)
