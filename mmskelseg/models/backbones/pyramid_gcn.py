"""Causal graph convolutions over joints, body parts and the whole body.

This is not ST-PGN, since only its abstract was available: see the note of
:class:`PyramidGCN`.
"""

import numpy as np
import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.models.backbones.ms_gcn import GraphBlock
from mmskelseg.models.layers.graph_conv import check_joints, norm_joints
from mmskelseg.models.layers.padding import masked
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.options import Count, CountOrZero
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.graph import skeleton_pyramid, spatial_subsets
from mmskelseg_io.structures.skeleton import Layout


@MODELS.register_module()
class PyramidGCN(BaseModule):
    """One causal stage that reads a skeleton at every level of a pyramid.

    Blocks over joints and past frames are followed by pooling to body parts and blocks
    over these, and then the same for the whole body. A frame is described by the
    concatenated means over the nodes of each level; it depends on no later frame.

    Args:
        in_channels: Channels of a joint, C: 3 for coordinates in 3D.
        num_classes: Not used, since no stage reads classes.
        skeleton: Layout of the V joints; its limbs and root define the graphs, and its
            drop groups the body parts.
        channels: Width of every level, and of the stage.
        num_layers: Number of blocks of each level; block i reads the frames 2**i and
            2 * 2**i before its own.
        reach: See :class:`mmskelseg.models.MSGCN`.
        init_cfg: Initialisation by MMEngine.

    Note:
        According to its abstract, ST-PGN is a spatio-temporal pyramid graph
        convolutional network over skeletons, for online recognition, which uses the
        features of all levels of the skeleton's hierarchy. The rest is our assumption:
        the levels are joints, body parts and body; pooling is the mean; levels follow
        one another, and their features are concatenated; the blocks are those of MS-GCN
        with a convolution over past frames only; the widths, depths and partition of
        neighbours; and there is no recurrent layer and no refinement.

        In training, batch norms use all frames of a video; in evaluation they do not.

    Source: the abstract of Parsa et al., "Spatio-Temporal Pyramid Graph Convolutions
    for Human Action Recognition and Postural Assessment" (WACV 2020).
    """

    def __init__(
        self,
        in_channels: Count,
        num_classes: Count,
        *,
        skeleton: Skeleton | Layout,
        channels: Count = 64,
        num_layers: Count = 5,
        reach: CountOrZero | None = 1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = channels
        levels = [
            PyramidLevel(channels, num_layers, pool, spatial_subsets(level, reach))
            for level, pool in skeleton_pyramid(Skeleton.get(skeleton))
        ]
        self.stages = ModuleList([PyramidStage(in_channels, channels, levels)])


class PyramidStage(BaseModule):
    """Normalisation of coordinates, the levels one after another, and their means."""

    def __init__(
        self, in_channels: int, channels: int, levels: list['PyramidLevel']
    ) -> None:
        super().__init__()
        self.num_joints = len(levels[0].pool)
        self.norm_in = nn.BatchNorm1d(in_channels * self.num_joints)
        self.conv_in = nn.Conv2d(in_channels, channels, 1)
        self.levels = ModuleList(levels)
        self.conv_out = nn.Conv1d(len(levels) * channels, channels, 1)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, channels, T) for x (N, C, T, V); mask is (N, 1, T)."""
        check_joints(x, self.num_joints)
        x = self.conv_in(norm_joints(self.norm_in, x, mask))
        means = []
        for level in self.levels:
            x = level(x, mask)
            means.append(x.mean(dim=3))
        return masked(self.conv_out(torch.cat(means, dim=1)), mask)


class PyramidLevel(BaseModule):
    """Pooling (G', G) of the nodes of the previous level, then blocks over its own."""

    def __init__(
        self, channels: int, num_layers: int, pool: np.ndarray, adjacency: np.ndarray
    ) -> None:
        super().__init__()
        self.register_buffer('pool', torch.from_numpy(pool))
        self.register_buffer('adjacency', torch.from_numpy(adjacency))
        self.layers = ModuleList(
            CausalGraphBlock(channels, self.adjacency.shape, 2**i)
            for i in range(num_layers)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (N, channels, T, G) for x (N, channels, T, G'); mask is (N, 1, T)."""
        x = x @ self.pool
        for layer in self.layers:
            x = layer(x, self.adjacency, mask)
        return x


class CausalGraphBlock(GraphBlock):
    """A block of MS-GCN whose convolution over frames is causal."""

    def __init__(self, channels: int, graph: torch.Size, dilation: int) -> None:
        super().__init__(channels, graph, dilation)
        self.conv_time = CausalConv2d(
            channels, channels, (3, 1), dilation=(dilation, 1)
        )


class CausalConv2d(nn.Conv2d):
    """A convolution over (N, C, T, V) that reads a frame and earlier ones."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C', T, V) for x (N, C, T, V)."""
        reach = (self.kernel_size[0] - 1) * self.dilation[0]
        return super().forward(F.pad(x, (0, 0, reach, 0)))
