"""Exported models: ONNX files with metadata that says everything needed to run them."""

import json
import os
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypedDict, cast

import numpy as np

from mmskelseg.runtime.messages.dependencies import import_optional
from mmskelseg.runtime.messages.errors import (
    MissingFileError,
    UnavailableError,
    UserError,
)
from mmskelseg.runtime.structures import Skeleton, is_data_layout
from mmskelseg.runtime.structures.skeleton import Layout

#: The key of our metadata in a file, which are JSON. Followed by a dot and the name of
#: a branch, it is the key of the ONNX file of that branch's image encoder, in base64.
KEY = 'mmskelseg'
#: Version of the format; it increases when the meaning of files changes.
FORMAT = 1
KINDS = ('segmentor', 'streaming', 'encoder')
_PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}
_MOST_CLASSES = 100_000


class BranchMetadata(TypedDict, total=False):
    """How the features of a branch are made.

    ``images`` if a network encodes images; ``stem`` if it was trained with the
    segmentor, so that ``dtype`` is that of the images.
    """

    render: dict[str, object]
    dtype: str
    images: bool
    stem: bool


class ModelMetadata(TypedDict, total=False):
    """The metadata of an exported model, which docs/export.md describes."""

    format: int
    kind: str
    version: str
    torch: str
    opset: int
    classes: list[str]
    skeleton: Layout
    fps: float | None
    data: dict[str, object]
    branches: dict[str, BranchMetadata]
    postprocess: list[dict[str, object]]
    lookahead: int | None
    context: int | None


class Node(Protocol):
    """An input or output of a graph; a name in its shape stands for any number."""

    name: str
    # In these files, all but the first number are known.
    shape: list[Any]


class ModelMeta(Protocol):
    """What a file holds besides its graph."""

    custom_metadata_map: dict[str, str]


class Session(Protocol):
    """The part of ONNX Runtime's ``InferenceSession`` that is used here."""

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, np.ndarray],
        run_options: object = None,
    ) -> list[np.ndarray]:
        """Return the outputs."""

    def get_inputs(self) -> list[Node]:
        """Return the inputs of the graph."""

    def get_outputs(self) -> list[Node]:
        """Return the outputs of the graph."""

    def get_modelmeta(self) -> ModelMeta:
        """Return the metadata of the file."""


@dataclass(frozen=True)
class ModelFile:
    """An exported model that is ready to run.

    Args:
        path: The file of the model.
        metadata: The metadata in it.
        session: The session of ONNX Runtime that runs the graph.
        encoders: The session of each branch's image encoder, by the branch's name.
    """

    path: Path
    metadata: ModelMetadata
    session: Session
    encoders: Mapping[str, Session]

    @classmethod
    def open(
        cls, path: str | os.PathLike, device: str | None = None, threads: int = 0
    ) -> 'ModelFile':
        """Read a file and check its metadata.

        Args:
            path: The file.
            device: ``cpu`` or ``cuda``; by default a GPU, if this ONNX Runtime has one.
            threads: Number of threads; 0 for one per core.

        Raises:
            MissingFileError: If there is no such file.
            UserError: If ``mmskelseg export`` did not write it, or if it is newer than
                this program.
            UnavailableError: If ONNX Runtime or the device is not available.
        """
        path = Path(path)
        if not path.is_file():
            raise MissingFileError(f'{path}: there is no such model file.')
        session = open_session(path.read_bytes(), str(path), device, threads)
        try:
            entries = session.get_modelmeta().custom_metadata_map
        except UnicodeDecodeError:
            raise UserError(
                f'{path}: its metadata are not text; copy it or export the model again.'
            ) from None
        text = entries.get(KEY)
        if text is None:
            raise UserError(
                f'{path}: an ONNX file, but `mmskelseg export` did not write it, since '
                'it does not name its classes; export the model again.'
            )
        metadata = _checked(text, path)
        encoders = {}
        for name, branch in metadata['branches'].items():
            if branch.get('images') and metadata['kind'] == 'segmentor':
                try:
                    content = b64decode(entries.get(f'{KEY}.{name}', ''), validate=True)
                except ValueError:
                    content = b''
                place = f'{path}, the image encoder of {name}'
                encoders[name] = open_session(content, place, device, threads)
        return cls(path, metadata, session, encoders)

    @property
    def inputs(self) -> dict[str, list[Any]]:
        """The shape of each input; a name in it stands for any number."""
        return {item.name: item.shape for item in self.session.get_inputs()}

    @property
    def outputs(self) -> list[str]:
        """The names of all outputs."""
        return [item.name for item in self.session.get_outputs()]

    def encoder(self, name: str) -> 'ModelFile':
        """Return the image encoder of a branch."""
        return replace(self, session=self.encoders[name])

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, np.ndarray]
    ) -> list[np.ndarray]:
        """Return the outputs of these names.

        Raises:
            UserError: If the graph fails.
        """
        options = _runtime(str(self.path)).RunOptions()
        options.log_severity_level = 4
        try:
            return self.session.run(list(outputs), dict(inputs), options)
        except Exception as error:  # ONNX Runtime raises no more specific type.
            raise UserError(
                f'{self.path}: the graph in it fails ({_first_line(error)}); export '
                'the model again.'
            ) from None

    def fault(self, problem: str) -> UserError:
        """Return an error that names the file and the problem."""
        return UserError(f'{self.path}: {problem}; export the model again.')


def open_session(
    content: bytes, name: str, device: str | None = None, threads: int = 0
) -> Session:
    """Return a session of ONNX Runtime for the content of a file called ``name``."""
    runtime = _runtime(name)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors are raised anyway.
    options.log_severity_level = 4
    offered = runtime.get_available_providers()
    if device is None:
        device = 'cuda' if _PROVIDERS['cuda'] in offered else 'cpu'
    kind, _, number = device.partition(':')
    if kind not in _PROVIDERS or _PROVIDERS[kind] not in offered:
        known = [key for key, value in _PROVIDERS.items() if value in offered]
        raise UnavailableError(
            f'This ONNX Runtime cannot use the device {device!r}; choose '
            f'{" or ".join(known)}'
            + (', or install onnxruntime-gpu.' if kind == 'cuda' else '.')
        )
    try:
        settings = {'device_id': number} if kind == 'cuda' and number else {}
        return runtime.InferenceSession(
            content, options, [(_PROVIDERS[kind], settings)]
        )
    except Exception as error:  # ONNX Runtime raises no more specific type.
        raise UserError(
            f'{name}: cannot be read as an ONNX file ({_first_line(error)}); it may be '
            'cut short or be another kind of file; copy it or export the model again.'
        ) from None


def _runtime(name: str) -> ModuleType:
    return import_optional('onnxruntime', name)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition('\n')[0].rstrip('. ')[:160]


def _checked(text: str, path: Path) -> ModelMetadata:
    """Return the metadata in a file, after checking every field."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get('format'), int):
        raise UserError(f'{path}: its metadata cannot be read; export the model again.')
    if content['format'] > FORMAT:
        raise UserError(
            f'{path}: written by mmskelseg {content.get("version")}, in the format '
            f'{content["format"]}, but this program reads up to {FORMAT}; update it '
            '(pip install -U), or export the model with an older one.'
        )
    for key, (is_valid, expected) in _FIELDS.items():
        if not is_valid(content.get(key)):
            raise UserError(
                f'{path}: its {key} is {str(content.get(key))[:60]!r}, expected '
                f'{expected}; export the model again.'
            )
    return cast(ModelMetadata, {**dict.fromkeys(_FIELDS), **content})


def _are_classes(value: object) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= _MOST_CLASSES
        and all(isinstance(name, str) for name in value)
    )


def _is_skeleton(value: object) -> bool:
    if not is_data_layout(value):
        return False
    try:
        Skeleton.get(cast(Layout, value))
    except (TypeError, ValueError):
        return False
    return True


def _is_rate(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value is None
    return 0 < value < 1000


def _are_branches(value: object) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(
            isinstance(branch, dict)
            and isinstance(branch.get('render'), dict)
            and branch.get('dtype') in ('float32', 'float16')
            for branch in value.values()
        )
    )


def _are_steps(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(step, dict) and isinstance(step.get('type'), str) for step in value
    )


def _is_count(value: object) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return value is None
    return 0 <= value < 10**9


_FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    'kind': (lambda value: value in KINDS, f'one of {", ".join(KINDS)}'),
    'classes': (_are_classes, 'a list of names'),
    'skeleton': (_is_skeleton, 'the name of a layout or a dict of one'),
    'fps': (_is_rate, 'frames per second, or null'),
    'branches': (_are_branches, 'render and dtype of each'),
    'postprocess': (_are_steps, 'a list of steps'),
    'lookahead': (_is_count, 'a number of frames, or null'),
    'context': (_is_count, 'a number of frames, or null'),
}
