"""Graph convolutions over joints, body parts and the whole body, without looking ahead.

This is not ST-PGN, of which only the abstract was at hand: see the note of
:class:`PyramidGCN`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.models.backbones.ms_gcn import GraphBlock
from mmskelseg.models.layers import check_joints, masked, norm_joints
from mmskelseg.registry import MODELS
from mmskelseg.structures import Skeleton
from mmskelseg.structures.graph import skeleton_pyramid, spatial_subsets


@MODELS.register_module()
class PyramidGCN(BaseModule):
    """One stage that reads a skeleton at every level of a pyramid.

    Blocks over joints and past frames; then these pooled to body parts, and blocks over
    those; then the whole body likewise. The means over the nodes of all levels together
    describe a frame. It depends on itself and on those before it.

    Args:
        in_channels: Channels of a joint, C: 3 for coordinates in 3D.
        num_classes: Not used, since no stage reads classes.
        skeleton: Layout of the V joints; its limbs and root make the graphs, its drop
            groups the body parts.
        channels: Width of every level, and of the stage.
        num_layers: Blocks of each level; block i reads frames 2**i and 2 * 2**i back.
        reach: See :class:`mmskelseg.models.MSGCN`.
        init_cfg: Initialisation by MMEngine.

    Note:
        ST-PGN's abstract says that it is a spatio-temporal pyramid graph convolutional
        network over skeletons, for online recognition, which uses the features of all
        levels of the skeleton's hierarchy. All else here is our assumption: that
        levels are joints, body parts and body; that pooling is the mean; that levels
        follow one another and their features are concatenated; the blocks, which are
        those of MS-GCN with a convolution over past frames alone; widths, depths and
        partition of neighbours; and that there is no recurrent layer and no refinement.

        In training, batch norms see all frames of a video; in evaluation nothing does.

    Source: the abstract of Parsa et al., "Spatio-Temporal Pyramid Graph Convolutions
    for Human Action Recognition and Postural Assessment" (WACV 2020).
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        skeleton: Skeleton | str | Mapping[str, Any],
        channels: int = 64,
        num_layers: int = 5,
        reach: int | None = 1,
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
        self.stage_order = (0,)


class PyramidStage(BaseModule):
    """Normalised coordinates, the levels one after another, and all their means."""

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
        """Return features (N, channels, T) of x (N, C, T, V); mask is (N, 1, T)."""
        check_joints(x, self.num_joints)
        x = self.conv_in(norm_joints(self.norm_in, x, mask))
        means = []
        for level in self.levels:
            x = level(x, mask)
            means.append(x.mean(dim=3))
        return masked(self.conv_out(torch.cat(means, dim=1)), mask)


class PyramidLevel(BaseModule):
    """Pools the nodes of the level below (G', G) and runs blocks over its own."""

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
        """Return (N, channels, T, G) of x (N, channels, T, G'); mask is (N, 1, T)."""
        x = x @ self.pool
        for layer in self.layers:
            x = layer(x, self.adjacency, mask)
        return x


class CausalGraphBlock(GraphBlock):
    """A block of MS-GCN whose convolution over frames reads past ones alone."""

    def __init__(self, channels: int, graph: torch.Size, dilation: int) -> None:
        super().__init__(channels, graph, dilation)
        self.conv_time = CausalConv2d(
            channels, channels, (3, 1), dilation=(dilation, 1)
        )


class CausalConv2d(nn.Conv2d):
    """A convolution over (N, C, T, V) that reads a frame and those before it."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C', T, V) of x (N, C, T, V)."""
        reach = (self.kernel_size[0] - 1) * self.dilation[0]
        return super().forward(F.pad(x, (0, 0, reach, 0)))
