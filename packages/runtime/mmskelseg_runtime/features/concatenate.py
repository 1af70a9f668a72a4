"""Features of several renderers side by side."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import numpy as np

from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.places import Place
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.blocks import Frames, State, flat
from mmskelseg_runtime.features.coordinates import Coordinates
from mmskelseg_runtime.features.recipe import PartConfig, seen_by
from mmskelseg_runtime.parts import RENDERERS


@RENDERERS.register
class Concatenate(Coordinates):
    """Gives the features of several renderers of coordinates side by side.

    As ``render`` without an encoder, it gives the features themselves::

        dict(
            type='Concatenate',
            parts=[
                dict(type='SkeletonCoordinates', dims=2),
                dict(type='ObjectCoordinates', dims=2, kinds={'box': ['centre']}),
            ],
        )

    Reads: what its parts read. Writes: coordinates, float32, shape (T, C).

    Args:
        skeleton: The layout of the joints of all parts; see :meth:`Skeleton.get`.
        parts: The config of each renderer, without its skeleton.

    Raises:
        ValueError: If a part is no renderer of coordinates, or has a skeleton of its
            own.
    """

    def __init__(self, skeleton: SkeletonLike, parts: Sequence[PartConfig]) -> None:
        if not parts:
            raise UserError('Concatenate: parts is empty; name at least one renderer.')
        self.parts = [_built(part, skeleton) for part in parts]
        super().__init__(self.parts[0].dims, None)
        self.skeleton = Skeleton.get(skeleton)
        self.others = any(part.others for part in self.parts)
        self.causal = all(part.causal for part in self.parts)
        self.kinds = {k: v for part in self.parts for k, v in part.kinds.items()}
        self.places = {k: v for part in self.parts for k, v in part.places.items()}

    def check(self, video: VideoAnnotation) -> None:
        """Raise a UserError if a quick check shows that a video lacks something."""
        for part in self.parts:
            part.check(seen_by(part, video))

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        return [x for part in self.parts for x in part.source(seen_by(part, results))]

    def coordinates(self, results: VideoAnnotation) -> np.ndarray:
        """Return an array of shape (T, C)."""
        # Each part chooses the persons, objects and places that it reads.
        return _beside(part.coordinates(seen_by(part, results)) for part in self.parts)

    def describe(self, frames: Frames, state: State) -> np.ndarray:
        """Return float32 features of the next frames of a stream, (n, C)."""
        parts = enumerate(self.parts)
        return _beside(part.describe(frames, state.of(str(i))) for i, part in parts)

    def check_stream(self, places: Sequence[Place]) -> None:
        """Raise a UserError if a stream with these places lacks something."""
        dims = {part.dims for part in self.parts}
        if len(dims) > 1:
            raise UserError(
                'Concatenate: some parts have dims=2 and some dims=3, but a stream '
                'reads joints and objects with the same number of coordinates; train '
                'with the same dims.'
            )
        for part in self.parts:
            part.check_stream(places)

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        parts = [part.settings() for part in self.parts]
        return {'type': type(self).__name__, 'parts': parts}


def _built(part: PartConfig, skeleton: SkeletonLike) -> Coordinates:
    """Return a part, which gets the skeleton of all."""
    # MMEngine writes `_scope_` into dicts of inherited configs.
    options: dict[str, Any] = {k: v for k, v in part.items() if k != '_scope_'}
    kind = options.pop('type', None)
    cls = RENDERERS.get(kind) if kind in RENDERERS.names() else None
    if cls is None or not issubclass(cls, Coordinates) or cls is Concatenate:
        raise UserError(
            f'Concatenate: a part has the type {shown(kind)}, expected the name of a '
            'renderer of coordinates, such as SkeletonCoordinates.'
        )
    if 'skeleton' in options:
        # An exported model's could be a path of a program.
        raise UserError(
            f'Concatenate: {kind} has a skeleton of its own; leave it out, since all '
            'parts read the same joints.'
        )
    if 'skeleton' in inspect.signature(cls).parameters:
        options['skeleton'] = skeleton
    return cast(Callable[..., Coordinates], cls)(**options)


def _beside(features: Iterable[np.ndarray]) -> np.ndarray:
    """Return features (n, ...) side by side, (n, C)."""
    return np.concatenate([flat(x) for x in features], axis=1)
