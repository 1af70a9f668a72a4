"""Export of trained models as ONNX files that contain everything needed to run them."""

import json
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config, ConfigDict

from mmskelseg.export.onnx_contents import (
    ExportedModel,
    SegmentorExport,
    StreamingExport,
)
from mmskelseg.export.onnx_files import converted
from mmskelseg.export.opening import trained_model
from mmskelseg_io.files.atomic import atomic_write, check_can_write
from mmskelseg_io.files.inputs import check_fps
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.choices import INPUTS, PRECISIONS
from mmskelseg_io.version import __version__
from mmskelseg_runtime.segmenting.model_files import KEY
from mmskelseg_runtime.segmenting.onnx_sessions import Session

if TYPE_CHECKING:
    from onnx import ModelProto

# The largest allowed difference between a float32 graph and PyTorch: absolute for
# probabilities, and relative to the largest value for features.
TOLERANCE = 1e-5
# So many times as much, if a graph makes features of joints: PyTorch is given those
# that were made with more digits.
_OF_JOINTS = 10


@dataclass(frozen=True)
class ExportReport:
    """A report on an exported file.

    Args:
        path: The file.
        kind: ``segmentor`` or ``streaming``.
        precision: Precision of the weights.
        errors: The largest difference from PyTorch, by the number of frames.
        size: Size of the file in bytes.
    """

    path: Path
    kind: str
    precision: str
    errors: Mapping[int, float]
    size: int

    @property
    def error(self) -> float:
        """The largest difference at any length."""
        return max(self.errors.values())


def export_onnx(
    model: str | os.PathLike | Config | ConfigDict | None,
    weights: str | os.PathLike | Sequence[str | os.PathLike] | None,
    path: str | os.PathLike,
    *,
    streaming: bool = False,
    precision: str = 'float32',
    fps: float | None = None,
    inputs: str | None = None,
) -> ExportReport:
    """Write a trained model as an ONNX file, after comparing it with PyTorch.

    If a network computes features from images, the file has it as a separate graph.

    Args:
        model: As for :class:`mmskelseg.apis.SkelSegInferencer`.
        weights: Path of a checkpoint, or of several as an ensemble. None: ``model`` is
            the name of a model that comes with the package.
        path: The file, which must end in ``.onnx``.
        streaming: Write the graph for one push of frames to a stream, for a causal
            model; its buffers are inputs and outputs.
        precision: ``float32``, or ``float16``, with half the size.
        fps: Frame rate of the training data, if the checkpoint does not state it.
        inputs: What the graph for whole videos reads: ``keypoints``, of which it makes
            features itself, or ``features``. By default keypoints, if the model has
            one branch, which reads ``SkeletonCoordinates`` or ``PairCoordinates``.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        UserError: If the model has parts that cannot be exported, naming the option, or
            if the results of a float32 graph differ from PyTorch's; nothing is written.
    """
    path = Path(path)
    _check_request(path, precision, inputs, streaming=streaming)
    onnx = import_optional('onnx', 'Export')
    with trained_model(model, weights, live=streaming) as trained:
        meta = trained.metainfo
        if fps is not None:
            meta['fps'] = check_fps(fps, str(path))
        network = trained.model.eval()
        if streaming:
            exported: ExportedModel = StreamingExport(trained.cfg, network, meta)
        else:
            exported = SegmentorExport(trained.cfg, network, meta, inputs)
        graphs = exported.graphs()
    names = [Path(file).name for file in trained.checkpoints]
    described = {**exported.metadata(), 'precision': precision, 'checkpoints': names}
    protos = {
        name: converted(onnx.load_from_string(graph), precision)
        for name, graph in graphs.items()
    }
    parts = {name: _checked(proto) for name, proto in protos.items()}
    sessions = {name: Session(part, str(path), 'cpu') for name, part in parts.items()}
    content = _with_entries(protos[None], described, parts)
    errors = {n: exported.difference(sessions, n) for n in exported.lengths}
    if precision == 'float32':
        _check_errors(path, errors, getattr(exported, 'joints', None))
    with atomic_write(path) as file:
        file.write(content)
    return ExportReport(path, exported.kind, precision, errors, len(content))


def _checked(proto: 'ModelProto') -> bytes:
    """Return a graph as a file, after ONNX has checked it."""
    onnx = import_optional('onnx', 'Export')
    proto.producer_name, proto.producer_version = 'mmskelseg', __version__
    onnx.checker.check_model(proto, full_check=True)
    return proto.SerializeToString()


def _with_entries(
    main: 'ModelProto',
    described: Mapping[str, object],
    parts: Mapping[str | None, bytes],
) -> bytes:
    """Return the main graph as a file, with its description and the other graphs."""
    entries = {KEY: json.dumps(described, ensure_ascii=False)}
    entries |= {
        f'{KEY}.{name}': b64encode(part).decode()
        for name, part in parts.items()
        if name is not None
    }
    import_optional('onnx', 'Export').helper.set_model_props(main, entries)
    return main.SerializeToString()


def _check_errors(path: Path, errors: Mapping[int, float], joints: object) -> None:
    allowed = TOLERANCE * (_OF_JOINTS if joints else 1)
    # Written this way, NaN is refused as well.
    if not all(error <= allowed for error in errors.values()):
        raise UserError(
            f'{path}: not written, since the graph differs from PyTorch by '
            f'{", ".join(f"{e:.1e}" for e in errors.values())}, where {allowed:g} is '
            f'allowed, at lengths of {", ".join(str(n) for n in errors)} frames; '
            'please report the config.'
        )


def _check_request(
    path: Path, precision: str, inputs: str | None, *, streaming: bool
) -> None:
    if path.suffix.lower() != '.onnx':
        raise UserError(f'{path}: the name of an exported model must end in .onnx.')
    for name, value, known in (
        ('precision', precision, PRECISIONS),
        ('inputs', inputs or INPUTS[0], INPUTS),
    ):
        if value not in known:
            raise UserError(f'{name}={value!r} is not one of {", ".join(known)}.')
    if streaming and inputs == 'keypoints':
        raise UserError(
            "inputs='keypoints' is for whole videos; leave it out, since the graph of "
            'a stream reads features.'
        )
    check_can_write(path)
