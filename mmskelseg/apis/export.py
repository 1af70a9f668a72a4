"""Export of trained models as ONNX files that contain everything needed to run them."""

import json
import logging
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmskelseg.apis.stream import causal_coordinates
from mmskelseg.apis.trained_model import check_pipeline, load_model, own_config
from mmskelseg.features.recipe import FeatureRecipe, with_skeleton
from mmskelseg.features.renderers import ReadVideoFrames
from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.fileio.configs import find_config
from mmskelseg.fileio.model_files import (
    FORMAT,
    KEY,
    BranchMetadata,
    ModelMetadata,
    Session,
    open_session,
)
from mmskelseg.fileio.model_zoo import zoo_model
from mmskelseg.models.onnx_graphs import (
    OPSET,
    SegmentorGraph,
    StemGraph,
    StreamingGraph,
    context_of,
    has_image_stem,
    segmentors,
    to_onnx,
)
from mmskelseg.models.postprocessors import Postprocessor
from mmskelseg.models.segmentors import ActionSegmentor
from mmskelseg.models.streaming import streaming_model
from mmskelseg.structures import Skeleton
from mmskelseg.structures.annotations import Metainfo
from mmskelseg.structures.layouts import LAYOUTS
from mmskelseg.structures.skeleton import Layout
from mmskelseg.utils.choices import PRECISIONS
from mmskelseg.utils.dependencies import import_optional
from mmskelseg.utils.errors import UserError
from mmskelseg.version import __version__

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# The renderers that the runtime supports.
RENDERERS = (
    'SkeletonCoordinates',
    'RenderSkeletonHeatmap',
    'RenderJointHeatmaps',
    'ReadVideoFrames',
)
# The largest allowed difference between a float32 graph and PyTorch: absolute for
# probabilities, and relative to the largest value for features.
TOLERANCE = 1e-5
# Lengths in frames of the videos on which both are compared; fewer for images.
_LENGTHS, _IMAGE_LENGTHS = (1, 2, 100, 1000), (1, 2, 20)
# The session of each branch's image encoder, by branch; None for the main graph.
Sessions: TypeAlias = Mapping[str | None, Session]
# Length in frames of the example from which a graph is made.
_EXAMPLE = 50


@dataclass(frozen=True)
class ExportReport:
    """A report on an exported file.

    Args:
        path: The file.
        kind: ``segmentor``, ``streaming`` or ``encoder``.
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
    encoder: bool = False,
    precision: str = 'float32',
    fps: float | None = None,
) -> ExportReport:
    """Write a trained model as an ONNX file, after comparing it with PyTorch.

    The graph of a segmentor reads the features of a whole video. If a network computes
    these from images, the file contains it as a separate graph.

    Args:
        model: As for :class:`mmskelseg.apis.SkelSegInferencer`.
        weights: Path of a checkpoint, or of several as an ensemble. None: ``model`` is
            the name of a model that comes with the package.
        path: The file, which must end in ``.onnx``.
        streaming: Write the graph for one push of frames to a stream, for a causal
            model; its buffers are inputs and outputs.
        encoder: Write only the networks that compute features from images.
        precision: ``float32``; ``float16``, with half the size; or ``int8``, which
            multiplies matrices in integers (dynamic quantisation).
        fps: Frame rate of the training data, if the checkpoint does not state it.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        UserError: If the model has parts that cannot be exported, naming the option, or
            if the results of a float32 graph differ from PyTorch's; nothing is written.
    """
    path = Path(path)
    _check_request(path, streaming, encoder, precision)
    onnx = import_optional('onnx', 'Export', 'mmskelseg[export]')
    if weights is None:
        model, weights = None, zoo_model(model).checkpoint(live=streaming)
    files = [weights] if isinstance(weights, str | os.PathLike) else weights
    cfg: Config | ConfigDict = ConfigDict() if model is None else model
    if isinstance(model, str | os.PathLike):
        cfg = Config.fromfile(find_config(model))
    trust = nullcontext() if model is not None else own_config(str(files[0]))
    with DefaultScope.overwrite_default_scope('mmskelseg'), trust:
        trained, meta = load_model(cfg, [str(file) for file in files])
        if fps is not None:
            meta['fps'] = fps
        kind: type[_Export] = _Segmentor
        if streaming or encoder:
            kind = _Streaming if streaming else _Encoders
        exported = kind(cfg, trained.cpu().eval(), meta)
        contents: dict[str | None, bytes] = {None: exported.onnx()}
        contents.update(exported.encoders_onnx())
    protos = {
        name: _converted(onnx.load_from_string(content), precision)
        for name, content in contents.items()
    }
    described = {
        **exported.metadata(),
        'precision': precision,
        'checkpoints': [Path(file).name for file in files],
    }
    entries = {KEY: json.dumps(described, ensure_ascii=False)}
    sessions = {}
    for name, part in protos.items():
        part.producer_name, part.producer_version = 'mmskelseg', __version__
        onnx.checker.check_model(part, full_check=True)
        content = part.SerializeToString()
        sessions[name] = open_session(content, str(path), 'cpu')
        if name is not None:
            entries[f'{KEY}.{name}'] = b64encode(content).decode()
    onnx.helper.set_model_props(protos[None], entries)
    content = protos[None].SerializeToString()
    errors = {n: exported.difference(sessions, n) for n in exported.lengths}
    if precision == 'float32' and max(errors.values()) > TOLERANCE:
        raise UserError(
            f'{path}: not written, since the graph differs from PyTorch by '
            f'{max(errors.values()):.1e}, more than {TOLERANCE:g}, at lengths of '
            f'{", ".join(str(n) for n in errors)} frames; please report the config.'
        )
    with atomic_write(path) as file:
        file.write(content)
    return ExportReport(path, exported.kind, precision, errors, len(content))


def _check_request(path: Path, streaming: bool, encoder: bool, precision: str) -> None:
    if path.suffix.lower() != '.onnx':
        raise UserError(f'{path}: the name of an exported model must end in .onnx.')
    if precision not in PRECISIONS:
        raise UserError(
            f'precision={precision!r} is not one of {", ".join(PRECISIONS)}.'
        )
    if streaming and encoder:
        raise UserError(
            'streaming and encoder cannot be written into one file; choose one of them.'
        )


class _Branch:
    """The recipe of a branch's features, and its metadata."""

    def __init__(self, name: str, cfg: Config | ConfigDict, skeleton: Layout) -> None:
        dataset = cfg.test_dataloader.dataset
        features = dataset.features.get(name)
        if features is None:
            raise UserError(
                f'The model has a branch {name!r}, but dataset.features are '
                f'{", ".join(dataset.features)}.'
            )
        self.name = name
        self.recipe = FeatureRecipe.from_config(name, features, skeleton)
        kind = type(self.recipe.render).__name__
        if kind not in RENDERERS:
            raise UserError(
                f'features.{name}.render is {kind}, which an exported model cannot '
                f'contain; use one of {", ".join(RENDERERS)}.'
            )
        if self.recipe.transforms:
            raise UserError(
                f'features.{name}.transforms is set, but an exported model reads '
                'videos without transforms; leave it out.'
            )
        render = self.recipe.render
        if isinstance(render, ReadVideoFrames) and render.size is None:
            raise UserError(
                f'features.{name}.render.size is None, but a graph reads images of one '
                'size; set it.'
            )
        settings = dict(with_skeleton(features['render'], skeleton))
        if 'skeleton' in settings:
            settings['skeleton'] = plain_layout(settings['skeleton'])
        # MMEngine writes `_scope_` into dicts of inherited configs.
        plain = {k: v for k, v in _plain(settings).items() if k != '_scope_'}
        self.metadata: BranchMetadata = {
            'render': {**plain, 'type': kind},
            'dtype': self.recipe.dtype,
        }

    @cached_property
    def images(self) -> np.ndarray:
        """Two frames of the renderer's output, as an example."""
        return self.recipe.example_images()

    def encoder_graph(self) -> nn.Module:
        """Return the image encoder as a module for export."""
        encoder = self.recipe.encoder
        graph = getattr(encoder, 'graph', None)
        if graph is None:
            raise UserError(
                f'features.{self.name}.encoder is {type(encoder).__name__}, which '
                'cannot be exported; FrameEncoder and GridEncoder can.'
            )
        return graph(equal=self.images.strides[1] == 0)


class _Export:
    """An export: its graphs, their metadata, and a comparison with PyTorch."""

    kind: str
    lengths: Sequence[int] = _LENGTHS

    def __init__(
        self, cfg: Config | ConfigDict, model: nn.Module, meta: Metainfo
    ) -> None:
        self.model = model
        self.meta = meta
        self.models = segmentors(model)
        check_pipeline(cfg.test_dataloader.dataset, 'an exported model')
        names = list(self.models[0].branches)
        self.branches = {n: _Branch(n, cfg, meta['skeleton']) for n in names}

    def onnx(self) -> bytes:
        """Return the graphs as an ONNX file."""
        raise NotImplementedError

    def encoders_onnx(self) -> dict[str, bytes]:
        """Return the image encoders of branches, each as an ONNX file."""
        return {}

    def difference(self, sessions: Sessions, frames: int) -> float:
        """Return the largest difference from PyTorch, for random input."""
        raise NotImplementedError

    def metadata(self) -> ModelMetadata:
        """Return the metadata of the file."""
        data = {'name': self.meta.get('dataset'), 'license': self.meta.get('license')}
        return {
            'format': FORMAT,
            'kind': self.kind,
            'version': __version__,
            'torch': torch.__version__,
            'opset': OPSET,
            'classes': list(self.meta['classes']),
            'skeleton': plain_layout(self.meta['skeleton']),
            'fps': self.meta.get('fps'),
            'data': {key: value for key, value in data.items() if value is not None},
            'branches': {n: {**b.metadata} for n, b in self.branches.items()},
            'postprocess': [],
            'lookahead': None,
            'context': None,
        }


class _Segmentor(_Export):
    kind = 'segmentor'

    def __init__(
        self, cfg: Config | ConfigDict, model: nn.Module, meta: Metainfo
    ) -> None:
        super().__init__(cfg, model, meta)
        first = self.models[0]
        self.encoders = {
            name: branch.encoder_graph()
            for name, branch in self.branches.items()
            if branch.recipe.encoder is not None
        }
        self.stems = {
            name: StemGraph(self.models, name)
            for name in self.branches
            if name not in self.encoders and has_image_stem(first, name)
        }
        self.graph = SegmentorGraph(self.models, list(self.stems))
        if self.stems:
            self.lengths = _IMAGE_LENGTHS
        # Steps that cannot be exported are reported before any work.
        steps = cast(Sequence[Postprocessor], first.postprocess)
        self.steps = [step.step() for step in steps]

    def onnx(self) -> bytes:
        """Return the graph of the segmentor, which reads features."""
        features = {f'features_{n}': self._features(n, _EXAMPLE) for n in self.branches}
        outputs = self.graph.outputs
        return _simplified(
            to_onnx(self.graph, features, outputs, [*features, *outputs])
        )

    def encoders_onnx(self) -> dict[str, bytes]:
        """Return the image encoders of branches, each as an ONNX file."""
        return {
            name: _image_graph(self.branches[name], graph)
            for name, graph in {**self.encoders, **self.stems}.items()
        }

    def metadata(self) -> ModelMetadata:
        """Return the metadata of the file."""
        contexts = [context_of(model) for model in self.models]
        content = super().metadata()
        for name, branch in content['branches'].items():
            branch['images'] = name in self.encoders or name in self.stems
        content['context'] = contexts[0]
        content['postprocess'] = self.steps
        return content

    def difference(self, sessions: Sessions, frames: int) -> float:
        """Return the largest difference between the outputs of graph and model."""
        torch.manual_seed(frames)
        given, feed = {}, {}
        for name in self.branches:
            if name in self.stems:
                images = self._images(name, frames)
                (feed[f'features_{name}'],) = sessions[name].run(
                    [f'encoded_{name}'], {f'images_{name}': images.numpy()}
                )
                given[name] = images
            else:
                given[name] = self._features(name, frames)
                feed[f'features_{name}'] = given[name].numpy()
        found = sessions[None].run(self.graph.outputs, feed)
        expected = self._predicted(given, frames)
        errors = [
            np.abs(a - expected[key]).max()
            for key, a in zip(self.graph.outputs, found, strict=True)
        ]
        for name, graph in self.encoders.items():
            case = _EncoderCase(self.branches[name], graph, frames)
            errors.append(case.difference(sessions[name], case.feed))
        return float(max(errors))

    @torch.no_grad()
    def _predicted(
        self, given: Mapping[str, Tensor], frames: int
    ) -> dict[str, np.ndarray]:
        """Return the model's predictions, as in a test, before post-processing."""
        sample = ActionDataSample(metainfo={'total_frames': frames})
        inputs = {k: v.unsqueeze(0).transpose(1, 2) for k, v in given.items()}
        with _without_steps(self.models):
            (sample,) = self.model(inputs, [sample], mode='predict')
        names = {
            'probabilities': 'pred_score', 'boundary': 'pred_boundary',
            'risk': 'pred_risk',
        }  # fmt: skip
        fields = {key: sample.get(name) for key, name in names.items()}
        return {
            k: v.t().numpy() if v.dim() == 2 else v.numpy()
            for k, v in fields.items()
            if v is not None
        }

    def _features(self, name: str, frames: int) -> Tensor:
        """Return random features of a branch, with the statistics of the training."""
        if name in self.stems:
            graph = self.stems[name]
            with torch.no_grad():
                return graph(self._images(name, frames))
        branch = self.branches[name]
        channels = self.models[0]._in_channels[name]
        shape = (frames, channels)
        if branch.recipe.encoder is None:
            # If there are joints, with an axis for them.
            shape = (frames, channels, *branch.images.shape[2:])
        x = torch.randn(shape)
        part = self.models[0].branches[name]
        if 'standardizer' in part:
            own = (1, -1, *[1] * (x.dim() - 2))
            x = x * part['standardizer'].std.view(own) + part['standardizer'].mean.view(
                own
            )
        return x

    def _images(self, name: str, frames: int) -> Tensor:
        return torch.rand(frames, *self.branches[name].images.shape[1:])


class _Encoders(_Segmentor):
    kind = 'encoder'
    lengths = _IMAGE_LENGTHS

    def __init__(
        self, cfg: Config | ConfigDict, model: nn.Module, meta: Metainfo
    ) -> None:
        super().__init__(cfg, model, meta)
        if not (self.encoders or self.stems):
            raise UserError(
                'The model has no network that computes features from images; leave '
                '--encoder out.'
            )
        self.steps = []

    def onnx(self) -> bytes:
        """Return the graphs of all image encoders, side by side."""
        first, *others = super().encoders_onnx().values()
        for other in others:
            first = _beside(first, other)
        return first

    def encoders_onnx(self) -> dict[str, bytes]:
        """Return nothing, since the encoders are the main graph."""
        return {}

    def difference(self, sessions: Sessions, frames: int) -> float:
        """Return the largest difference between the features of graph and PyTorch."""
        torch.manual_seed(frames)
        cases = [
            _EncoderCase(self.branches[name], graph, frames)
            for name, graph in {**self.encoders, **self.stems}.items()
        ]
        feed = {key: value for case in cases for key, value in case.feed.items()}
        return max(case.difference(sessions[None], feed) for case in cases)


class _Streaming(_Export):
    kind = 'streaming'
    # Numbers of frames of a push.
    lengths = (1, 2, 100)

    def __init__(
        self, cfg: Config | ConfigDict, model: nn.Module, meta: Metainfo
    ) -> None:
        self.weights = streaming_model(model)
        super().__init__(cfg, model, meta)
        ((name, _),) = self.branches.items()
        causal_coordinates(name, cfg.test_dataloader.dataset, meta['skeleton'])
        self.graph = StreamingGraph(self.weights)

    def onnx(self) -> bytes:
        """Return the graph of one push."""
        states = self.graph.states
        inputs = {
            'features': torch.randn(_EXAMPLE, self.weights.in_channels),
            'present': torch.ones(_EXAMPLE),
            'frames': torch.tensor(0),
            **states,
        }
        outputs = ['probabilities', 'frames_next', *(f'{key}_next' for key in states)]
        content = to_onnx(self.graph, inputs, outputs, ['features', 'present'])
        return _simplified(content)

    def metadata(self) -> ModelMetadata:
        """Return the metadata of the file."""
        return {**super().metadata(), 'lookahead': self.weights.lookahead}

    def difference(self, sessions: Sessions, frames: int) -> float:
        """Return the largest difference from a stream in NumPy, over five pushes."""
        rng = np.random.default_rng(frames)
        stream, names = self.weights.stream(), list(self.graph.states)
        state = {key: value.numpy() for key, value in self.graph.states.items()}
        state['frames'] = np.array(0)
        error = 0.0
        for _ in range(5):
            x = rng.normal(size=(frames, self.weights.in_channels)).astype(np.float32)
            feed = {'features': x, 'present': np.ones(frames, np.float32), **state}
            found, passed, *kept = sessions[None].run(None, feed)
            state = {'frames': passed, **dict(zip(names, kept, strict=True))}
            expected = stream.push(x)
            if found.shape != expected.shape:
                return float('inf')
            error = max(error, float(np.abs(found - expected).max(initial=0)))
        return error


def _image_graph(branch: _Branch, graph: nn.Module) -> bytes:
    """Return a graph from images to features as an ONNX file."""
    channels, *shape = _image_shape(branch, graph)
    images = {f'images_{branch.name}': torch.rand(_EXAMPLE, channels, *shape)}
    outputs = [f'encoded_{branch.name}']
    axis = f'images_{branch.name}_n'
    return _simplified(to_onnx(graph, images, outputs, [*images, *outputs], axis))


def _image_shape(branch: _Branch, graph: nn.Module) -> tuple[int, ...]:
    """Return the shape (C, H, W) of the images that a graph reads."""
    shape = branch.images.shape[1:]
    # A graph may read only one of several equal channels.
    return (getattr(graph, 'channels', shape[0]), *shape[1:])


class _EncoderCase:
    """Random images of a branch, and PyTorch's features of them."""

    @torch.no_grad()
    def __init__(self, branch: _Branch, graph: nn.Module, frames: int) -> None:
        frames = min(frames, max(_IMAGE_LENGTHS))
        encoder = branch.recipe.encoder
        shape = branch.images.shape[1:]
        images = np.random.default_rng(frames).random((frames, *shape), np.float32)
        if branch.images.strides[1] == 0:
            first, _, *rest = images.strides
            images = np.lib.stride_tricks.as_strided(images, strides=(first, 0, *rest))
        if encoder is None:
            self.expected = graph(torch.from_numpy(images)).numpy()
        else:
            assert hasattr(encoder, 'encode'), 'encoders with a graph read images'
            self.expected = encoder.encode(images)
        self.name = branch.name
        read = images[:, : _image_shape(branch, graph)[0]]
        self.feed = {f'images_{branch.name}': np.ascontiguousarray(read)}

    def difference(self, session: Session, feed: Mapping[str, np.ndarray]) -> float:
        """Return the largest difference of features, relative to the largest one."""
        (found,) = session.run([f'encoded_{self.name}'], dict(feed))
        largest = max(1.0, float(np.abs(self.expected).max()))
        return float(np.abs(found - self.expected).max()) / largest


@contextmanager
def _without_steps(models: Sequence[ActionSegmentor]) -> Iterator[None]:
    """Disable the post-processing of models for a block."""
    steps = [model.postprocess for model in models]
    for model in models:
        model.postprocess = nn.ModuleList()
    try:
        yield
    finally:
        for model, own in zip(models, steps, strict=True):
            model.postprocess = own


def _simplified(content: bytes) -> bytes:
    """Return a graph with constants folded and without operations that do nothing."""
    import onnxruntime
    from onnx import load

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    )
    options.log_severity_level = 3
    with TemporaryDirectory(prefix='mmskelseg-') as folder:
        file = Path(folder, 'graph.onnx')
        options.optimized_model_filepath = str(file)
        onnxruntime.InferenceSession(
            content, options, providers=['CPUExecutionProvider']
        )
        proto = load(file)
    # ONNX Runtime lists all domains that it knows.
    used = {node.domain for node in proto.graph.node}
    kept = [item for item in proto.opset_import if item.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    return proto.SerializeToString()


def _beside(content: bytes, other: bytes) -> bytes:
    """Return a file with two independent graphs."""
    from onnx import compose, load_from_string

    proto = load_from_string(content)
    added = load_from_string(other)
    prefix = f'{added.graph.output[0].name}/'
    added = compose.add_prefix(added, prefix, rename_inputs=False, rename_outputs=False)
    for field in ('node', 'initializer', 'input', 'output', 'value_info'):
        getattr(proto.graph, field).extend(getattr(added.graph, field))
    return proto.SerializeToString()


def _converted(proto: 'ModelProto', precision: str) -> 'ModelProto':
    """Return a graph in another precision; its inputs and outputs stay float32."""
    if precision == 'float16':
        from onnxruntime.transformers.float16 import convert_float_to_float16

        return _sorted(convert_float_to_float16(proto, keep_io_types=True))
    if precision == 'int8':
        from onnx import load
        from onnxruntime.quantization import QuantType, quantize_dynamic

        with TemporaryDirectory(prefix='mmskelseg-') as folder:
            file = Path(folder, 'graph.onnx')
            # It logs a recommendation to do what `_simplified` has done.
            logging.disable(logging.WARNING)
            try:
                # Weights of 7 bits: sums of products overflow in processors without
                # VNNI, and labels would be wrong there.
                quantize_dynamic(
                    proto, file, weight_type=QuantType.QInt8, reduce_range=True
                )
            finally:
                logging.disable(logging.NOTSET)
            return load(file)
    return proto


def _sorted(proto: 'ModelProto') -> 'ModelProto':
    """Return a graph whose nodes are in topological order."""
    nodes = list(proto.graph.node)
    made = {name for node in nodes for name in node.output}
    done: set[str] = set()
    ordered: list[NodeProto] = []
    while nodes:
        ready = [n for n in nodes if not (made & set(n.input)) - done]
        assert ready, 'a graph has no cycles'
        ordered += ready
        done |= {name for node in ready for name in node.output}
        nodes = [n for n in nodes if not set(n.output) & done]
    del proto.graph.node[:]
    proto.graph.node.extend(ordered)
    return proto


def plain_layout(skeleton: Layout) -> Layout:
    """Return a layout as the name of one of ours, or as a dict of plain values."""
    if isinstance(skeleton, str) and skeleton in LAYOUTS:
        return skeleton
    found = Skeleton.get(skeleton)
    return {
        'name': found.name,
        'joints': list(found.joints),
        'limbs': [list(pair) for pair in found.limbs],
        'flip_pairs': [list(pair) for pair in found.flip_pairs],
        'drop_groups': {key: list(v) for key, v in found.drop_groups.items()},
        'root': list(found.root),
    }


def _plain(value: Mapping[str, object]) -> dict[str, object]:
    """Return a config as types of JSON."""
    return json.loads(json.dumps(value, default=lambda v: ConfigDict(v).to_dict()))
