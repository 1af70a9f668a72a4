"""What an ONNX file of each kind contains: its graphs, their metadata, and a check.

Each kind of export compares its graphs with PyTorch on random input.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mmskelseg.encoders.recipes import with_skeleton
from mmskelseg.export.onnx_files import simplified, with_default
from mmskelseg.export.onnx_graphs import (
    OPSET,
    KeypointsGraph,
    SegmentorGraph,
    StemGraph,
    StreamingGraph,
    context_of,
    has_image_stem,
    to_onnx,
)
from mmskelseg.export.opening import check_pipeline
from mmskelseg.export.predictor import branch_recipe
from mmskelseg.export.streaming import (
    causal_coordinates,
    streaming_model,
    streaming_steps,
)
from mmskelseg.models.postprocessors import Postprocessor
from mmskelseg.models.segmentors.ensemble import segmentors_of
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import MIN_SCORE, Metainfo
from mmskelseg_io.structures.layouts import LAYOUTS
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_io.version import __version__
from mmskelseg_runtime.features import (
    PairCoordinates,
    ReadVideoFrames,
    SkeletonCoordinates,
)
from mmskelseg_runtime.features.blocks import Frames, State
from mmskelseg_runtime.features.coordinates import Coordinates
from mmskelseg_runtime.parts import RENDERERS
from mmskelseg_runtime.segmenting.model_files import (
    FORMAT,
    BranchMetadata,
    Kind,
    ModelFile,
    ModelMetadata,
)
from mmskelseg_runtime.segmenting.onnx_predictor import field_of
from mmskelseg_runtime.segmenting.onnx_sessions import Session
from mmskelseg_runtime.segmenting.onnx_stream import OnnxStreamingModel
from mmskelseg_runtime.streaming.model import ModelStream

# Lengths of the compared videos, in frames; fewer for images.
_LENGTHS, _IMAGE_LENGTHS = (1, 2, 100, 1000), (1, 2, 20)
# The session of each branch's image encoder, by branch; None for the main graph.
Sessions: TypeAlias = Mapping[str | None, Session]
# Length in frames of the example input for tracing a graph.
_EXAMPLE = 50
# What a graph that reads joints is to segment, unless it is told.
_ALL_FRAMES = np.array([0, np.iinfo(np.int64).max])
# Renderers that a graph can contain.
_OF_JOINTS = (SkeletonCoordinates, PairCoordinates)


class _Branch:
    """The recipe of a branch's features, and its metadata."""

    def __init__(self, name: str, cfg: Config | ConfigDict, skeleton: Layout) -> None:
        dataset = cfg.test_dataloader.dataset
        self.name = name
        self.recipe = branch_recipe(name, dataset, skeleton)
        kind = type(self.recipe.render).__name__
        if kind not in RENDERERS.names():
            raise UserError(
                f'features.{name}.render is {kind}, which an exported model cannot '
                f'contain; use one of {", ".join(RENDERERS.names())}.'
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
        settings = dict(with_skeleton(dataset.features[name]['render'], skeleton))
        if 'skeleton' in settings:
            settings['skeleton'] = _plain_layout(settings['skeleton'])
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
        # Where it is compared with ONNX Runtime, since GPUs round more.
        self.recipe.load('cpu')
        return graph(equal=self.images.strides[1] == 0)


class ExportedModel:
    """The content of a file: graphs, their metadata, and a comparison with PyTorch."""

    kind: Kind
    lengths: Sequence[int] = _LENGTHS

    def __init__(
        self, cfg: Config | ConfigDict, model: nn.Module, meta: Metainfo
    ) -> None:
        self.model = model
        self.meta = meta
        self.models = segmentors_of(model)
        check_pipeline(cfg.test_dataloader.dataset, 'an exported model')
        names = list(self.models[0].branches)
        self.branches = {n: _Branch(n, cfg, meta['skeleton']) for n in names}

    def graphs(self) -> dict[str | None, bytes]:
        """Return the main graph, and image encoders by branch, each as an ONNX file."""
        raise NotImplementedError

    def difference(self, sessions: Sessions, frames: int) -> float:
        """Return the largest difference from PyTorch, for random input."""
        raise NotImplementedError

    def metadata(self) -> ModelMetadata:
        """Return the metadata of the file."""
        fps, kpt_thr = self.meta.get('fps'), self.meta.get('kpt_thr')
        background = self.meta.get('background')
        kept = {'name': 'dataset', 'license': 'license', 'videos': 'videos'}
        data = {key: self.meta.get(own) for key, own in kept.items()}
        found: ModelMetadata = {
            'format': FORMAT,
            'kind': self.kind,
            'version': __version__,
            'torch': torch.__version__,
            'opset': OPSET,
            'classes': list(self.meta['classes']),
            'skeleton': _plain_layout(self.meta['skeleton']),
            'joints': list(Skeleton.get(self.meta['skeleton']).joints),
            # JSON has no NumPy numbers.
            'fps': None if fps is None else float(fps),
            'data': {key: value for key, value in data.items() if value is not None},
            'branches': {n: {**b.metadata} for n, b in self.branches.items()},
            'postprocess': [],
            'lookahead': None,
            'context': None,
        }
        if 'tiers' in self.meta:
            found['tiers'] = dict(self.meta['tiers'])
        if 'colors' in self.meta:
            found['colors'] = dict(self.meta['colors'])
        if background:
            found['background'] = background
        if kpt_thr:
            found['kpt_thr'] = float(kpt_thr)
        return found

    def _features(self, name: str, frames: int) -> Tensor:
        """Return random features of a branch, with the statistics of the training."""
        branch = self.branches[name]
        channels = self.models[0].in_channels[name]
        shape = (frames, channels)
        if branch.recipe.encoder is None:
            # If there are joints, with an axis for them.
            shape = (frames, channels, *branch.images.shape[2:])
        x = torch.randn(shape)
        part = self.models[0].branches[name]
        if 'standardizer' in part:
            own, to = (1, -1, *[1] * (x.dim() - 2)), part['standardizer']
            x = x * to.std.view(own) + to.mean.view(own)
        return x

    @torch.no_grad()
    def _predicted(
        self, given: Mapping[str, Tensor], frames: int, outputs: Sequence[str]
    ) -> list[np.ndarray]:
        """Return what the model predicts for outputs, before post-processing."""
        sample = ActionDataSample(metainfo={'total_frames': frames})
        inputs = {k: v.unsqueeze(0).transpose(1, 2) for k, v in given.items()}
        (sample,) = self.model(inputs, [sample], mode='predict')
        found = [sample.get(field_of(name)) for name in outputs]
        return [v.t().numpy() if v.dim() == 2 else v.numpy() for v in found]


class SegmentorExport(ExportedModel):
    """A segmentor of whole videos, with the image encoders that it needs."""

    kind: Kind = 'segmentor'

    def __init__(
        self,
        cfg: Config | ConfigDict,
        model: nn.Module,
        meta: Metainfo,
        inputs: str | None = None,
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
        self.steps: list[dict[str, object]] = []
        for tier, steps in enumerate(first.steps_of_tiers):
            own = {'tier': tier} if 'tiers' in meta else {}
            self.steps += [
                {**step.step(), **own} for step in cast(Sequence[Postprocessor], steps)
            ]
        self.joints = self._joints_graph(inputs)

    def graphs(self) -> dict[str | None, bytes]:
        """Return the graph of the segmentor, and encoders."""
        outputs = self.graph.outputs
        if self.joints is not None:
            joints = self._joints(_EXAMPLE)
            within = {'range': torch.tensor([0, _EXAMPLE])}
            inputs = {**joints, **within}
            main = to_onnx(self.joints, inputs, outputs, [*joints, *outputs])
            return {None: with_default(simplified(main), 'range', _ALL_FRAMES)}
        features = {f'features_{n}': self._features(n, _EXAMPLE) for n in self.branches}
        main = to_onnx(self.graph, features, outputs, [*features, *outputs])
        encoders = {
            name: _image_graph(self.branches[name], graph)
            for name, graph in {**self.encoders, **self.stems}.items()
        }
        return {None: simplified(main), **encoders}

    def metadata(self) -> ModelMetadata:
        """Return the metadata of the file."""
        content = super().metadata()
        for name, branch in content['branches'].items():
            branch['images'] = name in self.encoders or name in self.stems
            if name in self.stems:
                branch['stem'] = True
        content['context'] = context_of(self.models[0])
        content['postprocess'] = self.steps
        return content

    def difference(self, sessions: Sessions, frames: int) -> float:
        """Return the largest difference between the outputs of graph and model."""
        torch.manual_seed(frames)
        given, feed = {}, {}
        if self.joints is not None:
            feed = {key: x.numpy() for key, x in self._joints(frames).items()}
        for name in self.branches:
            if self.joints is not None:
                render = self.joints.render
                rows = slice(None if render.others else 1)
                points = feed['keypoints'][rows].astype(np.float64)
                seen = feed['scores'][rows] >= self.joints.least
                whole = Frames(points, seen, whole=not render.causal)
                given[name] = torch.from_numpy(render.describe(whole, State()))
            elif name in self.stems:
                images = self._images(name, frames)
                (feed[f'features_{name}'],) = sessions[name].run(
                    [f'encoded_{name}'], {f'images_{name}': images.numpy()}
                )
                given[name] = images
            else:
                given[name] = self._features(name, frames)
                feed[f'features_{name}'] = given[name].numpy()
        found = sessions[None].run(self.graph.outputs, feed)
        expected = self._predicted(given, frames, self.graph.outputs)
        errors = [np.abs(a - b).max() for a, b in zip(found, expected, strict=True)]
        for name, graph in self.encoders.items():
            read, features = _encoded(self.branches[name], graph, frames)
            (own,) = sessions[name].run([f'encoded_{name}'], {f'images_{name}': read})
            errors.append(_relative_error(own, features))
        return float(max(errors))

    def _features(self, name: str, frames: int) -> Tensor:
        """Return random features of a branch, with the statistics of the training."""
        if name in self.stems:
            graph = self.stems[name]
            with torch.no_grad():
                return graph(self._images(name, frames))
        return super()._features(name, frames)

    def _joints_graph(self, inputs: str | None) -> KeypointsGraph | None:
        """Return the graph that makes features of joints, if it is to make them.

        Raises:
            UserError: If the recipe does not allow it.
        """
        branch, *more = self.branches.values()
        render = branch.recipe.render
        allows = type(render) in _OF_JOINTS and branch.recipe.dtype == 'float32'
        if inputs == 'features' or (inputs is None and (more or not allows)):
            return None
        if more or not allows:
            raise UserError(
                f'features.{branch.name}.render is {type(render).__name__}, but '
                "inputs='keypoints' needs a model of one branch that reads "
                'SkeletonCoordinates or PairCoordinates in float32; leave it out.'
            )
        least = max(MIN_SCORE, self.meta.get('kpt_thr', 0.0))
        return KeypointsGraph(self.graph, cast(Coordinates, render), least)

    def _joints(self, frames: int) -> dict[str, Tensor]:
        """Return random joints of two people and their scores, a fifth of them 0."""
        assert self.joints is not None
        skeleton, dims = self.joints.render.skeleton, self.joints.render.dims
        scores = torch.rand(2, frames, skeleton.num_joints)
        moved = torch.randn(*scores.shape, dims).cumsum(1)
        body = 40 * torch.randn(2, 1, skeleton.num_joints, dims) + 300
        return {'keypoints': body + moved, 'scores': scores * (scores > 0.2)}

    def _images(self, name: str, frames: int) -> Tensor:
        return torch.rand(frames, *self.branches[name].images.shape[1:])


class StreamingExport(ExportedModel):
    """A causal segmentor that reads a push of frames, with its buffers."""

    kind: Kind = 'streaming'
    # Numbers of frames in a push.
    lengths = (1, 2, 100)

    def __init__(
        self, cfg: Config | ConfigDict, model: nn.Module, meta: Metainfo
    ) -> None:
        self.weights = streaming_model(model)
        super().__init__(cfg, model, meta)
        ((name, _),) = self.branches.items()
        causal_coordinates(name, cfg.test_dataloader.dataset, meta['skeleton'])
        self.steps = streaming_steps(model)
        self.graph = StreamingGraph(self.weights)

    def graphs(self) -> dict[str | None, bytes]:
        """Return the graph of one push."""
        states = self.weights.states
        inputs = {
            'features': torch.randn(_EXAMPLE, self.weights.in_channels),
            'present': torch.ones(_EXAMPLE),
            'frames': torch.tensor(0),
            **{key: torch.zeros(shape) for key, shape in states.items()},
        }
        outputs = ['probabilities', 'frames_next', *(f'{key}_next' for key in states)]
        content = to_onnx(self.graph, inputs, outputs, ['features', 'present'])
        return {None: simplified(content)}

    def metadata(self) -> ModelMetadata:
        """Return the metadata of the file."""
        content = super().metadata()
        content['postprocess'] = self.steps
        content['lookahead'] = self.weights.lookahead
        return content

    def difference(self, sessions: Sessions, frames: int) -> float:
        """Return the largest difference between a stream of five pushes and a video."""
        torch.manual_seed(frames)
        session = sessions[None]
        name = session.name
        file = ModelFile(Path(name), name, self.metadata(), session, {})
        stream = ModelStream(OnnxStreamingModel(file))
        (branch,) = self.branches
        x = self._features(branch, 5 * frames)
        found = [stream.push(rows.numpy()) for rows in x.split(frames)]
        (expected,) = self._predicted({branch: x}, len(x), ['probabilities'])
        return float(np.abs(np.concatenate([*found, stream.flush()]) - expected).max())


def _image_graph(branch: _Branch, graph: nn.Module) -> bytes:
    """Return a graph from images to features as an ONNX file."""
    channels, *shape = _image_shape(branch, graph)
    images = {f'images_{branch.name}': torch.rand(_EXAMPLE, channels, *shape)}
    outputs = [f'encoded_{branch.name}']
    axis = f'images_{branch.name}_n'
    return simplified(to_onnx(graph, images, outputs, [*images, *outputs], axis))


def _image_shape(branch: _Branch, graph: nn.Module) -> tuple[int, ...]:
    """Return the shape (C, H, W) of the images that a graph reads."""
    shape = branch.images.shape[1:]
    # A graph may read only one of several equal channels.
    return (getattr(graph, 'channels', shape[0]), *shape[1:])


@torch.no_grad()
def _encoded(
    branch: _Branch, graph: nn.Module, frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return random images of a branch, and PyTorch's features of them."""
    frames = min(frames, max(_IMAGE_LENGTHS))
    encoder = branch.recipe.encoder
    shape = branch.images.shape[1:]
    images = np.random.default_rng(frames).random((frames, *shape), np.float32)
    if branch.images.strides[1] == 0:
        first, _, *rest = images.strides
        images = np.lib.stride_tricks.as_strided(images, strides=(first, 0, *rest))
    read = np.ascontiguousarray(images[:, : _image_shape(branch, graph)[0]])
    assert encoder is not None
    return read, encoder.encode(images)


def _relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference of features, relative to the largest one."""
    largest = max(1.0, float(np.abs(expected).max()))
    return float(np.abs(found - expected).max()) / largest


def _plain_layout(skeleton: Layout) -> Layout:
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
