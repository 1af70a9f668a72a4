"""The recipe that turns frames into features: transforms, renderer, encoder."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol, TypeAlias, TypedDict

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, checked
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.objects import ObjectKinds
from mmskelseg_io.structures.places import SPACES, KnownPlaces

#: The numbers of earlier and later frames that a feature depends on, infinity for all;
#: None for the whole video.
Context: TypeAlias = tuple[float, float] | None
#: The config of one part: its ``type`` and whatever arguments that type takes.
PartConfig: TypeAlias = Mapping[str, Any]

_FRAMES_AT_A_TIME = 128


class FeatureConfig(TypedDict, total=False):
    """The config of a modality's features: a value of ``dataset.features``."""

    render: PartConfig
    encoder: PartConfig
    transforms: Sequence[PartConfig]
    dtype: Literal['float32', 'float16']
    copies: Count
    online: bool


class VideoTransform(Protocol):
    """Changes the annotation of a video before it is rendered."""

    def __call__(self, video: VideoAnnotation, /) -> VideoAnnotation:
        """Return the changed annotation."""

    def settings(self) -> dict[str, object]:
        """Return everything that determines the change, as plain values."""


class Renderer(Protocol):
    """Renders a video as images or, if there is no encoder, directly as features.

    A renderer may also have a method ``check(video)`` that raises an error for a faulty
    video; it is called for every video before extraction starts. If the labels of a
    video are those of one individual, it gets that one alone, unless its ``others`` is
    True.
    """

    @property
    def reads(self) -> Literal['poses', 'video']:
        """``poses`` if it reads skeletons, ``video`` if it reads the video file."""

    @property
    def context(self) -> Context:
        """The numbers of earlier and later frames that an image depends on."""

    def blocks(self, video: VideoAnnotation, frames: int, /) -> Iterator[np.ndarray]:
        """Yield the images in order, in blocks of ``frames``, shape (n, ...)."""

    def source(self, video: VideoAnnotation, /) -> list[np.ndarray]:
        """Return the arrays that the images are made from."""

    def settings(self) -> dict[str, object]:
        """Return everything else that determines the images, as plain values."""


class RenderedVideo(VideoAnnotation, total=False):
    """A video's annotation, plus the keys that renderers write."""

    imgs: np.ndarray
    coordinates: np.ndarray


class BaseRenderer(ABC):
    """A step of a pipeline, called like MMCV's transforms, but independent of MMCV."""

    @abstractmethod
    def transform(self, results: RenderedVideo) -> RenderedVideo:
        """Add the rendered images or coordinates to a video, and return it."""

    def __call__(self, results: RenderedVideo) -> RenderedVideo:
        """Call :meth:`transform`."""
        return self.transform(results)


class Encoder(Protocol):
    """Encodes each image independently of the others."""

    def load(self, device: str | None = None) -> None:
        """Load the weights onto a device, so that errors in them show before any work.

        None: the device that the encoder chooses.
        """

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return features (n, C) of images (n, channels, H, W)."""

    def settings(self) -> dict[str, object]:
        """Return everything that determines the features, as plain values."""


@checked
@dataclass(frozen=True)
class FeatureRecipe:
    """Computes the features of one modality by transforms, a renderer and an encoder.

    Args:
        modality: Key of the modality, for messages and folder names.
        render: Renders a video as images.
        encoder: Encodes the images; None if the images are the features.
        transforms: Change the annotation of a video first.
        dtype: Type of the features, ``float32`` or ``float16``.
        num_joints: Number of joints V of the skeleton that ``render`` reads.
        online: Whether a data set computes the features each time it reads a video,
            from its augmented skeletons, instead of once into files.

    Raises:
        UserError: If a part lacks a method.
    """

    modality: str
    render: Renderer
    encoder: Encoder | None = None
    transforms: Sequence[VideoTransform] = ()
    dtype: Literal['float32', 'float16'] = 'float32'
    num_joints: int = 1
    online: bool = False

    def __post_init__(self) -> None:
        self._check_methods('render', self.render, Renderer)
        if self.encoder is not None:
            self._check_methods('encoder', self.encoder, Encoder)
        if self.online and self.reads != 'poses':
            raise UserError(
                f'features.{self.modality} has online=True, but its renderer reads the '
                'video file, not the skeletons that augmentations change; remove '
                'online=True.'
            )

    @property
    def reads(self) -> Literal['poses', 'video']:
        """Whether a video must have skeletons (``poses``) or a file (``video``).

        Raises:
            UserError: If the renderer's ``reads`` is neither.
        """
        reads = getattr(self.render, 'reads', None)
        if reads not in ('poses', 'video'):
            raise UserError(
                f'features.{self.modality}.render: {type(self.render).__name__} has '
                f"reads={reads!r}, expected 'poses', for skeletons, or "
                "'video', for video files."
            )
        return reads

    @property
    def context(self) -> Context:
        """Numbers of earlier and later frames that a feature depends on; None for all.

        A recipe without later frames, as in ``(math.inf, 0)``, is causal. A renderer
        without ``context`` depends on all frames. Transforms do not count, since
        augmentations change a video as a whole.
        """
        return getattr(self.render, 'context', None)

    @property
    def sees_others(self) -> bool:
        """Whether features of an individual depend on the others in the recording."""
        return getattr(self.render, 'others', False)

    @property
    def needs_others(self) -> bool:
        """Whether these features mean little if an individual is alone."""
        return self.sees_others and getattr(self.render, 'needs_others', True)

    @property
    def in_3d(self) -> bool:
        """Whether features depend on ``keypoint_3d``."""
        parts = getattr(self.render, 'parts', [self.render])
        return any(getattr(part, 'dims', 2) == 3 for part in parts)

    @property
    def kinds(self) -> ObjectKinds:
        """The kinds of objects that features depend on, with names of their points."""
        return getattr(self.render, 'kinds', {})

    @property
    def places(self) -> KnownPlaces:
        """The places that features depend on, with their shapes, if they are known."""
        return getattr(self.render, 'places', {})

    @cached_property
    def channels(self) -> int:
        """The number of features per frame, C, found by a run on two frames.

        This builds and loads the encoder's network.
        """
        with TemporaryDirectory(prefix='mmskelseg-') as folder:
            (block,) = self.make(self._example(Path(folder)))
        return block.shape[1]

    def settings(self) -> dict[str, object]:
        """Return everything that determines the features, except the data."""
        settings: dict[str, object] = {'render': self.render.settings()}
        if self.encoder is not None:
            settings['encoder'] = self.encoder.settings()
        if self.transforms:
            settings['transforms'] = [t.settings() for t in self.transforms]
        if self.dtype != 'float32':
            settings['dtype'] = self.dtype
        return settings

    def source(self, video: VideoAnnotation) -> list[np.ndarray]:
        """Return the data of a video that determines its features."""
        with _naming(video):
            source = self.render.source(seen_by(self.render, video))
        if self.transforms:
            source.append(np.array(video['img_shape']))
        return source

    def check(self, video: VideoAnnotation) -> None:
        """Raise a UserError if a quick check shows that a video cannot be rendered."""
        if hasattr(self.render, 'check'):
            self.render.check(seen_by(self.render, video))

    def load(self, device: str | None = None) -> None:
        """Load the encoder onto a device; see :meth:`Encoder.load`."""
        if self.encoder is not None:
            self.encoder.load(device)

    def make(
        self, video: VideoAnnotation, count: Callable[[int], object] | None = None
    ) -> Iterator[np.ndarray]:
        """Yield the features of a video's frames in order, (n, C) or (n, C, V).

        Labels are not needed. ``count`` is called with the number of frames finished
        since the last call.

        Raises:
            UserError: If the video is faulty; the message names it.
        """
        with _naming(video):
            for features in self.encode(self.images(video)):
                yield features if self.dtype == 'float32' else _halved(features)
                if count is not None:
                    count(len(features))

    def images(self, video: VideoAnnotation) -> Iterator[np.ndarray]:
        """Yield the rendered images of a video after the transforms, in blocks."""
        changed: VideoAnnotation = {**seen_by(self.render, video)}
        for transform in self.transforms:
            changed = transform(changed)
        return self.render.blocks(changed, _FRAMES_AT_A_TIME)

    def encode(self, images: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the features of blocks of images."""
        return images if self.encoder is None else map(self.encoder.encode, images)

    def example_images(self) -> np.ndarray:
        """Return rendered images of two example frames, (2, ...)."""
        with TemporaryDirectory(prefix='mmskelseg-') as folder:
            (images,) = self.images(self._example(Path(folder)))
        return images

    def _example(self, folder: Path) -> VideoAnnotation:
        """Return a video of two frames with poses or with a file in a folder."""
        keypoint = np.random.default_rng(0).uniform(1, 47, (1, 2, self.num_joints, 3))
        path = folder / 'two_frames.avi'
        if self.reads == 'video':
            import cv2

            codec = cv2.VideoWriter.fourcc(*'MJPG')
            writer = cv2.VideoWriter(str(path), codec, 25, (48, 48))
            for _ in range(2):
                writer.write(np.zeros((48, 48, 3), np.uint8))
            writer.release()
        return {
            'frame_dir': 'two frames',
            'total_frames': 2,
            'img_shape': (48, 48),
            'fps': 25.0,
            'keypoint': keypoint[..., :2].astype(np.float32),
            'keypoint_3d': keypoint.astype(np.float32),
            'keypoint_score': np.ones(keypoint.shape[:3], np.float32),
            'filename': str(path),
            'objects': [],
            'places': [
                {
                    'name': name,
                    'shape': shape or 'point',
                    'points': [[1, 1], [2, 1], [1, 2]],
                    'space': space,
                }
                for name, shape in self.places.items()
                for space in SPACES
            ],
        }

    def _check_methods(self, key: str, part: object, protocol: type) -> None:
        known = vars(protocol).items()
        methods = [name for name, one in known if callable(one) and name[0] != '_']
        missing = [name for name in methods if not hasattr(part, name)]
        if missing:
            raise UserError(
                f'features.{self.modality}.{key}: {type(part).__name__} lacks '
                f'{", ".join(missing)}; mmskelseg_runtime.features.{protocol.__name__} '
                'lists the methods that such a class needs.'
            )


def seen_by(render: object, video: VideoAnnotation) -> VideoAnnotation:
    """Return a video with the skeletons that a renderer reads."""
    return video if getattr(render, 'others', False) else alone(video)


@contextmanager
def _naming(video: VideoAnnotation) -> Iterator[None]:
    """Prefix the message of an error with the video's id."""
    try:
        yield
    except ValueError as error:
        kind = type(error) if isinstance(error, UserError) else UserError
        raise kind(f'{video["frame_dir"]}: {error}') from error


def _halved(features: np.ndarray) -> np.ndarray:
    largest = np.finfo(np.float16).max
    if np.abs(features).max(initial=0) > largest:
        raise UserError(
            f'a feature is {np.abs(features).max():g}, but float16 holds up to '
            f"{largest:g}; set dtype='float32' for these features."
        )
    return features.astype(np.float16)
