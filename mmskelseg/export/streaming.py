"""Conversion of a trained segmentor to arrays, for streams without PyTorch."""

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.model import ModuleDict
from torch import Tensor, nn

from mmskelseg.export.opening import check_pipeline
from mmskelseg.export.predictor import branch_recipe
from mmskelseg.models.backbones.ms_tcn import (
    CausalTCN,
    DilatedResidualLayer,
    DualDilatedLayer,
    MSTCNPlusPlus,
    TemporalStage,
)
from mmskelseg.models.heads import SegmentationHead
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from mmskelseg.models.postprocessors import CausalMinDuration
from mmskelseg.models.segmentors.ensemble import segmentors_of
from mmskelseg.models.segmentors.network import SegmentationNetwork
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.features.coordinates import Coordinates
from mmskelseg_runtime.streaming.model import (
    Standardizer,
    StreamingLayer,
    StreamingModel,
    StreamingStage,
)


@torch.no_grad()
def streaming_model(model: nn.Module) -> StreamingModel:
    """Return the weights of a causal segmentor, or of an ensemble of them.

    Auxiliary parts are left out, since they do not change the labels.

    Raises:
        UserError: If the model is not causal or has parts that streams do not support;
            the message names the option.
    """
    models = segmentors_of(model)
    networks = [network for part in models for network in part.networks]
    branches = [_branch(network) for network in networks]
    first = branches[0]['backbone']
    stages = [
        _stage(
            [branch['backbone'].stages[i] for branch in branches],
            [branch['head'].classifiers[i] for branch in branches],
        )
        for i in range(len(first.stages))
    ]
    tiers = networks[0].tiers
    return StreamingModel(
        stages,
        networks[0].stage_order,
        first.stages[0].lookahead,
        _standardizer(model),
        tiers if len(tiers) > 1 else (),
        len(models),
        models[0].temperature,
    )


def streaming_steps(model: nn.Module) -> list[dict[str, object]]:
    """Return the post-processing of a segmentor if a stream can apply it, else nothing.

    A stream can apply one ``CausalMinDuration`` to each tier; other steps need whole
    videos.
    """
    lists = segmentors_of(model)[0].steps_of_tiers
    steps = [step for steps in lists for step in steps]
    if len(steps) != len(lists) or not all(
        isinstance(step, CausalMinDuration) for step in steps
    ):
        return []
    if len(steps) == 1:
        return [steps[0].step()]
    return [{**step.step(), 'tier': i} for i, step in enumerate(steps)]


def causal_coordinates(
    modality: str, dataset: ConfigDict, skeleton: Layout
) -> Coordinates:
    """Return the renderer of a modality, after checking that streams support it.

    Raises:
        UserError: If they do not; the message names the setting.
    """
    option = f'features.{modality}'
    recipe = branch_recipe(modality, dataset, skeleton)
    render = recipe.render
    if not isinstance(render, Coordinates):
        raise UserError(
            f'{option}.render is {type(render).__name__}, but streams read '
            'coordinates; train with SkeletonCoordinates(flatten=True, causal=True).'
        )
    if not render.causal:
        raise UserError(
            f'{option}.render has causal=False, so its scale and displacements depend '
            'on later frames; train with causal=True, as the configs in '
            'configs/streaming do.'
        )
    for key, part in (('encoder', recipe.encoder), ('transforms', recipe.transforms)):
        if part:
            raise UserError(
                f'{option}.{key} is set, but streams read plain coordinates; train '
                'without it.'
            )
    check_pipeline(dataset, 'a stream')
    return render


def _branch(model: SegmentationNetwork) -> ModuleDict:
    """Return the only branch of a model, after checking that streams support it."""
    names = list(model.branches)
    if len(names) > 1:
        raise UserError(
            f'model.branches are {", ".join(names)}, but a stream reads one branch.'
        )
    (name,) = names
    branch, option = model.branches[name], f'model.branches.{name}'
    backbone = branch['backbone']
    if 'stem' in branch or hasattr(backbone, 'stem'):
        raise UserError(
            f'{option} has a stem, but streams read coordinates; train with '
            'SkeletonCoordinates(flatten=True) and without a stem.'
        )
    if not isinstance(backbone, MSTCNPlusPlus | CausalTCN):
        raise UserError(
            f'{option}.type is {type(backbone).__name__}, but a stream needs '
            'MSTCNPlusPlus with causal=True, or CausalTCN, as `mmskelseg make-config '
            '--streaming` writes it.'
        )
    if not backbone.causal:
        raise UserError(
            f'{option} has causal=False, so its labels depend on later frames; train '
            'with causal=True, as the configs in configs/streaming do.'
        )
    if type(branch['head']) is not SegmentationHead:
        raise UserError('model.head must be a SegmentationHead for a stream.')
    return branch


def _standardizer(model: nn.Module) -> Standardizer | None:
    """Return the standardisers of all members as one; None if no member has one."""
    found = []
    for part in segmentors_of(model):
        (branch,) = part.branches.values()
        if 'standardizer' in branch:
            found += len(part.networks) * [branch['standardizer']]
    if not any(part.is_fitted for part in found):
        return None
    limits = [part.limit if part.is_fitted else torch.inf for part in found]
    return Standardizer(
        _stacked(part.mean[None] for part in found),
        _stacked(part.std[None] for part in found),
        _stacked(torch.tensor([[limit]]) for limit in limits),
    )


def _stage(
    stages: Sequence[TemporalStage], classifiers: Sequence[TemporalConv1d]
) -> StreamingStage:
    rows = zip(*(stage.layers for stage in stages), strict=True)
    layers = [_layer(members) for members in rows]
    return StreamingStage(
        *_convolution([stage.conv_in for stage in stages]),
        layers,
        *_convolution(classifiers),
    )


def _layer(members: Sequence[nn.Module]) -> StreamingLayer:
    if isinstance(members[0], DualDilatedLayer):
        merged = [cast(DualDilatedLayer, member).merged_taps() for member in members]
        taps, shifts, biases = zip(*merged, strict=True)
        offsets = tuple(-shift for shift in shifts[0])
        return StreamingLayer(offsets, *_taps(taps, biases))
    layers = cast(Sequence[DilatedResidualLayer], members)
    convs = [layer.conv_dilated for layer in layers]
    (dilation,) = convs[0].dilation
    return StreamingLayer(
        (2 * dilation, dilation, 0),
        *_convolution(convs),
        *_convolution([layer.conv_out for layer in layers]),
    )


def _taps(
    taps: Sequence[Tensor], biases: Sequence[Tensor]
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (M, k * C, C) and biases (M, 1, C) of taps (k, C', C)."""
    weights = (tap.transpose(1, 2).flatten(0, 1) for tap in taps)
    return _stacked(weights), _stacked(bias[None] for bias in biases)


def _convolution(convs: Sequence[TemporalConv1d]) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (M, k * C, C') and biases (M, 1, C') of convolutions."""
    return _taps(
        [conv.weight.permute(2, 0, 1) for conv in convs],
        [cast(Tensor, conv.bias) for conv in convs],
    )


def _stacked(tensors: Iterable[Tensor]) -> np.ndarray:
    return torch.stack([x.float().cpu() for x in tensors]).contiguous().numpy().copy()
