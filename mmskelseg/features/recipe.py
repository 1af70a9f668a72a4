"""The recipe by which a frame becomes a vector: transforms, renderer, encoder."""

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol, TypeAlias

import cv2
import numpy as np

from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError

# Frames before and after that a feature depends on, infinity for all of that side; None
# for the whole video.
Context: TypeAlias = tuple[float, float] | None
Video: TypeAlias = Mapping[str, Any]

_FRAMES_AT_A_TIME = 128
_KEYS = {'render', 'encoder', 'transforms', 'dtype', 'copies', 'online'}


class Renderer(Protocol):
    """Makes images of a video, or, without an encoder, its features.

    A renderer may also have ``check(video)``, which raises an error for a video that is
    at fault; it is called for every video before extraction starts.
    """

    @property
    def reads(self) -> Literal['poses', 'video']:
        """Whether it reads the skeletons of an annotation, or a video file."""

    @property
    def context(self) -> Context:
        """Numbers of frames before and after that an image depends on."""

    def blocks(self, video: Video, frames: int) -> Iterator[np.ndarray]:
        """Yield arrays of that many frames at a time, shape (n, ...)."""

    def source(self, video: Video) -> list[np.ndarray]:
        """Return the arrays that the images are made from."""

    def settings(self) -> dict[str, Any]:
        """Return all else that decides the images, as plain values."""


class _AnyEncoder(Protocol):
    def load(self) -> None:
        """Get ready, so that faults in weights come before any work."""

    def settings(self) -> dict[str, Any]:
        """Return all that decides the features, as plain values."""


class Encoder(_AnyEncoder, Protocol):
    """Makes features of images, each by itself."""

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return features (n, C) of images (n, channels, H, W)."""


class VideoEncoder(_AnyEncoder, Protocol):
    """Makes features of images and of those around them."""

    @property
    def context(self) -> Context:
        """Numbers of frames before and after that a feature depends on."""

    def encode_video(
        self, blocks: Iterable[np.ndarray], num_frames: int
    ) -> Iterator[np.ndarray]:
        """Yield features (n, C) of a video's frames in turn."""


@dataclass(frozen=True)
class FeatureRecipe:
    """Makes the features of one modality: transforms, a renderer and an encoder.

    Args:
        modality: Key of the modality, for messages and names of folders.
        render: Makes images of a video.
        encoder: Makes features of them; None where the images are the features.
        transforms: Change a video's annotation first.
        dtype: Of the features, ``float32`` or ``float16``.
        num_joints: V of the skeleton that ``render`` reads.
        online: Whether a data set makes them anew each time that it reads a video, of
            skeletons as its augmentations left them, instead of once into files.

    Raises:
        UserError: If a part lacks a method, or the type is another.
    """

    modality: str
    render: Renderer
    encoder: Encoder | VideoEncoder | None = None
    transforms: Sequence[Any] = ()
    dtype: str = 'float32'
    num_joints: int = 1
    online: bool = False

    def __post_init__(self) -> None:
        self._check_methods('render', self.render, Renderer)
        if self.encoder is not None:
            whole = hasattr(self.encoder, 'encode_video')
            kind = VideoEncoder if whole else Encoder
            self._check_methods('encoder', self.encoder, kind)
        if self.online and self.reads != 'poses':
            raise UserError(
                f'features.{self.modality} has online=True, but its renderer reads the '
                'video file, not the skeletons that augmentations change; leave it out.'
            )
        if self.dtype not in ('float32', 'float16'):
            raise UserError(
                f'features.{self.modality}.dtype is {self.dtype!r}, but must be '
                "'float32' or 'float16'."
            )

    @classmethod
    def from_config(
        cls, modality: str, config: Mapping[str, Any], skeleton: Any
    ) -> 'FeatureRecipe':
        """Return the recipe of a modality, the first one if it asks for copies.

        Args:
            modality: Its key under ``dataset.features``.
            config: The value there: ``render`` and, if wanted, ``encoder``,
                ``transforms``, ``dtype``, ``copies`` and ``online``.
            skeleton: Layout of the data set, for parts that take a ``skeleton`` and
                name none.

        Raises:
            UserError: If the config is at fault, naming the key.
            MissingFileError: If a file of weights is missing.
        """
        return cls.copies_from_config(modality, config, skeleton)[0]

    @classmethod
    def copies_from_config(
        cls, modality: str, config: Mapping[str, Any], skeleton: Any
    ) -> list['FeatureRecipe']:
        """Return a recipe for each of the ``copies`` of a modality's features.

        They differ in the ``seed`` of their transforms. See :meth:`from_config`.
        """
        if not {'render'} <= set(config) <= _KEYS:
            raise UserError(
                f'features.{modality} has the keys {sorted(config)}, but needs '
                '`render`, and may have `encoder`, `dtype`, `online`, `transforms` '
                'and, with these, `copies`.'
            )
        transforms = [with_skeleton(t, skeleton) for t in config.get('transforms', ())]
        copies = config.get('copies', 1)
        if not isinstance(copies, int) or copies < 1 or (copies > 1 and not transforms):
            raise UserError(
                f'features.{modality}.copies is {copies!r} with {len(transforms)} '
                'transforms, expected a number from 1, and above it transforms that '
                'make the copies differ.'
            )
        if copies > 1 and config.get('online'):
            raise UserError(
                f'features.{modality} has copies={copies} and online=True, but online '
                'features are made anew in each epoch; leave out `copies`.'
            )
        for part in transforms:
            if copies > 1 and 'seed' not in _parameters(part):
                raise UserError(
                    f'features.{modality}: {part["type"]} takes no `seed`, so that '
                    f'{copies} copies of it would be the same; leave out one of the '
                    'two.'
                )
        # A recipe of parts that are built needs no MMEngine.
        from mmskelseg.registry import MODELS, TRANSFORMS

        render = with_skeleton(config['render'], skeleton)
        first = cls(
            modality,
            TRANSFORMS.build(render),
            MODELS.build(config['encoder']) if 'encoder' in config else None,
            [TRANSFORMS.build(part) for part in transforms],
            config.get('dtype', 'float32'),
            Skeleton.get(render.get('skeleton', skeleton)).num_joints,
            config.get('online', False),
        )
        recipes = [first]
        for i in range(1, copies):
            seeded = [{**p, 'seed': p.get('seed', 0) + i} for p in transforms]
            others = [TRANSFORMS.build(part) for part in seeded]
            recipes.append(replace(first, transforms=others))
        return recipes

    @property
    def reads(self) -> Literal['poses', 'video']:
        """Whether a video must have skeletons (``poses``) or a file (``video``).

        Raises:
            UserError: If the renderer does not say.
        """
        reads = getattr(self.render, 'reads', None)
        if reads not in ('poses', 'video'):
            raise UserError(
                f'features.{self.modality}.render: {type(self.render).__name__} has '
                f"reads={reads!r}, expected 'poses' or 'video': whether it reads the "
                'skeletons of a video or its file.'
            )
        return reads

    @property
    def context(self) -> Context:
        """Frames before and after that a feature depends on, None for all.

        None after, as ``(math.inf, 0)`` says, makes a causal recipe.

        A renderer or video encoder that does not say depends on all frames. Transforms
        are not counted: those that change a video for training change it as a whole.
        """
        own = None if hasattr(self.encoder, 'encode_video') else (0, 0)
        parts: list[Context] = [
            getattr(self.render, 'context', None),
            getattr(self.encoder, 'context', own),
        ]
        if None in parts:
            return None
        before, after = (sum(ends) for ends in zip(*filter(None, parts), strict=True))
        return before, after

    @cached_property
    def channels(self) -> int:
        """The number C of features of a frame, found by making those of two frames.

        It builds and loads the encoder's network.
        """
        with TemporaryDirectory(prefix='mmskelseg-') as folder:
            (block,) = self.make(self._example(Path(folder)))
        return block.shape[1]

    def settings(self) -> dict[str, Any]:
        """Return what decides the features besides the data, as plain values."""
        settings: dict[str, Any] = {'render': self.render.settings()}
        if self.encoder is not None:
            settings['encoder'] = self.encoder.settings()
        if self.transforms:
            settings['transforms'] = [t.settings() for t in self.transforms]
        if self.dtype != 'float32':
            settings['dtype'] = self.dtype
        return settings

    def source(self, video: Video) -> list[np.ndarray]:
        """Return the data of a video that decides its features."""
        with _naming(video):
            source = self.render.source(video)
        if self.transforms:
            source.append(np.array(video['img_shape']))
        return source

    def check(self, video: Video) -> None:
        """Raise a UserError if a video cannot be rendered, as far as that is quick."""
        if hasattr(self.render, 'check'):
            self.render.check(video)

    def load(self) -> None:
        """Load the encoder, so that faults in its weights come before any work."""
        if self.encoder is not None:
            self.encoder.load()

    def make(
        self, video: Video, count: Callable[[int], object] | None = None
    ) -> Iterator[np.ndarray]:
        """Yield the features of a video's frames in turn, (n, C) or (n, C, V).

        Args:
            video: Its annotation, of which labels are not needed.
            count: Called with the number of frames that were done since its last call.

        Raises:
            UserError: If the video is at fault.
        """
        with _naming(video):
            for features in self.encode(self.images(video), video['total_frames']):
                yield features if self.dtype == 'float32' else _halved(features)
                if count is not None:
                    count(len(features))

    def images(self, video: Video) -> Iterator[np.ndarray]:
        """Yield what the renderer makes of a video after the transforms, in blocks."""
        changed = dict(video)
        for transform in self.transforms:
            changed = transform(changed)
        return self.render.blocks(changed, _FRAMES_AT_A_TIME)

    def encode(
        self, images: Iterator[np.ndarray], num_frames: int
    ) -> Iterator[np.ndarray]:
        """Yield the features of blocks of images."""
        if self.encoder is None:
            return images
        if hasattr(self.encoder, 'encode_video'):
            return self.encoder.encode_video(images, num_frames)
        return map(self.encoder.encode, images)

    def example_images(self) -> np.ndarray:
        """Return what the renderer makes of two frames, (2, ...)."""
        with TemporaryDirectory(prefix='mmskelseg-') as folder:
            (images,) = self.images(self._example(Path(folder)))
        return images

    def _example(self, folder: Path) -> Video:
        """Return two frames of a video of people, or of a file."""
        keypoint = np.random.default_rng(0).uniform(1, 47, (1, 2, self.num_joints, 3))
        path = folder / 'two_frames.avi'
        if self.reads == 'video':
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
        }

    def _check_methods(self, key: str, part: object, protocol: type) -> None:
        names = {n: f for cls in protocol.__mro__[::-1] for n, f in vars(cls).items()}
        methods = [n for n, f in names.items() if callable(f) and n[0] != '_']
        missing = [name for name in methods if not hasattr(part, name)]
        if missing:
            raise UserError(
                f'features.{self.modality}.{key}: {type(part).__name__} lacks '
                f'{", ".join(missing)}; mmskelseg.features.{protocol.__name__} lists '
                'what such a class has.'
            )


def with_skeleton(part: Mapping[str, Any], skeleton: Any) -> Mapping[str, Any]:
    """Return a part's config with the skeleton, if it takes one and names none."""
    return {'skeleton': skeleton, **part} if 'skeleton' in _parameters(part) else part


def _parameters(part: Mapping[str, Any]) -> Collection[str]:
    """Return the names of a transform's arguments, none where it is not known."""
    from mmskelseg.registry import TRANSFORMS

    kind = part.get('type')
    cls = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
    return inspect.signature(cls).parameters if cls is not None else ()


@contextmanager
def _naming(video: Video) -> Iterator[None]:
    """Put the video's id before the message of an error."""
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
