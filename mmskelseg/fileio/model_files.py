"""Exported models: ONNX files that say all that is needed to run them."""

import json
import math
import os
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mmskelseg.structures import is_data_layout
from mmskelseg.utils.dependencies import import_optional
from mmskelseg.utils.errors import MissingFileError, UnavailableError, UserError

#: Under which key of a file's metadata ours stand, as JSON; and with a dot and the name
#: of a branch after it, the ONNX file of what encodes its images, in base 64.
KEY = 'mmskelseg'
#: Raised when files come to mean something else.
FORMAT = 1
KINDS = ('segmentor', 'streaming', 'encoder')
_PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}
_MOST_CLASSES = 100_000


@dataclass(frozen=True)
class ModelFile:
    """An exported model that is ready to run.

    Args:
        path: Its file.
        metadata: What it says of itself; docs/export.md lists it.
        session: Of ONNX Runtime.
        encoders: By the name of a branch, a session of what encodes its images.
    """

    path: Path
    metadata: Mapping[str, Any]
    session: Any
    encoders: Mapping[str, Any]

    @classmethod
    def open(
        cls, path: str | os.PathLike, device: str | None = None, threads: int = 0
    ) -> 'ModelFile':
        """Read a file, and check what it says of itself.

        Args:
            path: The file.
            device: ``cpu`` or ``cuda``; by default a GPU, if this ONNX Runtime has one.
            threads: How many compute; 0 for one a core.

        Raises:
            MissingFileError: If there is no such file.
            UserError: If it is no model of ours, or newer than this program.
            UnavailableError: If ONNX Runtime or the device is not there.
        """
        path = Path(path)
        if not path.is_file():
            raise MissingFileError(f'{path}: there is no such model file.')
        session = open_session(path.read_bytes(), str(path), device, threads)
        try:
            entries = session.get_modelmeta().custom_metadata_map
        except UnicodeDecodeError:
            raise UserError(
                f'{path}: what it says of itself is no text; copy it or export the '
                'model again.'
            ) from None
        text = entries.get(KEY)
        if text is None:
            raise UserError(
                f'{path}: an ONNX file, but not one of `mmskelseg export`, since it '
                'does not say what its classes are; export the model again.'
            )
        metadata = _checked(text, path)
        encoders = {}
        for name, branch in metadata['branches'].items():
            if branch.get('images') and metadata['kind'] == 'segmentor':
                try:
                    content = b64decode(entries.get(f'{KEY}.{name}', ''), validate=True)
                except ValueError:
                    content = b''
                place = f'{path}, what encodes the images of {name}'
                encoders[name] = open_session(content, place, device, threads)
        return cls(path, metadata, session, encoders)

    @property
    def inputs(self) -> dict[str, list[Any]]:
        """The shape of each input; a name stands for a free number."""
        return {item.name: item.shape for item in self.session.get_inputs()}

    @property
    def outputs(self) -> list[str]:
        """Names of all outputs."""
        return [item.name for item in self.session.get_outputs()]

    def encoder(self, name: str) -> 'ModelFile':
        """Return what encodes the images of a branch."""
        return replace(self, session=self.encoders[name])

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, np.ndarray]
    ) -> list[np.ndarray]:
        """Return outputs for inputs.

        Raises:
            UserError: If the graph does not compute them.
        """
        options = _runtime(str(self.path)).RunOptions()
        options.log_severity_level = 4
        try:
            return self.session.run(list(outputs), dict(inputs), options)
        except Exception as error:  # ONNX Runtime's own are plain ones.
            raise UserError(
                f'{self.path}: the graph in it fails ({_first_line(error)}); export '
                'the model again.'
            ) from None

    def fault(self, problem: str) -> UserError:
        """Return an error about the file."""
        return UserError(f'{self.path}: {problem}; export the model again.')


def open_session(
    content: bytes, name: str, device: str | None = None, threads: int = 0
) -> Any:
    """Return a session of ONNX Runtime for the content of a file called ``name``."""
    runtime = _runtime(name)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors are raised besides.
    options.log_severity_level = 4
    offered = runtime.get_available_providers()
    if device is None:
        device = 'cuda' if _PROVIDERS['cuda'] in offered else 'cpu'
    kind = device.partition(':')[0]
    if kind not in _PROVIDERS or _PROVIDERS[kind] not in offered:
        known = [key for key, value in _PROVIDERS.items() if value in offered]
        raise UnavailableError(
            f'This ONNX Runtime cannot use the device {device!r}; choose '
            f'{" or ".join(known)}'
            + (', or install onnxruntime-gpu.' if kind == 'cuda' else '.')
        )
    try:
        return runtime.InferenceSession(content, options, [_PROVIDERS[kind]])
    except Exception as error:  # ONNX Runtime's own are plain ones.
        raise UserError(
            f'{name}: cannot be read as an ONNX file ({_first_line(error)}); it may be '
            'cut short or another kind of file, so copy it or export the model again.'
        ) from None


def _runtime(name: str) -> ModuleType:
    return import_optional('onnxruntime', name, 'mmskelseg[export]')


def _first_line(error: Exception) -> str:
    return str(error).strip().partition('\n')[0].rstrip('. ')[:160]


def _checked(text: str, path: Path) -> dict[str, Any]:
    """Return the metadata in a file, of which none is what it must not be."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get('format'), int):
        raise UserError(
            f'{path}: what it says of itself cannot be read; export the model again.'
        )
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
    return {**dict.fromkeys(_FIELDS), **content}


def _are_classes(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= _MOST_CLASSES
        and all(isinstance(name, str) for name in value)
    )


def _is_rate(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (is_number and math.isfinite(value) and 0 < value < 1000)


def _are_branches(value: Any) -> bool:
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


def _are_steps(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(step, dict) and isinstance(step.get('type'), str) for step in value
    )


def _is_count(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value < 10**9)


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    'kind': (lambda value: value in KINDS, f'one of {", ".join(KINDS)}'),
    'classes': (_are_classes, 'a list of names'),
    'skeleton': (is_data_layout, 'the name of a layout or a dict of one'),
    'fps': (_is_rate, 'frames per second, or null'),
    'branches': (_are_branches, 'render and dtype of each'),
    'postprocess': (_are_steps, 'a list of steps'),
    'lookahead': (_is_count, 'a number of frames, or null'),
    'context': (_is_count, 'a number of frames, or null'),
}
