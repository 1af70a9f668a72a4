"""MS-TCN++: dilated temporal convolutions in stages, each refining the previous one.

Source: Li et al., "MS-TCN++: Multi-Stage Temporal Convolutional Network for Action
Segmentation" (TPAMI 2020), and its code at github.com/sj-li/MS-TCN2.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import cast

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.models.layers.padding import Videos, masked
from mmskelseg.models.layers.stages import run_layers
from mmskelseg.models.layers.temporal_conv import (
    FrameDropout,
    TemporalConv1d,
    shifted_products,
    uses_loops,
)
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, CountOrZero, Fraction


@MODELS.register_module()
class MSTCNPlusPlus(BaseModule):
    """A prediction stage and refinement stages, which map (x, mask) to features.

    ``stages`` holds the stages. ``stage_order`` is the index of the stage at each step,
    by default each in turn: a stage whose weights are shared runs at several steps.

    Args:
        in_channels: Number of features per frame, C.
        num_classes: Number of classes that a refinement stage reads, K.
        channels: Width of every stage.
        num_prediction_layers: Number of layers of the first stage.
        num_refinement_layers: Number of layers of each refinement stage.
        num_refinements: Number of refinement stages.
        share_refinement: Whether the refinement stages share their weights, as the text
            of the paper says; its parameter count implies separate weights.
        dropout: Probability of dropout in every layer.
        causal: Whether a frame depends on no later frames, except for those of
            ``lookahead``: instead of the frames d before and d after its own, a
            convolution then reads the frames d and 2 * d before it.
        lookahead: Number of later frames that the first stage of a causal network sees.
        init_cfg: Initialisation by MMEngine.

    Raises:
        UserError: If there is a lookahead, but the network is not causal.
    """

    def __init__(
        self,
        in_channels: Count,
        num_classes: Count,
        *,
        channels: Count = 64,
        num_prediction_layers: Count = 11,
        num_refinement_layers: Count = 10,
        num_refinements: CountOrZero = 3,
        share_refinement: bool = False,
        dropout: Fraction = 0.5,
        causal: bool = False,
        lookahead: CountOrZero = 0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if lookahead and not causal:
            raise UserError(
                f'MSTCNPlusPlus: lookahead={lookahead} needs causal=True; set it, or '
                'lookahead=0.'
            )
        self.in_channels = in_channels
        self.out_channels = channels
        self.causal = causal
        layers = [
            DualDilatedLayer(
                channels, 2 ** (num_prediction_layers - 1 - i), 2**i, dropout, causal
            )
            for i in range(num_prediction_layers)
        ]
        prediction = TemporalStage(in_channels, channels, layers, lookahead)
        refinements = refinement_stages(
            num_classes,
            channels,
            lambda dilation: DilatedResidualLayer(channels, dilation, dropout, causal),
            num_refinement_layers,
            min(num_refinements, 1) if share_refinement else num_refinements,
        )
        self.stages = ModuleList([prediction, *refinements])
        if share_refinement:
            self.stage_order = (0, *[1] * num_refinements)


@MODELS.register_module()
class CausalTCN(BaseModule):
    """A single causal stage like those of MS-TCN++.

    A frame depends on no later frames, except for those of ``lookahead``.

    Args:
        in_channels: Number of features per frame, C.
        num_classes: Not used, since no stage reads classes.
        channels: Width of the stage.
        num_layers: Number of layers; layer i reads the frames 2**i and 2 * 2**i before
            its own.
        dropout: Probability of dropout in every layer.
        lookahead: Number of later frames that the stage sees.
        init_cfg: Initialisation by MMEngine.
    """

    causal = True

    def __init__(
        self,
        in_channels: Count,
        num_classes: Count,
        *,
        channels: Count = 64,
        num_layers: Count = 10,
        dropout: Fraction = 0.5,
        lookahead: CountOrZero = 0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = channels
        layers = [
            DilatedResidualLayer(channels, 2**i, dropout, causal=True)
            for i in range(num_layers)
        ]
        self.stages = ModuleList(
            [TemporalStage(in_channels, channels, layers, lookahead)]
        )


class TemporalStage(BaseModule):
    """A 1x1 convolution to the stage's width, followed by its layers.

    The ``context`` of a stage, and of each layer, is the number of frames to each side
    on which an output depends. With a ``lookahead`` of n, the output of a frame is that
    of the layers n frames later; frames after the last one are 0.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        layers: Iterable[nn.Module],
        lookahead: int = 0,
    ) -> None:
        super().__init__()
        self.conv_in = TemporalConv1d(in_channels, channels, 1)
        self.layers = ModuleList(layers)
        self.lookahead = lookahead
        reach = sum(layer.context for layer in self.layers)
        self.context = max(reach - lookahead, lookahead)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, channels, T) for x (N, C, T); mask is (N, 1, T).

        Features are 0 where the mask is 0, so that a convolution reads the same beyond
        the end of a padded video as beyond the end of the batch.
        """
        x = self.conv_in(x)
        if self.lookahead:
            # Extend each video by the lookahead.
            x = F.pad(masked(x, mask), (0, self.lookahead))
            mask = None if mask is None else F.pad(mask, (self.lookahead, 0), value=1)
        x = run_layers(self.layers, x, mask)
        return x[:, :, self.lookahead :] if self.lookahead else x


def refinement_stages(
    num_classes: int,
    channels: int,
    layer: Callable[[int], nn.Module],
    num_layers: int,
    num_stages: int,
) -> Iterator[TemporalStage]:
    """Yield stages that read class probabilities; ``layer`` builds a layer."""
    for _ in range(num_stages):
        layers = [layer(2**i) for i in range(num_layers)]
        yield TemporalStage(num_classes, channels, layers)


class DualDilatedLayer(BaseModule):
    """Two dilated convolutions of one input, merged and added to it."""

    def __init__(
        self,
        channels: int,
        far_dilation: int,
        near_dilation: int,
        dropout: float,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.causal = causal
        self.context = (1 + causal) * max(far_dilation, near_dilation)
        self.conv_far = _dilated(channels, far_dilation, causal)
        self.conv_near = _dilated(channels, near_dilation, causal)
        self.merge = TemporalConv1d(2 * channels, channels, 1)
        self.dropout = FrameDropout(dropout)

    def forward(self, x: Tensor, videos: Videos = None) -> Tensor:
        """Return x (N, C, T), changed but for the padding, which is 0."""
        return self.dropout.add(x, self._merged(x, videos), videos)

    def _merged(self, x: Tensor, videos: Videos) -> Tensor:
        """Return the two convolutions of x (N, C, T), merged, after ReLU.

        The merge follows without a nonlinearity. On CPUs, it is therefore folded into
        the weights of the convolutions, and their taps for the frame itself are added:
        five products instead of eight.
        """
        if not uses_loops(x):
            both = torch.cat([self.conv_far(x), self.conv_near(x)], dim=1)
            return self.merge(both, relu=True)
        taps, shifts, bias = self.merged_taps()
        return shifted_products(x, taps, shifts, bias, videos, relu=True)

    def merged_taps(self) -> tuple[Tensor, list[int], Tensor]:
        """Return the single convolution that equals both convolutions and the merge.

        Returns:
            Its taps (5, C, C), their shifts in frames, and its bias (C,).
        """
        merge, convs = self.merge.weight[:, :, 0], (self.conv_far, self.conv_near)
        # Taps (C, C) for the earlier, the middle and the later frame.
        far, near = (
            torch.einsum('oc,cik->koi', part, conv.weight)
            for part, conv in zip(merge.chunk(2, dim=1), convs, strict=True)
        )
        biases = [conv.bias for conv in convs if conv.bias is not None]
        reach, step = (conv.dilation[0] for conv in convs)
        if self.causal:
            taps = [far[0], near[0], far[1], near[1], far[2] + near[2]]
            shifts = [-2 * reach, -2 * step, -reach, -step, 0]
        else:
            taps = [far[0], near[0], far[1] + near[1], near[2], far[2]]
            shifts = [-reach, -step, 0, step, reach]
        bias = merge @ torch.cat(biases) + cast(Tensor, self.merge.bias)
        return torch.stack(taps), shifts, bias


class DilatedResidualLayer(BaseModule):
    """A dilated convolution and a 1x1 convolution, added to their input."""

    def __init__(
        self, channels: int, dilation: int, dropout: float, causal: bool = False
    ) -> None:
        super().__init__()
        self.context = (1 + causal) * dilation
        self.conv_dilated = _dilated(channels, dilation, causal)
        self.conv_out = TemporalConv1d(channels, channels, 1)
        self.dropout = FrameDropout(dropout)

    def forward(self, x: Tensor, videos: Videos = None) -> Tensor:
        """Return x (N, C, T), changed but for the padding, which is 0."""
        change = self.conv_out(self.conv_dilated(x, videos, relu=True))
        return self.dropout.add(x, change, videos)


def _dilated(channels: int, dilation: int, causal: bool) -> TemporalConv1d:
    """Return a convolution over a frame and two around it, or two before it."""
    padding = (1 + causal) * dilation
    return TemporalConv1d(channels, channels, 3, padding=padding, dilation=dilation)
