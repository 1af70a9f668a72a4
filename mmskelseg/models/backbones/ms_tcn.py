"""MS-TCN++: dilated temporal convolutions in stages that refine one another.

Source: Li et al., "MS-TCN++: Multi-Stage Temporal Convolutional Network for Action
Segmentation" (TPAMI 2020), and its code at github.com/sj-li/MS-TCN2.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import cast

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmskelseg.models.layers import (
    FrameDropout,
    TemporalConv1d,
    masked,
    shifted_products,
    uses_loops,
)
from mmskelseg.registry import MODELS


@MODELS.register_module()
class MSTCNPlusPlus(BaseModule):
    """One stage that predicts and several that refine, each (x, mask) → features.

    ``stages`` holds them and ``stage_order`` the index of the one that runs at each
    step, so that shared weights are one stage which runs several times.

    Args:
        in_channels: Features of a frame, C.
        num_classes: Classes that a refinement stage reads, K.
        channels: Width of every stage.
        num_prediction_layers: Layers of the first stage.
        num_refinement_layers: Layers of each further one.
        num_refinements: How many refine.
        share_refinement: Whether they share their weights, as the paper's text has it;
            its count of parameters fits stages with weights of their own.
        dropout: Probability of dropout in every layer.
        init_cfg: Initialisation by MMEngine.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        channels: int = 64,
        num_prediction_layers: int = 11,
        num_refinement_layers: int = 10,
        num_refinements: int = 3,
        share_refinement: bool = False,
        dropout: float = 0.5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = channels
        prediction = [
            DualDilatedLayer(
                channels, 2 ** (num_prediction_layers - 1 - i), 2**i, dropout
            )
            for i in range(num_prediction_layers)
        ]
        self.stages = ModuleList([TemporalStage(in_channels, channels, prediction)])
        self.stages.extend(
            refinement_stages(
                num_classes,
                channels,
                lambda dilation: DilatedResidualLayer(channels, dilation, dropout),
                num_refinement_layers,
                min(num_refinements, 1) if share_refinement else num_refinements,
            )
        )
        self.stage_order = (
            0,
            *(1 if share_refinement else 1 + i for i in range(num_refinements)),
        )


@MODELS.register_module()
class CausalTCN(BaseModule):
    """One stage as those of MS-TCN++, in which a frame depends on no later one.

    Args:
        in_channels: Features of a frame, C.
        num_classes: Not used, since no stage reads classes.
        channels: Width of the stage.
        num_layers: Layer i reads frames 2**i and 2 * 2**i back.
        dropout: Probability of dropout in every layer.
        init_cfg: Initialisation by MMEngine.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        channels: int = 64,
        num_layers: int = 10,
        dropout: float = 0.5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = channels
        layers = [
            CausalResidualLayer(channels, 2**i, dropout) for i in range(num_layers)
        ]
        self.stages = ModuleList([TemporalStage(in_channels, channels, layers)])
        self.stage_order = (0,)


class TemporalStage(BaseModule):
    """A 1x1 convolution to the stage's width, then its layers.

    ``context`` is how many frames to each side an output depends on, of the stage and
    of each of its layers.
    """

    def __init__(
        self, in_channels: int, channels: int, layers: Iterable[nn.Module]
    ) -> None:
        super().__init__()
        self.conv_in = TemporalConv1d(in_channels, channels, 1)
        self.layers = ModuleList(layers)
        self.context = sum(layer.context for layer in self.layers)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, channels, T) of x (N, C, T); mask is (N, 1, T).

        Features are 0 where the mask is, so that a convolution sees past the end of a
        padded video what it sees past the end of the batch.
        """
        x = masked(self.conv_in(x), mask)
        for layer in self.layers:
            x = layer(x, mask)
        return x


def refinement_stages(
    num_classes: int,
    channels: int,
    layer: Callable[[int], nn.Module],
    num_layers: int,
    num_stages: int,
) -> Iterator[TemporalStage]:
    """Yield stages that read classes; ``layer`` makes one for a dilation."""
    for _ in range(num_stages):
        layers = [layer(2**i) for i in range(num_layers)]
        yield TemporalStage(num_classes, channels, layers)


class DualDilatedLayer(BaseModule):
    """Two dilated convolutions of one input, merged, and added to it."""

    def __init__(
        self, channels: int, far_dilation: int, near_dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.context = max(far_dilation, near_dilation)
        self.conv_far = _dilated(channels, far_dilation)
        self.conv_near = _dilated(channels, near_dilation)
        self.merge = TemporalConv1d(2 * channels, channels, 1)
        self.dropout = FrameDropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return x (N, C, T), changed where mask (N, 1, T) is 1 and 0 elsewhere."""
        return masked(self.dropout.add(x, self._merged(x)), mask)

    def _merged(self, x: Tensor) -> Tensor:
        """Return the two convolutions of x (N, C, T), merged, after ReLU.

        Nothing stands between them and the merge, so on CPUs their weights take it in,
        and their taps for the frame itself become one: five products instead of eight.
        """
        if not uses_loops(x):
            both = torch.cat([self.conv_far(x), self.conv_near(x)], dim=1)
            return self.merge(both, relu=True)
        merge, convs = self.merge.weight[:, :, 0], (self.conv_far, self.conv_near)
        # For each tap (C, C), of the earlier, the same and the later frame.
        far, near = (
            torch.einsum('oc,cik->koi', part, conv.weight)
            for part, conv in zip(merge.chunk(2, dim=1), convs, strict=True)
        )
        biases = [conv.bias for conv in convs if conv.bias is not None]
        reach, step = (conv.dilation[0] for conv in convs)
        return shifted_products(
            x,
            torch.stack([far[0], near[0], far[1] + near[1], near[2], far[2]]),
            [-reach, -step, 0, step, reach],
            merge @ torch.cat(biases) + cast(Tensor, self.merge.bias),
            relu=True,
        )


class DilatedResidualLayer(BaseModule):
    """A dilated convolution and a 1x1, added to their input."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.context = dilation
        self.conv_dilated = _dilated(channels, dilation)
        self.conv_out = TemporalConv1d(channels, channels, 1)
        self.dropout = FrameDropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return x (N, C, T), changed where mask (N, 1, T) is 1 and 0 elsewhere."""
        change = self.conv_out(self.conv_dilated(x, relu=True))
        return masked(self.dropout.add(x, change), mask)


class CausalResidualLayer(DilatedResidualLayer):
    """A layer of MS-TCN++ whose dilated convolution reads past frames alone."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__(channels, dilation, dropout)
        self.context = 2 * dilation
        self.conv_dilated = _dilated(channels, dilation, 2 * dilation)


def _dilated(
    channels: int, dilation: int, padding: int | None = None
) -> TemporalConv1d:
    padding = dilation if padding is None else padding
    return TemporalConv1d(channels, channels, 3, padding=padding, dilation=dilation)
