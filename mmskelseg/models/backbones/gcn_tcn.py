"""GCN-TCN: graph convolutions in each frame, then an encoder-decoder over frames.

This is the network of STL and, with :class:`mmskelseg.models.RiskHead`, of MTL.

Source: Parsa and Banerjee, "A Multi-Task Learning Approach for Human Activity
Segmentation and Ergonomics Risk Assessment" (WACV 2021), and its code at
github.com/BehnooshParsa/MTL-ERA. The encoder and decoder are those of Lea et al.,
"Temporal Convolutional Networks for Action Segmentation and Detection" (CVPR 2017).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from mmcv.cnn import build_activation_layer
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from mmskelseg.models.layers.graph_conv import GraphConv, check_joints, norm_joints
from mmskelseg.models.layers.padding import masked
from mmskelseg.models.layers.pooling import adaptive_mean
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.options import Count, CountOrZero, Fraction
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.graph import spatial_subsets
from mmskelseg_io.structures.skeleton import Layout


@MODELS.register_module()
class GCNTCN(BaseModule):
    """A stem over the joints of each frame, followed by one stage over frames.

    The network is causal in blocks: a frame depends on earlier frames, and on later
    ones only within its own block of ``2 ** num_levels`` frames.

    Args:
        in_channels: Channels of a joint, C: 3 for coordinates in 3D.
        num_classes: Not used, since no stage reads classes.
        skeleton: Layout of the V joints; its limbs and root define the graph.
        graph_channels: Width of each graph convolution.
        stem_channels: Number of features per frame that the stem outputs.
        channels: Width of the encoder and decoder.
        num_levels: Number of times that the encoder halves the frame rate.
        kernel_size: Number of frames that a convolution of encoder or decoder reads.
        out_channels: Number of features per frame that the stage outputs.
        dropout: Probability of dropout after every convolution of both.
        act_cfg: Config of the activation of the stage's features: ``ReLU`` in STL,
            ``Tanh`` in MTL.
        reach: See :class:`mmskelseg.models.MSGCN`.
        init_cfg: Initialisation by MMEngine.

    Note:
        The code of STL has a graph of 11 limbs, in which trunk and head are separate
        from the rest, with the left ankle as its root. Here the skeleton defines both.
        The ReLU between stem and stage in the code of MTL would have no effect.
    """

    def __init__(
        self,
        in_channels: Count,
        num_classes: Count,
        *,
        skeleton: Skeleton | Layout,
        graph_channels: Sequence[Count] = (*[64] * 4, *[128] * 3, *[256] * 3),
        stem_channels: Count = 2048,
        channels: Count = 50,
        num_levels: Count = 4,
        kernel_size: Count = 4,
        out_channels: Count = 1024,
        dropout: Fraction = 0.005,
        act_cfg: Mapping[str, object] | None = None,
        reach: CountOrZero | None = 1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = out_channels
        adjacency = torch.from_numpy(spatial_subsets(Skeleton.get(skeleton), reach))
        self.stem = GraphStem((in_channels, *graph_channels), stem_channels, adjacency)
        widths = (stem_channels, *[channels] * (2 * num_levels - 1), stem_channels)
        blocks = [
            CausalBlock(before, after, kernel_size, 2 ** (i % num_levels), dropout)
            for i, (before, after) in enumerate(pairwise(widths))
        ]
        self.stages = ModuleList(
            [EncoderDecoder(blocks, stem_channels, out_channels, act_cfg)]
        )


class GraphStem(BaseModule):
    """Normalisation of coordinates, graph convolutions, and pooling of their features.

    The features of a frame, ordered by channel and then by joint, are pooled by
    adaptive averages to ``out_channels`` values.

    Note:
        The code of STL uses PyTorch's default initialisation. With it, ten layers
        suppress all differences between frames at first (to a deviation of 4e-7), which
        slows down learning. Here, training starts from Kaiming's initialisation.
    """

    def __init__(
        self, channels: Sequence[int], out_channels: int, adjacency: Tensor
    ) -> None:
        super().__init__(
            {'type': 'Kaiming', 'layer': 'Conv2d', 'mode': 'fan_in', 'bias': 0}
        )
        self.out_channels = out_channels
        self.register_buffer('adjacency', adjacency)
        self.norm_in = nn.BatchNorm1d(channels[0] * adjacency.shape[1])
        self.layers = ModuleList(
            GraphConv(before, after, len(adjacency))
            for before, after in pairwise(channels)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, out_channels, T) for x (N, C, T, V); mask (N, 1, T)."""
        check_joints(x, self.adjacency.shape[1])
        x = norm_joints(self.norm_in, x, mask)
        for layer in self.layers:
            x = F.relu(layer(x, self.adjacency))
        # (N, T, C * V)
        rows = x.transpose(1, 2).flatten(2)
        x = adaptive_mean(rows, self.out_channels)
        return masked(x.transpose(1, 2), mask)


class EncoderDecoder(BaseModule):
    """Blocks that each halve the frame rate, then blocks that each double it."""

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        in_channels: int,
        out_channels: int,
        act_cfg: Mapping[str, object] | None,
    ) -> None:
        super().__init__()
        half = len(blocks) // 2
        self.encoder = ModuleList(blocks[:half])
        self.decoder = ModuleList(blocks[half:])
        self.conv_out = nn.Conv1d(in_channels, out_channels, 1)
        self.activate = build_activation_layer(dict(act_cfg or {'type': 'ReLU'}))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, out_channels, T) for x (N, C, T); mask is (N, 1, T)."""
        frames = x.shape[2]
        # Only the averages look ahead, so that a video reads zeros up to the end of its
        # last block of frames, and nothing beyond.
        x = F.pad(masked(x, mask), (0, -frames % 2 ** len(self.encoder)))
        for block in self.encoder:
            x = F.avg_pool1d(block(x), 2)
        for block in self.decoder:
            x = block(x.repeat_interleave(2, dim=2))
        return masked(self.activate(self.conv_out(x[:, :, :frames])), mask)


class CausalBlock(BaseModule):
    """Two convolutions over a frame and earlier ones, added to their input."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dilation: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.reach = (kernel_size - 1) * dilation
        self.convs = ModuleList(
            weight_norm(
                nn.Conv1d(channels, out_channels, kernel_size, dilation=dilation)
            )
            for channels in (in_channels, out_channels)
        )
        self.dropout = nn.Dropout(dropout)
        self.shortcut = (
            nn.Identity()
            if in_channels == out_channels
            else nn.Conv1d(in_channels, out_channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, out_channels, T) for x (N, C, T)."""
        change = x
        for conv in self.convs:
            change = self.dropout(F.relu(conv(F.pad(change, (self.reach, 0)))))
        return F.relu(change + self.shortcut(x))
