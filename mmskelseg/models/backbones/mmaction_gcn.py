"""MMAction2's graph networks for skeletons, one feature a frame."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from mmengine.model import BaseModule, ModuleList
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.models.backbones.ms_tcn import DilatedResidualLayer, refinement_stages
from mmskelseg.models.branch_checkpoints import (
    branch_checkpoints,
    check_branch_weights,
)
from mmskelseg.models.layers import check_joints, masked
from mmskelseg.registry import MODELS
from mmskelseg.structures import Skeleton
from mmskelseg.structures.graph import graph_center, hop_distances
from mmskelseg.utils.errors import UserError


@MODELS.register_module()
class MMActionGCN(BaseModule):
    """A graph network of MMAction2 as first stage, and stages of MS-TCN++ that refine.

    The network's features are averaged over joints.

    Args:
        in_channels: Channels of a joint, C.
        num_classes: Classes that a refinement stage reads, K.
        skeleton: Layout of the V joints. It is the network's graph, unless
            ``graph_cfg`` names a ``layout`` of MMAction2 with as many joints.
        network: Config of the network, such as ``dict(type='mmaction.STGCN',
            graph_cfg=dict(mode='stgcn_spatial'), down_stages=[])``, without
            ``in_channels``. An ``init_cfg`` in it loads a checkpoint of MMAction2:
            ``dict(type='Pretrained', checkpoint=FILE, prefix='backbone.')``.
        upsample: How many frames a feature of the network stands for. 1: it gives one a
            frame, which STGCN and AAGCN do with ``down_stages=[]``, by the same weights
            as with others. 4: it halves the frames twice, as they do by default, and
            frames between two features get what lies between these (linear).
        network_channels: Features of a joint that the network gives.
        channels: Width of every stage, to which a 1x1 convolution brings these.
        num_refinements: How many refine.
        num_refinement_layers: Layers of each.
        dropout: Probability of dropout in every layer of these.
        init_cfg: Initialisation by MMEngine.

    Raises:
        ValueError: If network and skeleton do not go together, or a checkpoint does not
            hold the network.

    Note:
        Videos of a batch go through the network one by one, each at its own length,
        since nothing in it knows of padding. In training, its batch norms hence take
        the statistics of one video at a time.

        Networks whose input norm tells persons apart (``MVC``, AAGCN's default) read
        one person here, and zeros for the others, as MMAction2 fills them in.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        skeleton: Skeleton | str | Mapping[str, Any],
        network: Mapping[str, Any],
        upsample: int = 1,
        network_channels: int = 256,
        channels: int = 64,
        num_refinements: int = 3,
        num_refinement_layers: int = 10,
        dropout: float = 0.5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = channels
        skeleton = Skeleton.get(skeleton)
        graph = {'layout': graph_layout(skeleton), **network.get('graph_cfg', {})}
        self.stages = ModuleList(
            [
                NetworkStage(
                    {**network, 'graph_cfg': graph, 'in_channels': in_channels},
                    skeleton.num_joints,
                    (network_channels, channels),
                    upsample,
                )
            ]
        )
        self.stages.extend(
            refinement_stages(
                num_classes,
                channels,
                lambda dilation: DilatedResidualLayer(channels, dilation, dropout),
                num_refinement_layers,
                num_refinements,
            )
        )
        self.stage_order = tuple(range(1 + num_refinements))


class NetworkStage(BaseModule):
    """The network, each video at its own length, the mean over joints, and a 1x1."""

    def __init__(
        self,
        network: Mapping[str, Any],
        num_joints: int,
        channels: tuple[int, int],
        upsample: int,
    ) -> None:
        super().__init__()
        self.network = MODELS.build(network)
        self._cfg = network
        self.num_joints = num_joints
        self.conv_out = nn.Conv1d(*channels, 1)
        self.upsample = upsample
        one = num_joints * network['in_channels']
        reads = getattr(self.network.data_bn, 'num_features', one)
        if reads % one:
            raise UserError(
                f'{network["type"]} normalises {reads} values a frame, which is not a '
                f'multiple of {num_joints} joints of {network["in_channels"]} channels;'
                f' leave out graph_cfg.layout={network["graph_cfg"]["layout"]!r}, or '
                'set `skeleton` to that of the data set.'
            )
        self.num_persons = reads // one

    def init_weights(self) -> None:
        """Set the weights that a training starts from."""
        name = self._cfg['type']
        if branch_checkpoints({name: self._cfg}):
            check_branch_weights(name, self.network, self._cfg['init_cfg'])
        # Its parts name initialisers of MMAction2 by name alone.
        import_module('mmaction.engine')
        with DefaultScope.overwrite_default_scope('mmaction'):
            super().init_weights()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, channels, T) of x (N, C, T, V); mask is (N, 1, T)."""
        check_joints(x, self.num_joints)
        lengths = (
            [x.shape[2]] * len(x) if mask is None else mask[:, 0].sum(1).int().tolist()
        )
        features = [
            self._one_video(video[:, :length])
            for video, length in zip(x, lengths, strict=True)
        ]
        T = x.shape[2]
        x = torch.stack([F.pad(video, (0, T - video.shape[1])) for video in features])
        return masked(self.conv_out(x), mask)

    def _one_video(self, x: Tensor) -> Tensor:
        """Return the network's features (C', T) of x (C, T, V)."""
        frames = x.shape[1]
        # (1, M, T, V, C), the other persons zero
        persons = F.pad(
            x.permute(1, 2, 0)[None], (0, 0) * 3 + (0, self.num_persons - 1)
        )
        # (C', frames that it keeps)
        x = self.network(persons[None])[0, 0].mean(dim=2)
        expected = (self.conv_out.in_channels, -(-frames // self.upsample))
        if x.shape != expected:
            raise UserError(
                f'{self._cfg["type"]} gives features of shape {tuple(x.shape)} for '
                f'{frames} frames, but with network_channels={expected[0]} and '
                f'upsample={self.upsample} they should be {expected}; set '
                '`network_channels` to its width, and for a feature a frame '
                'network.down_stages=[].'
            )
        if self.upsample == 1:
            return x
        # Feature i is that of frame i * upsample; behind the last one it stays.
        x = torch.cat([x, x[:, -1:]], dim=1)
        size = (x.shape[1] - 1) * self.upsample + 1
        x = F.interpolate(x[None], size=size, mode='linear', align_corners=True)
        return x[0, :, :frames]


def graph_layout(skeleton: Skeleton) -> dict[str, Any]:
    """Return a skeleton as ``layout`` of MMAction2's graphs.

    Limbs point to the root, and of several root joints the first is the centre.

    >>> graph_layout(Skeleton.get(dict(joints=3, limbs=[[0, 1], [1, 2]], root=[1])))
    {'num_node': 3, 'inward': [(0, 1), (2, 1)], 'center': 1}
    """
    center = graph_center(skeleton)
    to_root = hop_distances(skeleton)[list(center)].min(axis=0)
    inward = [(a, b) if to_root[a] >= to_root[b] else (b, a) for a, b in skeleton.limbs]
    return {
        'num_node': skeleton.num_joints,
        'inward': inward,
        'center': center[0],
    }
