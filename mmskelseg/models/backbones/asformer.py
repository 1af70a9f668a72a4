"""ASFormer: stages with attention in windows that double from layer to layer.

Source: Yi et al., "ASFormer: Transformer for Action Segmentation" (BMVC 2021); details
that the text leaves open are from github.com/ChinaYi/ASFormer.
"""

import math

from mmengine.model import BaseModule, ModuleList
from torch import Tensor
from torch.nn import functional as F

from mmskelseg.models.layers.attention import AttentionStage, window_attention
from mmskelseg.models.layers.padding import Videos, norm_videos
from mmskelseg.models.layers.temporal_conv import FrameDropout, TemporalConv1d
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, CountOrZero, Fraction


@MODELS.register_module()
class ASFormer(BaseModule):
    """An encoder stage that predicts, followed by decoder stages that refine.

    Layer i of a stage is a convolution with dilation 2**i and attention in a window of
    2**i frames. The attention of the decoders takes its values from the features of the
    previous stage, with the weight exp(-3 s) in decoder s, counted from 0.

    Each layer normalises every channel over all frames of a video. Stages therefore
    have no ``context``, and a video is always processed as a whole. Memory grows with
    the number of frames times the largest window, not with its square.

    Args:
        in_channels: Number of features per frame, C.
        num_classes: Number of classes that a decoder reads, K.
        channels: Width of every stage.
        num_layers: Number of layers of every stage.
        num_decoders: Number of decoders.
        reduction: The attention has ``channels // reduction`` channels.
        channel_masking: Probability, in training, that a channel of a video is set to 0
            for the encoder.
        dropout: Probability of dropout in every layer.
        block_windows: Whether a frame attends to its whole block, which is as long as a
            window, and to half a window on each side of the block, instead of the
            window around the frame itself. This is how the released code works and how
            its published weights were trained, due to an error that its authors mention
            in their README.
        init_cfg: Initialisation by MMEngine.

    Raises:
        UserError: If no channels are left for the attention.

    Note:
        Queries and keys of a decoder come from its own features only, as in the
        reference code. There, a key outside the window still has a weight of 1e-6 in
        the softmax; here it has none.
    """

    def __init__(
        self,
        in_channels: Count,
        num_classes: Count,
        *,
        channels: Count = 64,
        num_layers: Count = 10,
        num_decoders: CountOrZero = 3,
        reduction: Count = 2,
        channel_masking: Fraction = 0.3,
        dropout: Fraction = 0.5,
        block_windows: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if reduction > channels:
            raise UserError(
                f'ASFormer: reduction={reduction}, but must be at most the number of '
                f'channels, {channels}.'
            )
        self.in_channels = in_channels
        self.out_channels = channels

        def layers(weight: float) -> ModuleList:
            return ModuleList(
                AttentionLayer(
                    channels,
                    2**i,
                    attention_channels=channels // reduction,
                    attention_weight=weight,
                    dropout=dropout,
                    block_windows=block_windows,
                )
                for i in range(num_layers)
            )

        encoder = AttentionStage(
            in_channels, channels, layers(1), channel_masking=channel_masking
        )
        decoders = (
            AttentionStage(
                num_classes, channels, layers(math.exp(-3 * i)), reads_features=True
            )
            for i in range(num_decoders)
        )
        self.stages = ModuleList([encoder, *decoders])


class AttentionLayer(BaseModule):
    """A dilated convolution, attention in a window, and a 1x1, added to their input."""

    def __init__(
        self,
        channels: int,
        window: int,
        *,
        attention_channels: int,
        attention_weight: float,
        dropout: float,
        block_windows: bool,
    ) -> None:
        super().__init__()
        self.window = window
        self.attention_weight = attention_weight
        self.block_windows = block_windows
        self.conv_dilated = TemporalConv1d(
            channels, channels, 3, padding=window, dilation=window
        )
        self.query = TemporalConv1d(channels, attention_channels, 1)
        self.key = TemporalConv1d(channels, attention_channels, 1)
        self.value = TemporalConv1d(channels, attention_channels, 1)
        self.project = TemporalConv1d(attention_channels, channels, 1)
        self.conv_out = TemporalConv1d(channels, channels, 1)
        self.dropout = FrameDropout(dropout)

    def forward(self, x: Tensor, videos: Videos, source: Tensor | None) -> Tensor:
        """Return x (N, C, T), changed but for the padding, which is 0.

        The values of the attention come from ``source`` (N, C, T), or from the layer's
        own features if it is None.
        """
        local = self.conv_dilated(x, videos, relu=True)
        normed = norm_videos(local, videos)
        attended = window_attention(
            self.query(normed),
            self.key(normed),
            self.value(normed if source is None else source),
            videos,
            window=self.window,
            blocks=self.block_windows,
        )
        near = self.project(F.relu(attended))
        change = local.add(near, alpha=self.attention_weight)
        return self.dropout.add(x, self.conv_out(change), videos)
