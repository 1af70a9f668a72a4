"""MMAction2's graph networks for skeletons, with a feature vector for each frame."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib import import_module

import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModule, ModuleList
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from mmskelseg.models.backbones.ms_tcn import DilatedResidualLayer, refinement_stages
from mmskelseg.models.branch_checkpoints import (
    branch_checkpoints,
    check_branch_weights,
)
from mmskelseg.models.layers.graph_conv import check_joints
from mmskelseg.models.layers.padding import masked
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, CountOrZero, Fraction
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.graph import graph_center, hop_distances
from mmskelseg_io.structures.skeleton import Layout


@MODELS.register_module()
class MMActionGCN(BaseModule):
    """A graph network of MMAction2 as first stage, with MS-TCN++'s refinement stages.

    The network's features are averaged over the joints.

    Args:
        in_channels: Channels of a joint, C.
        num_classes: Number of classes that a refinement stage reads, K.
        skeleton: Layout of the V joints. It defines the network's graph, unless
            ``graph_cfg`` names a ``layout`` of MMAction2 with as many joints.
        network: Config of the network, such as ``dict(type='mmaction.STGCN',
            graph_cfg=dict(mode='stgcn_spatial'), down_stages=[])``, without
            ``in_channels``. An ``init_cfg`` in it loads a checkpoint of MMAction2:
            ``dict(type='Pretrained', checkpoint=FILE, prefix='backbone.')``.
        upsample: Number of frames per feature of the network. 1: it outputs a feature
            for each frame, as STGCN and AAGCN do with ``down_stages=[]``; the same
            weights fit. 4: it halves the frame rate twice, as they do by default, and
            features are interpolated linearly in between.
        network_channels: Number of features per joint that the network outputs.
        channels: Width of every stage; a 1x1 convolution reduces the network's features
            to it.
        num_refinements: Number of refinement stages.
        num_refinement_layers: Number of layers of each refinement stage.
        dropout: Probability of dropout in every layer of the refinement stages.
        init_cfg: Initialisation by MMEngine.

    Raises:
        ValueError: If network and skeleton do not match, or a checkpoint does not
            contain the network.

    Note:
        The videos of a batch pass through the network one by one, each with its own
        length, since the network does not support padding. In training, its batch norms
        therefore use the statistics of one video at a time, or the running statistics
        if it has a single frame.

        Networks whose input norm distinguishes persons (``MVC``, AAGCN's default) read
        one person here, and zeros for the others, as in MMAction2.
    """

    def __init__(
        self,
        in_channels: Count,
        num_classes: Count,
        *,
        skeleton: Skeleton | Layout,
        network: Mapping[str, object],
        upsample: Count = 1,
        network_channels: Count = 256,
        channels: Count = 64,
        num_refinements: CountOrZero = 3,
        num_refinement_layers: Count = 10,
        dropout: Fraction = 0.5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = channels
        skeleton = Skeleton.get(skeleton)
        given = ConfigDict(network)
        graph = {'layout': graph_layout(skeleton), **given.get('graph_cfg', {})}
        first = NetworkStage(
            {**given, 'graph_cfg': graph, 'in_channels': in_channels},
            skeleton.num_joints,
            (network_channels, channels),
            upsample,
        )
        refinements = refinement_stages(
            num_classes,
            channels,
            lambda dilation: DilatedResidualLayer(channels, dilation, dropout),
            num_refinement_layers,
            num_refinements,
        )
        self.stages = ModuleList([first, *refinements])


class NetworkStage(BaseModule):
    """The network, run on each video separately, the mean over joints, and a 1x1.

    Raises:
        UserError: If joints do not suit the network.
    """

    def __init__(
        self,
        network: ConfigDict,
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
                f'{network["type"]} normalises {reads} values per frame, not a '
                f'multiple of {num_joints} joints of {network["in_channels"]} channels;'
                f' leave out graph_cfg.layout={network["graph_cfg"]["layout"]!r}, or '
                'set `skeleton` to that of the data set.'
            )
        self.num_persons = reads // one

    def init_weights(self) -> None:
        """Set the initial weights of a training."""
        name = self._cfg['type']
        if branch_checkpoints({name: self._cfg}):
            check_branch_weights(name, self.network, self._cfg['init_cfg'])
        # The network refers to initialisers of MMAction2 without their scope.
        import_module('mmaction.engine')
        with DefaultScope.overwrite_default_scope('mmaction'):
            super().init_weights()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, channels, T) for x (N, C, T, V); mask is (N, 1, T)."""
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
        """Return the network's features (C', T) for x (C, T, V)."""
        frames = x.shape[1]
        # (1, M, T, V, C), with zeros for the other persons
        persons = F.pad(
            x.permute(1, 2, 0)[None], (0, 0) * 3 + (0, self.num_persons - 1)
        )
        # A single frame has no standard deviation to normalise by.
        with running_statistics(self.network) if frames == 1 else nullcontext():
            # (C', frames of the network's output)
            x = self.network(persons[None])[0, 0].mean(dim=2)
        expected = (self.conv_out.in_channels, -(-frames // self.upsample))
        if x.shape != expected:
            raise UserError(
                f'{self._cfg["type"]} gives features of shape {tuple(x.shape)} for '
                f'{frames} frames, but with network_channels={expected[0]} and '
                f'upsample={self.upsample} they should be {expected}; set '
                '`network_channels` to its width, and network.down_stages=[] for a '
                'feature per frame.'
            )
        if self.upsample == 1:
            return x
        # Feature i belongs to frame i * upsample; the last one is repeated.
        after = torch.cat([x[:, 1:], x[:, -1:]], dim=1)
        share = torch.arange(self.upsample, device=x.device, dtype=x.dtype)
        between = torch.lerp(x[..., None], after[..., None], share / self.upsample)
        return between.flatten(1)[:, :frames]


@contextmanager
def running_statistics(network: nn.Module) -> Iterator[None]:
    """Let the batch norms of a network normalise with their running statistics."""
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.training]
    for norm in norms:
        norm.eval()
    try:
        yield
    finally:
        for norm in norms:
            norm.train()


def graph_layout(skeleton: Skeleton) -> dict[str, object]:
    """Return a skeleton as ``layout`` of MMAction2's graphs.

    Limbs point to the root, and the first of several root joints is the centre.

    >>> graph_layout(Skeleton.get(dict(joints=3, limbs=[[0, 1], [1, 2]], root=[1])))
    {'num_node': 3, 'inward': [(0, 1), (2, 1)], 'center': 1}
    """
    center = graph_center(skeleton)
    to_root = hop_distances(skeleton)[list(center)].min(axis=0)
    inward = [(a, b) if to_root[a] >= to_root[b] else (b, a) for a, b in skeleton.limbs]
    return {'num_node': skeleton.num_joints, 'inward': inward, 'center': center[0]}
