"""MS-GCN: graph convolutions over joints and time, followed by refinement stages.

Source: Filtjens et al., "Skeleton-Based Action Segmentation With Multi-Stage
Spatial-Temporal Graph Convolutional Neural Networks" (IEEE TETC 2022), and its code at
github.com/BenjaminFiltjens/MS-GCN.
"""

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.models.backbones.ms_tcn import refinement_stages
from mmskelseg.models.layers.graph_conv import GraphConv, check_joints, norm_joints
from mmskelseg.models.layers.padding import Videos, masked, norm_frames
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.options import Count, CountOrZero
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.graph import spatial_subsets
from mmskelseg_io.structures.skeleton import Layout


@MODELS.register_module()
class MSGCN(BaseModule):
    """A stage over joints and frames, and refinement stages over frames.

    Args:
        in_channels: Channels of a joint, C: 6 for coordinates in 3D and displacements.
        num_classes: Number of classes that a refinement stage reads, K.
        skeleton: Layout of the V joints; its limbs and root define the graph.
        channels: Width of every stage.
        num_layers: Number of layers of the first stage.
        num_refinement_layers: Number of layers of each refinement stage.
        num_refinements: Number of refinement stages.
        reach: Number of hops up to which neighbours are distinguished by their distance
            from the root; see :func:`spatial_subsets`.
        init_cfg: Initialisation by MMEngine.

    Note:
        The graph is part of a checkpoint, so a checkpoint of the reference code brings
        the graph it was trained with.
    """

    def __init__(
        self,
        in_channels: Count,
        num_classes: Count,
        *,
        skeleton: Skeleton | Layout,
        channels: Count = 64,
        num_layers: Count = 10,
        num_refinement_layers: Count = 10,
        num_refinements: CountOrZero = 3,
        reach: CountOrZero | None = 1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = channels
        adjacency = torch.from_numpy(spatial_subsets(Skeleton.get(skeleton), reach))
        first = GraphStage(in_channels, channels, adjacency, num_layers)
        refinements = refinement_stages(
            num_classes,
            channels,
            lambda dilation: NormedResidualLayer(channels, dilation),
            num_refinement_layers,
            num_refinements,
        )
        self.stages = ModuleList([first, *refinements])


class GraphStage(BaseModule):
    """Normalisation of coordinates, blocks over joints and frames, and their mean."""

    def __init__(
        self, in_channels: int, channels: int, adjacency: Tensor, num_layers: int
    ) -> None:
        super().__init__()
        self.register_buffer('adjacency', adjacency)
        self.norm_in = nn.BatchNorm1d(in_channels * adjacency.shape[1])
        self.conv_in = nn.Conv2d(in_channels, channels, 1)
        self.layers = ModuleList(
            GraphBlock(channels, adjacency.shape, 2**i) for i in range(num_layers)
        )
        self.context = sum(2**i for i in range(num_layers))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, channels, T) for x (N, C, T, V); mask is (N, 1, T)."""
        check_joints(x, self.adjacency.shape[1])
        x = self.conv_in(norm_joints(self.norm_in, x, mask))
        for layer in self.layers:
            x = layer(x, self.adjacency, mask)
        return masked(x.mean(dim=3), mask)


class GraphBlock(BaseModule):
    """A convolution over joints and a dilated one over frames, added to their input."""

    def __init__(self, channels: int, graph: torch.Size, dilation: int) -> None:
        super().__init__()
        self.edge_importance = nn.Parameter(torch.ones(graph))
        self.conv_graph = GraphConv(channels, channels, graph[0])
        self.norm_graph = nn.BatchNorm1d(channels)
        self.conv_time = nn.Conv2d(
            channels, channels, (3, 1), padding=(dilation, 0), dilation=(dilation, 1)
        )
        self.norm_time = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor, adjacency: Tensor, mask: Tensor | None) -> Tensor:
        """Return x (N, channels, T, V), changed only where mask (N, 1, T) is 1."""
        change = self.conv_graph(x, adjacency * self.edge_importance)
        # It is 0 in the padding, which the next convolution reads.
        change = F.relu(norm_frames(self.norm_graph, change, mask))
        return x + F.relu(norm_frames(self.norm_time, self.conv_time(change), mask))


class NormedResidualLayer(BaseModule):
    """A dilated convolution over frames, normalised and added to its input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.context = dilation
        self.conv_dilated = TemporalConv1d(
            channels, channels, 3, padding=dilation, dilation=dilation
        )
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor, videos: Videos = None) -> Tensor:
        """Return x (N, channels, T), changed but for the padding, which is 0."""
        change = norm_frames(self.norm, self.conv_dilated(x, videos), videos)
        return x + F.relu(change)
