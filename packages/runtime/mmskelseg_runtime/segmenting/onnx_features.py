"""Feature recipes that are built from the metadata of an exported model."""

from collections.abc import Callable
from typing import cast

import numpy as np

from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.structures import is_data_layout
from mmskelseg_runtime.features import RenderJointHeatmaps
from mmskelseg_runtime.features.recipe import FeatureRecipe, Renderer
from mmskelseg_runtime.parts import RENDERERS
from mmskelseg_runtime.segmenting.model_files import ModelFile

# The most values of an image; larger ones need more memory than any recipe of ours.
_MOST_VALUES = 1 << 21
# Number of images that a network processes together.
_BATCH = 32


def recipe_of(file: ModelFile, name: str) -> FeatureRecipe:
    """Return the recipe of a branch's features.

    Raises:
        UserError: If the file names an unknown renderer, or an unknown option of it.
    """
    branch = file.metadata['branches'][name]
    encoder, dtype = None, branch['dtype']
    if branch.get('images'):
        # The features of a stem are its images.
        is_stem = branch.get('stem', False)
        encoder = OnnxEncoder(file, name, dtype if is_stem else 'float32')
        dtype = 'float32' if is_stem else dtype
    return FeatureRecipe(name, renderer_of(file, name), encoder, dtype=dtype)


def renderer_of(file: ModelFile, name: str) -> Renderer:
    """Return the renderer of a branch, which must be a known one.

    Raises:
        UserError: If the file names an unknown renderer, or one that cannot be built.
    """
    options = dict(file.metadata['branches'][name]['render'])
    kind = options.pop('type', None)
    # Not those of other registries, which could do anything.
    if kind not in RENDERERS.names():
        raise file.fault(
            f'makes the features of {name} with {str(kind)[:60]!r}, which is not one '
            f'of {", ".join(RENDERERS.names())}'
        )
    layout = options.get('skeleton')
    if layout is not None and not is_data_layout(layout):
        # A path is not accepted, since the file could be a program.
        raise file.fault(
            f'makes the features of {name} with the skeleton {shown(layout)}, which is '
            'neither the name of a layout nor a dict of one'
        )
    try:
        render = cast(Callable[..., Renderer], RENDERERS.get(kind))(**options)
    except (UserError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise file.fault(
            f'{kind} of {name} cannot be built as the file says '
            f'({str(error).rstrip(".")[:200]})'
        ) from None
    height, width = getattr(render, 'size', None) or (1, 1)
    channels = len(render.pairs) if isinstance(render, RenderJointHeatmaps) else 3
    if height * width * channels > _MOST_VALUES:
        raise file.fault(
            f'{kind} of {name} makes images of {width}x{height} pixels and {channels} '
            f'channels, but at most {_MOST_VALUES} values are allowed'
        )
    return render


class OnnxEncoder:
    """The network in an exported model that computes features from images.

    Images are rounded to the precision ``dtype``.

    Raises:
        UserError: If the file is faulty.
    """

    def __init__(self, file: ModelFile, name: str, dtype: str = 'float32') -> None:
        self._dtype = np.dtype(dtype)
        self._file, self._session = file, file.encoders[name]
        self._input, self._output = f'images_{name}', f'encoded_{name}'
        shapes = self._session.inputs
        if [*shapes] != [self._input] or self._session.outputs != [self._output]:
            raise file.fault(f'the image encoder of {name} has other inputs or outputs')
        if len(shapes[self._input]) != 4:
            raise file.fault(f'the image encoder of {name} does not read images')
        self._channels = shapes[self._input][1]

    def load(self, device: str | None = None) -> None:
        """Do nothing, since the network is loaded with the file, onto its device."""

    def settings(self) -> dict[str, object]:
        """Return everything that determines the features, as plain values."""
        return {'file': str(self._file.path)}

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return features (n, C), float32, for images (n, channels, H, W)."""
        # The network may read only one of three equal channels.
        images = images[:, : self._channels].astype(self._dtype, copy=False)
        features = []
        for begin in range(0, len(images), _BATCH):
            batch = np.ascontiguousarray(images[begin : begin + _BATCH], np.float32)
            (found,) = self._session.run([self._output], {self._input: batch})
            self._file.check_output(self._output, found, (len(batch), None))
            features.append(found)
        return np.concatenate(features)
