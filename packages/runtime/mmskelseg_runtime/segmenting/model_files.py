"""Exported models: ONNX files with metadata that says everything needed to run them."""

import json
import os
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypedDict

import numpy as np

from mmskelseg_io.files.metainfo_checks import check_metainfo
from mmskelseg_io.files.typed import typed
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.messages.options import Where
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.segmenting.hub import named_file
from mmskelseg_runtime.segmenting.model_zoo import exported_file
from mmskelseg_runtime.segmenting.onnx_sessions import Session

#: The key of our JSON metadata in a file. With a dot and the name of a branch appended,
#: it is the key of the ONNX file of that branch's image encoder, in base64.
KEY = 'mmskelseg'
#: Version of the format; it increases when the meaning of files changes.
FORMAT = 1
Kind: TypeAlias = Literal['segmentor', 'streaming']
_MOST_STEPS = 10
# The largest lookahead or context: over ten hours.
_MOST_FRAMES = 1_000_000
# How far probabilities may lie outside of 0 to 1: the rounding error of 16 bits.
_ROUNDING = 1e-2


def _are_steps(value: Sequence[Mapping[str, object]]) -> bool:
    named = all(isinstance(step.get('type'), str) for step in value)
    counts = Counter(str(step.get('tier')) for step in value)
    return named and max(counts.values(), default=0) <= _MOST_STEPS


class _Features(TypedDict):
    render: dict[str, object]
    dtype: Literal['float32', 'float16']


class BranchMetadata(_Features, total=False):
    """How the features of a branch are made.

    ``images`` if a network encodes images; ``stem`` if it was trained with the
    segmentor, so that ``dtype`` is that of the images.
    """

    images: bool
    stem: bool


_Frames = Annotated[
    int,
    Where(f'a number of frames up to {_MOST_FRAMES}', lambda n: 0 <= n <= _MOST_FRAMES),
]


class _Stated(TypedDict):
    format: int
    kind: Kind
    classes: list[str]
    skeleton: Layout
    fps: float | None
    branches: Annotated[dict[str, BranchMetadata], Where('at least one', bool)]
    postprocess: Annotated[
        list[dict[str, object]],
        Where(f'a list of up to {_MOST_STEPS} steps', _are_steps),
    ]
    lookahead: _Frames | None
    context: _Frames | None


class ModelMetadata(_Stated, total=False):
    """The metadata of an exported model, which docs/export.md describes."""

    version: str
    torch: str
    opset: int
    joints: list[str]
    tiers: dict[str, list[str]]
    background: str | dict[str, str | None]
    colors: dict[str, str]
    kpt_thr: float
    data: dict[str, object]
    precision: str
    checkpoints: list[str]


#: What it states of the data that it was trained on, as annotation files do.
OF_DATA = ('classes', 'skeleton', 'fps', 'kpt_thr', 'tiers', 'background', 'colors')


@dataclass(frozen=True)
class ModelFile:
    """An exported model that is ready to run.

    ``name`` is that of the file, or of a model of a hub, as messages have it.
    ``encoders`` has the graph of each branch's image encoder, by the branch's name.
    """

    path: Path
    name: str
    metadata: ModelMetadata
    session: Session
    encoders: Mapping[str, Session]

    @classmethod
    def open(
        cls,
        model: str | os.PathLike,
        device: str | None = None,
        threads: int = 0,
        *,
        live: bool = False,
    ) -> 'ModelFile':
        """Read a file and check its metadata; for the device, see ``Session``.

        The model may be named, or a folder with a file for streams if ``live``.

        Raises:
            MissingFileError: If there is no such file.
            UserError: If ``mmskelseg export`` did not write it, or if it is newer than
                this program.
            UnavailableError: If ONNX Runtime or the device is not available.
        """
        path = Path(exported_file(model, live=live))
        name = named_file(model, path)
        if not path.is_file():
            raise MissingFileError(f'{path}: there is no such model file.')
        session = Session(path.read_bytes(), name, device, threads)
        entries = session.entries()
        text = entries.get(KEY)
        if text is None:
            raise UserError(
                f'{name}: an ONNX file, but `mmskelseg export` did not write it, since '
                'it does not name its classes; export the model again.'
            )
        metadata = _checked(text, name)
        encoders = {}
        for key, branch in metadata['branches'].items():
            if branch.get('images') and metadata['kind'] == 'segmentor':
                try:
                    content = b64decode(entries.get(f'{KEY}.{key}', ''), validate=True)
                except ValueError:
                    content = b''
                place = f'{name}, the image encoder of {key}'
                encoders[key] = Session(content, place, device, threads)
        return cls(path, name, metadata, session, encoders)

    def check_output(
        self, name: str, found: np.ndarray, shape: tuple[int | None, ...]
    ) -> None:
        """Raise a UserError unless an output has a shape and sensible values.

        None in the shape is any number. Only ``probabilities`` and ``boundary`` are
        from 0 to 1.
        """
        fits = found.ndim == len(shape) and all(
            size in (None, there)
            for size, there in zip(shape, found.shape, strict=True)
        )
        if not fits:
            expected = ', '.join('any' if n is None else str(n) for n in shape)
            raise self.fault(
                f'its graph outputs {name} of shape {found.shape}, but ({expected}) is '
                'expected'
            )
        low, high = found.min(initial=0), found.max(initial=0)
        if not np.isfinite([low, high]).all():
            raise self.fault(f'its graph outputs {name} from {low} to {high}')
        is_probability = name in ('probabilities', 'boundary')
        if is_probability and not -_ROUNDING <= low <= high <= 1 + _ROUNDING:
            raise self.fault(
                f'its graph outputs {name} from {low:.4g} to {high:.4g}, but must give '
                'probabilities, from 0 to 1'
            )

    def fault(self, problem: str) -> UserError:
        """Return an error that names the file and the problem."""
        return UserError(f'{self.name}: {problem}; export the model again.')


def _checked(text: str, name: str) -> ModelMetadata:
    """Return the metadata in a file, after checking every field."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get('format'), int):
        raise UserError(f'{name}: its metadata cannot be read; export the model again.')
    if content['format'] > FORMAT:
        raise UserError(
            f'{name}: written by mmskelseg {content.get("version")}, in the format '
            f'{content["format"]}, but this program reads up to {FORMAT}; update it '
            '(pip install -U), or export the model with an older version.'
        )
    check_metainfo({k: v for k, v in content.items() if k in OF_DATA}, name)
    return typed(content, ModelMetadata, name, 'export the model again')
