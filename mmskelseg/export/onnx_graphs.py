"""Trained segmentors as modules that torch.onnx can export.

A graph processes one video. The first axis of its inputs and outputs is any number of
frames.
"""

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from mmskelseg.evaluation.ensembles import average_predictions
from mmskelseg.models.segmentors.action_segmentor import ActionSegmentor
from mmskelseg.models.segmentors.branches import branch_stems, finish_stem
from mmskelseg_runtime.features.blocks import Frames, State
from mmskelseg_runtime.features.coordinates import Coordinates
from mmskelseg_runtime.segmenting.onnx_predictor import field_of
from mmskelseg_runtime.streaming.model import (
    TINY,
    Operations,
    StreamingModel,
    push_frames,
)

OPSET = 17
# Inputs whose first axis is people, and then frames.
_OF_PEOPLE = ('keypoints', 'scores')


def has_image_stem(model: ActionSegmentor, name: str) -> bool:
    """Return whether a branch has a stem that reads single images."""
    stem = model.branches[name]
    return 'stem' in stem and getattr(stem['stem'], 'context', None) == 0


def context_of(model: ActionSegmentor) -> int | None:
    """Return the frames to each side on which an output depends; None for all."""
    backbones = [branch['backbone'] for branch in model.branches.values()]
    stages = [max(_reach(b.stages[i]) for b in backbones) for i in model.stage_order]
    reach, read = sum(stages), {'inputs': 0, 'first': stages[0]}
    for part in model.auxiliary:
        if part.predicts:
            reach = max(reach, read.get(part.reads, sum(stages)) + part.context)
    stems = [s for branch in model.branches.values() for s in branch_stems(branch)]
    whole = any(
        getattr(stem, 'context', None) != 0 or hasattr(stem, 'norm_out')
        for stem in stems
    )
    return None if whole or reach == torch.inf else int(reach)


def _reach(stage: nn.Module) -> float:
    return getattr(stage, 'context', torch.inf)


class SegmentorGraph(nn.Module):
    """The mean of the predictions of segmentors and their members for one video.

    The branches ``stems`` read the output of :class:`StemGraph`.
    """

    def __init__(self, models: Sequence[ActionSegmentor], stems: Sequence[str]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)
        self.stems = tuple(stems)
        self.eval()

    @property
    def _models(self) -> Sequence[ActionSegmentor]:
        return cast(Sequence[ActionSegmentor], self.models)

    @property
    def outputs(self) -> list[str]:
        """Names of the results of :meth:`forward`."""
        parts = [p.predicts for p in self._models[0].auxiliary if p.predicts]
        return ['probabilities', 'entropy', *parts]

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        """Return probabilities (T, K), their entropy (T,), and what parts predict.

        Args:
            features: The features of each branch, (T, C) or (T, C, V). For a branch
                with stems, the concatenated outputs of the stems of all segmentors.
        """
        names = list(self._models[0].branches)
        # (1, C, T, ...)
        x = {
            name: rows.unsqueeze(0).transpose(1, 2)
            for name, rows in zip(names, features, strict=True)
        }
        videos = []
        for i, model in enumerate(self._models):
            shared = self._shared(i, model, x)
            members = [part.outputs(shared, None) for part in model.networks]
            videos.append(model.together(members, 0, None))
        video = videos[0] if len(videos) == 1 else average_predictions(videos)
        return tuple(video[field_of(name)].t() for name in self.outputs)

    def _shared(
        self, index: int, model: ActionSegmentor, x: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return what all members of a segmentor read, given its index."""
        shared = {}
        for name, branch in model.branches.items():
            y = x[name]
            if name in self.stems:
                width = branch['stem'].out_channels
                y = y[:, index * width : (index + 1) * width]
            else:
                y = branch['standardizer'](y) if 'standardizer' in branch else y
                y = branch['stem'](y) if 'stem' in branch else y
            if 'stem' in branch:
                y = finish_stem(branch['stem'], y, None)
            shared[name] = y
        return shared


class KeypointsGraph(nn.Module):
    """A segmentor's graph that makes features of joints, of the first person.

    Args:
        graph: The graph from features to outputs.
        render: What makes the features.
        least: The score from which a joint is seen.
    """

    def __init__(
        self, graph: SegmentorGraph, render: Coordinates, least: float
    ) -> None:
        super().__init__()
        self.graph, self.render = graph, render
        # As float32, which scores are.
        self.least = float(np.float32(least))
        self.eval()

    def forward(
        self, keypoints: Tensor, scores: Tensor, within: Tensor
    ) -> tuple[Tensor, ...]:
        """Return outputs for joints (M, T, V, dims) and their scores (M, T, V).

        ``within`` has the first frame that the segmentor reads and the end of these.
        Features depend on all frames.
        """
        points, seen = keypoints.double(), scores.double() >= self.least
        if not self.render.others:
            points, seen = points[:1], seen[:1]
        frames = cast(Any, Frames)(points, seen, whole=not self.render.causal)
        begin, end = within
        return self.graph(self.render.describe(frames, State())[begin:end])


class StemGraph(nn.Module):
    """The outputs of a branch's stems, of all segmentors, for images."""

    def __init__(self, models: Sequence[ActionSegmentor], name: str) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)
        self.name = name
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the concatenated vectors of all stems for images (n, C, H, W)."""
        x = images.unsqueeze(0).transpose(1, 2)
        rows = []
        for model in cast(Sequence[ActionSegmentor], self.models):
            branch = model.branches[self.name]
            y = branch['standardizer'](x) if 'standardizer' in branch else x
            rows.append(branch['stem'](y))
        return torch.cat(rows, dim=1)[0].t()


class StreamingGraph(nn.Module):
    """One push of frames to a stream; its buffers are inputs and outputs."""

    def __init__(self, model: StreamingModel) -> None:
        super().__init__()
        self.model = _as_tensors(model)
        self.eval()

    def forward(
        self, features: Tensor, present: Tensor, frames: Tensor, *states: Tensor
    ) -> tuple[Tensor, ...]:
        """Return what :func:`push_frames` does, for the same arguments."""
        scores, passed, kept = push_frames(
            self.model, _TORCH, features, present, frames, states
        )
        return (scores, passed, *kept)


def _extended(state: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    rows = torch.cat([state, x], dim=1)
    return rows, rows[:, -int(state.shape[1]) :]


_TORCH = Operations(
    torch.cat, torch.relu, partial(torch.softmax, dim=-1), torch.log, torch.clip,
    _extended,
)  # fmt: skip


def _as_tensors(part: Any) -> Any:
    """Return weights with tensors in place of NumPy's arrays."""
    if isinstance(part, np.ndarray):
        return torch.from_numpy(part)
    if is_dataclass(part) and not isinstance(part, type):
        values = {f.name: _as_tensors(getattr(part, f.name)) for f in fields(part)}
        return replace(part, **values)
    return [_as_tensors(value) for value in part] if isinstance(part, list) else part


def _entropy(graph: Any, x: Any) -> Any:
    """Return the operators for ``torch.special.entr``, which PyTorch exports not."""
    tiny = graph.op('Constant', value_t=torch.tensor(TINY))
    return graph.op(
        'Neg', graph.op('Mul', x, graph.op('Log', graph.op('Max', x, tiny)))
    )


torch.onnx.register_custom_op_symbolic('aten::special_entr', _entropy, OPSET)


def to_onnx(
    graph: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    frames: Sequence[str],
    axis: str = 'frames',
) -> bytes:
    """Return a graph as an ONNX file.

    Args:
        graph: The module; it is called with the inputs in their order.
        inputs: An example of each input, by name.
        outputs: Names of its results.
        frames: Names of the inputs and outputs whose first axis is frames.
        axis: Name of that axis in the file.
    """
    export: Callable[..., object] = torch.onnx.export
    if 'dynamo' in inspect.signature(torch.onnx.export).parameters:
        # The older exporter supports videos of any length, down to one frame, in every
        # release of PyTorch since 2.4.
        export = partial(torch.onnx.export, dynamo=False)
    with (
        warnings.catch_warnings(),
        torch.no_grad(),
        TemporaryDirectory(prefix='mmskelseg-') as folder,
    ):
        file = Path(folder, 'graph.onnx')
        # They warn of shapes that become constants; none of these counts frames.
        warnings.simplefilter('ignore')
        export(
            graph,
            tuple(inputs.values()),
            str(file),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={
                name: {0: 'people', 1: axis} if name in _OF_PEOPLE else {0: axis}
                for name in frames
            },
            opset_version=OPSET,
        )
        return file.read_bytes()
