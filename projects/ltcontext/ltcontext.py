"""LTContext: stages that alternate attention in windows and to the whole video.

Source: Bahrami et al., "How Much Temporal Long-Term Context is Needed for Action
Segmentation?" (ICCV 2023); details that the text leaves open are from
github.com/LTContext/LTContext.
"""

from collections.abc import Callable
from functools import partial

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor
from torch.nn import functional as F

from mmskelseg.models.layers.attention import AttentionStage, window_attention
from mmskelseg.models.layers.padding import Videos, each_video, norm_videos
from mmskelseg.models.layers.temporal_conv import FrameDropout, TemporalConv1d
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, CountOrZero, Fraction


@MODELS.register_module()
class LTContext(BaseModule):
    """A stage that predicts and narrower stages that refine.

    Layer i of a stage is a convolution with dilation 2**i, attention in windows, and
    sparse attention to the whole video. From the second stage on, the attention takes
    its values from the features of the previous stage.

    An output depends on all frames of a video. Stages therefore have no ``context``,
    and a video is always processed as a whole. Memory grows with the number of frames
    times the window in evaluation; in training, it also grows with the square of the
    number of frames, divided by the stride.

    Args:
        in_channels: Number of features per frame, C.
        num_classes: Number of classes that a refinement reads, K.
        channels: Width of the first stage.
        num_layers: Number of layers of every stage.
        num_refinements: Number of stages that refine.
        window: Frames are divided into windows of this length. A frame attends to its
            window, and to half a window on each side of it.
        stride: In the attention to the whole video, a frame attends to the frames whose
            distance from it is a multiple of this.
        reduction: The later stages have ``channels // reduction`` channels. The
            attention of a stage has half of the stage's channels.
        channel_masking: Probability, in training, that a channel of a video is set to 0
            where it enters a stage.
        dropout: Probability of dropout in every layer, and of each attention weight.
        output_dropout: Probability of dropout of what an attention adds.
        norm: Whether each channel is normalised over the frames of a video before each
            attention.
        init_cfg: Initialisation by MMEngine.

    Raises:
        UserError: If a stage is too narrow to halve its channels.

    Note:
        The reference code normalises if its option ``USE_INSTANCE_NORM`` is False, and
        does not if it is True, as in the configs of its published weights.
    """

    def __init__(
        self,
        in_channels: Count,
        num_classes: Count,
        *,
        channels: Count = 64,
        num_layers: Count = 9,
        num_refinements: CountOrZero = 3,
        window: Count = 64,
        stride: Count = 64,
        reduction: Count = 2,
        channel_masking: Fraction = 0.3,
        dropout: Fraction = 0.2,
        output_dropout: Fraction = 0.1,
        norm: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        narrow = channels // reduction
        if narrow < 2:
            raise UserError(
                f'LTContext: channels={channels} and reduction={reduction} leave '
                f'{narrow} channels for the stages that refine, which need at least 2; '
                'set more channels or a smaller reduction.'
            )
        self.in_channels = in_channels
        self.out_channels = (channels, *[narrow] * num_refinements)

        near = partial(window_attention, window=window, blocks=True)
        far = partial(strided_attention, stride=stride)

        def layers(width: int) -> ModuleList:
            attend = partial(
                Attention, width, dropout=dropout, output_dropout=output_dropout
            )
            layer = partial(ContextLayer, width, dropout=dropout, norm=norm)
            return ModuleList(
                layer(attend(near), attend(far), dilation=2**i)
                for i in range(num_layers)
            )

        first = AttentionStage(
            in_channels, channels, layers(channels), channel_masking=channel_masking
        )
        refinements = (
            Refinement(
                num_classes,
                narrow,
                layers(narrow),
                channel_masking=channel_masking,
                # Only the features of the first stage are wide.
                reduced_channels=None if i else channels,
            )
            for i in range(num_refinements)
        )
        self.stages = ModuleList([first, *refinements])


class Refinement(AttentionStage):
    """A stage that reads features of the one before, which may be wider.

    Args:
        in_channels: Number of classes that it reads, K.
        channels: Width of the stage.
        layers: As those of any stage.
        channel_masking: Probability, in training, that a class of a video is set to 0.
        reduced_channels: Channels of the features that a 1x1 convolution turns into
            ``channels``, or None if there are as many.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        layers: ModuleList,
        *,
        channel_masking: float,
        reduced_channels: int | None,
    ) -> None:
        super().__init__(
            in_channels,
            channels,
            layers,
            channel_masking=channel_masking,
            reads_features=True,
        )
        self.reduce = (
            None
            if reduced_channels is None
            else TemporalConv1d(reduced_channels, channels, 1)
        )

    def forward(
        self, x: Tensor, mask: Tensor | None = None, features: Tensor | None = None
    ) -> Tensor:
        """Return features (N, W, T) for x (N, K, T); mask is (N, 1, T).

        ``features`` (N, W', T) are those of the previous stage.
        """
        source = features if self.reduce is None else self.reduce(features)
        return super().forward(x, mask, source)


class ContextLayer(BaseModule):
    """A dilated convolution, two kinds of attention, and a 1x1, added to the input."""

    def __init__(
        self,
        channels: int,
        near: 'Attention',
        far: 'Attention',
        *,
        dilation: int,
        dropout: float,
        norm: bool,
    ) -> None:
        super().__init__()
        self.norm = norm
        self.conv_dilated = TemporalConv1d(
            channels, channels, 3, padding=dilation, dilation=dilation
        )
        self.near = near
        self.far = far
        self.conv_out = TemporalConv1d(channels, channels, 1)
        self.dropout = FrameDropout(dropout)

    def forward(self, x: Tensor, videos: Videos, source: Tensor | None) -> Tensor:
        """Return x (N, C, T), changed but for the padding, which is 0.

        The values of both kinds of attention come from ``source`` (N, C, T), or from
        the layer's own features if it is None.
        """
        y = F.gelu(self.conv_dilated(x, videos))
        for attention in (self.near, self.far):
            normed = norm_videos(y, videos) if self.norm else y
            y = y + attention(normed, normed if source is None else source, videos)
        return self.dropout.add(x, self.conv_out(y), videos)


class Attention(BaseModule):
    """Attention in half of the channels, between two 1x1 convolutions.

    Args:
        channels: Number of channels, C.
        attend: Function of queries, keys and values (N, C // 2, T), of how the videos
            lie in them, and of the probability that a weight is dropped.
        dropout: That probability in training.
        output_dropout: Probability of dropout of the output.
    """

    def __init__(
        self,
        channels: int,
        attend: Callable[..., Tensor],
        dropout: float,
        output_dropout: float,
    ) -> None:
        super().__init__()
        self.attend = attend
        self.weight_dropout = dropout
        self.query = TemporalConv1d(channels, channels // 2, 1)
        self.key = TemporalConv1d(channels, channels // 2, 1)
        self.value = TemporalConv1d(channels, channels // 2, 1)
        self.project = TemporalConv1d(channels // 2, channels, 1)
        self.dropout = FrameDropout(output_dropout)

    def forward(self, x: Tensor, source: Tensor, videos: Videos) -> Tensor:
        """Return (N, C, T) for x and the source of the values, (N, C, T)."""
        attended = self.attend(
            self.query(x),
            self.key(x),
            self.value(source),
            videos,
            dropout=self.weight_dropout if self.training else 0.0,
        )
        return self.dropout(self.project(F.gelu(attended)))


def strided_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    videos: Videos,
    *,
    stride: int,
    dropout: float = 0.0,
) -> Tensor:
    """Return the attention of each frame to every stride-th one, (N, C, T).

    Frame t reads all frames of the video whose distance from it is a multiple of
    ``stride``. In training, memory grows with the square of the number of frames,
    divided by the stride.

    Args:
        query: Shape (N, C, T), as are ``key`` and ``value``.
        videos: How the videos lie in these.
        stride: Distance between the frames that are read, in frames.
        dropout: Probability that a weight is dropped.
    """
    if isinstance(videos, tuple):
        each = partial(strided_attention, videos=None, stride=stride, dropout=dropout)
        return each_video(each, videos, query, key, value)
    frames = query.shape[2]
    valid = torch.ones_like(query[:1, :1]) if videos is None else videos
    queries, keys, values, shown = (
        _groups(x, stride) for x in (query, key, value, valid)
    )
    allowed = shown.transpose(2, 3) > 0
    # In a group of padding only, the softmax over nothing would be NaN.
    allowed = (allowed | ~allowed.any(dim=3, keepdim=True)).contiguous()
    attended = F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=allowed, dropout_p=dropout
    )
    return attended.transpose(1, 2).flatten(1, 2)[:, :frames].transpose(1, 2)


def _groups(x: Tensor, stride: int) -> Tensor:
    """Return groups of frames of x (N, C, T), (N, stride, frames of a group, C).

    Group g consists of the frames g, g + stride, and so on. They are 0 beyond the end
    of x.
    """
    padding = (x.shape[2] + stride - 1) // stride * stride - x.shape[2]
    rows = F.pad(x.transpose(1, 2), (0, 0, 0, padding)).contiguous()
    return rows.unflatten(1, (-1, stride)).transpose(1, 2)
