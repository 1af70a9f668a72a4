"""Trained segmentors as modules that torch.onnx can export.

A graph processes one video. The first axis of its inputs and outputs is frames, of any
number.
"""

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import torch
from torch import Tensor, nn

from mmskelseg.models.segmentors.action_segmentor import ActionSegmentor
from mmskelseg.models.segmentors.branches import branch_stems, finish_stem
from mmskelseg.models.segmentors.ensemble import ActionSegmentorEnsemble
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.streaming.model import StreamingModel, StreamingStage

OPSET = 17


def segmentors(model: nn.Module) -> list[ActionSegmentor]:
    """Return the segmentor of each checkpoint.

    Raises:
        UserError: If the model is of another type.
    """
    parts = model.members if isinstance(model, ActionSegmentorEnsemble) else [model]
    for part in parts:
        if not isinstance(part, ActionSegmentor):
            raise UserError(
                f'model.type is {type(part).__name__}, but only an ActionSegmentor '
                'can be exported.'
            )
    return list(parts)


def has_image_stem(model: ActionSegmentor, name: str) -> bool:
    """Return whether a branch has a stem that reads single images."""
    stem = model.branches[name]
    return 'stem' in stem and getattr(stem['stem'], 'context', None) == 0


def context_of(model: ActionSegmentor) -> int | None:
    """Return on how many frames to each side an output depends; None for all."""
    stages = [
        max(
            getattr(branch['backbone'].stages[i], 'context', torch.inf)
            for branch in model.branches.values()
        )
        for i in model.stage_order
    ]
    reach = sum(stages)
    if hasattr(model, 'boundary_head'):
        head = [
            getattr(stage, 'context', torch.inf) for stage in model.boundary_head.stages
        ]
        reach = max(reach, stages[0] + sum(head))
    stems = [s for branch in model.branches.values() for s in branch_stems(branch)]
    whole = any(
        getattr(stem, 'context', None) != 0 or hasattr(stem, 'norm_out')
        for stem in stems
    )
    if whole or hasattr(model, 'risk_head') or reach == torch.inf:
        return None
    return int(reach)


class SegmentorGraph(nn.Module):
    """The mean of the predictions of segmentors and their members for one video.

    Args:
        models: The segmentor of each checkpoint.
        stems: Branches that read the output of :class:`StemGraph`.
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
        heads = [
            h for h in ('boundary', 'risk') if hasattr(self._models[0], f'{h}_head')
        ]
        return ['probabilities', 'entropy', *heads]

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        """Return probabilities (T, K), their entropy (T,), and the scores of each head.

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
        predicted = []
        for i, model in enumerate(self._models):
            shared = self._shared(i, model, x)
            for part in model.networks:
                outputs = part.outputs(shared, None)
                logits = outputs['logits'].log_softmax(dim=1)
                score = logits.exp()
                outputs['entropy'] = -(score * logits).sum(dim=1)
                outputs['probabilities'] = score.transpose(1, 2)
                predicted.append(outputs)
        means = (
            torch.stack([outputs[key] for outputs in predicted]).mean(dim=0)[0]
            for key in self.outputs
        )
        return tuple(means)

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
        self.model = model
        self.eval()

    @property
    def states(self) -> dict[str, Tensor]:
        """The buffers of a new stream by name, which hold each layer's last inputs."""
        buffers = {}
        for i, k in enumerate(self.model.order):
            stage = self.model.stages[k]
            members, _, channels = stage.weight.shape
            for j, layer in enumerate(stage.layers):
                shape = (members, max(layer.offsets), channels)
                buffers[f'state_{i}_{j}'] = torch.zeros(shape)
        return buffers

    def forward(
        self, features: Tensor, present: Tensor, frames: Tensor, *states: Tensor
    ) -> tuple[Tensor, ...]:
        """Return probabilities (n', K) of the frames that are final, and the states.

        Args:
            features: Features of the next frames, shape (n, C).
            present: 1 for a frame of the video, 0 for padding after the last, (n,).
            frames: Number of earlier frames, int64.
            states: The buffers that the previous call returned.
        """
        standardizer = self.model.standardizer
        x = features[None]
        if standardizer is not None:
            limit = torch.from_numpy(standardizer.limit)
            x = (x - _tensor(standardizer.mean)) / _tensor(standardizer.std)
            x = torch.minimum(torch.maximum(x, -limit), limit)
        rest, kept = list(states), []
        for step, k in enumerate(self.model.order):
            stage = self.model.stages[k]
            x = x @ _tensor(stage.weight) + _tensor(stage.bias)
            if step == 0:
                x = x * present[None, :, None]
            used, rest = rest[: len(stage.layers)], rest[len(stage.layers) :]
            x, new = _run_stage(stage, x, used)
            kept += new
            if step == 0 and self.model.lookahead:
                # Drop the first outputs, which precede the first frame.
                early = (self.model.lookahead - frames).clamp(min=0)
                x = x[:, early:]
            x = x.softmax(dim=-1)
        return (x.mean(dim=0), frames + features.shape[0], *kept)


def _run_stage(
    stage: StreamingStage, x: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Return logits (M, n, K) for the input of the layers, and their new buffers."""
    kept = []
    for layer, state in zip(stage.layers, states, strict=True):
        reach = max(layer.offsets)
        rows = torch.cat([state, x], dim=1)
        read = [rows[:, reach - o : -o or None] for o in layer.offsets]
        change = torch.cat(read, dim=2) @ _tensor(layer.weight) + _tensor(layer.bias)
        change = change.relu()
        if layer.out_weight is not None and layer.out_bias is not None:
            change = change @ _tensor(layer.out_weight) + _tensor(layer.out_bias)
        x = x + change
        kept.append(rows[:, -reach:])
    return x @ _tensor(stage.cls_weight) + _tensor(stage.cls_bias), kept


def _tensor(array: object) -> Tensor:
    return torch.as_tensor(array)


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
        # They are about shapes that become constants, which number no frames.
        warnings.simplefilter('ignore')
        export(
            graph,
            tuple(inputs.values()),
            str(file),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: {0: axis} for name in frames},
            opset_version=OPSET,
        )
        return file.read_bytes()
